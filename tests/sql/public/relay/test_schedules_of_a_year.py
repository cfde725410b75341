"""A year of six schedules in four zones, and relays that die whenever they can."""

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.schedules import take_turn

from ...play import Connection, Play
from ...schedules import set_time, turn
from ...year import BEGIN, END, SCHEDULES, deploy_year, expected


@pytest.mark.parametrize("seed", [1])
def test_none_is_missed_or_doubled(
    play: Play, open_conn: Callable[[], psycopg.Connection[Any]], seed: int
) -> None:
    chance = random.Random(seed)
    set_time(play, BEGIN)
    deploy_year(play.conn, "14d")
    other = open_conn()
    now = BEGIN
    while now < END:
        now = min(now + timedelta(hours=chance.uniform(0, 200)), END + timedelta(minutes=30))
        set_time(play, now)
        die_sometimes(play.conn, other, chance)
        turn(play)
    for name in SCHEDULES:
        started = play.rows(
            "select scheduled_at from onceflow.instances where workflow = %s order by 1", name
        )
        assert [at for (at,) in started] == expected(name), name
    assert play.rows("select distinct state from onceflow.schedule_runs") == [("started",)]


def die_sometimes(conn: Connection, other: Connection, chance: random.Random) -> None:
    """Have relays compute, and die before they fire, as they do, or before they hear of it."""
    for _ in range(chance.randrange(3)):
        limit = chance.randrange(1, 7)
        read = [(each, calls.read_schedules(each, limit)) for each in (conn, other)]
        turns = [
            (each, [(d, take_turn(d.plan, d.catch_up, d.done_until, d.now)) for d in due])
            for each, due in read
        ]
        for each, what in turns:
            match chance.randrange(4):
                case 0:
                    continue
                case 1:
                    with each.transaction(force_rollback=True):
                        calls.fire_schedules(each, what)
                case 2:
                    calls.fire_schedules(each, what)
                case _:
                    calls.fire_schedules(each, what)
                    calls.fire_schedules(each, what)
