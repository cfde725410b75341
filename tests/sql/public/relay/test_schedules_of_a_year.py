"""A year of six schedules in four zones, and relays that die whenever they can."""

import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import psycopg
import pytest
from dateutil import rrule

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.schedules import take_turn

from ...play import Connection, Play
from ...schedules import set_time, turn

BEGIN, END = datetime(2028, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
NAIVE = BEGIN.replace(tzinfo=None) - timedelta(days=1)
SUNDAY: Final = rrule.SU
MONTHLY: Final = 1
DAILY: Final = 3


def planned(zone: str, freq: Literal[1, 3], hour: int, minute: int, **more: Any) -> list[datetime]:
    """Return what another library plans, in a zone's own time, but for days of a change."""
    days = rrule.rrule(
        freq, dtstart=NAIVE, until=NAIVE + timedelta(days=369),
        byhour=hour, byminute=minute, bysecond=0, **more,
    )  # fmt: skip
    found = [day.replace(tzinfo=ZoneInfo(zone)) for day in days]
    return [at.astimezone(UTC) for at in found if not changes(at)]


def changes(at: datetime) -> bool:
    """Return whether the clock of a zone changes on that day."""
    day = at.replace(hour=0, minute=0)
    return day.utcoffset() != (day + timedelta(days=1)).utcoffset()


SCHEDULES: dict[str, tuple[dict[str, Any], list[datetime], list[str]]] = {
    "warsaw": (
        {"cron": "30 2 * * *", "timezone": "Europe/Warsaw"},
        planned("Europe/Warsaw", DAILY, 2, 30),
        ["2028-03-26T01:00Z", "2028-10-29T00:30Z"],
    ),
    "new-york": (
        {"cron": "30 2 * * SUN", "timezone": "America/New_York"},
        planned("America/New_York", DAILY, 2, 30, byweekday=SUNDAY),
        ["2028-03-12T07:00Z", "2028-11-05T07:30Z"],
    ),
    "lord-howe": (
        {"cron": "15 2 * * *", "timezone": "Australia/Lord_Howe"},
        planned("Australia/Lord_Howe", DAILY, 2, 15),
        ["2028-04-01T15:45Z", "2028-09-30T15:30Z"],
    ),
    "month-ends": (
        {"cron": "0 9 31 * *", "timezone": "Asia/Kolkata"},
        planned("Asia/Kolkata", MONTHLY, 9, 0, bymonthday=31),
        [],
    ),
    "leap": ({"cron": "0 0 29 2 *"}, [], ["2028-02-29T00:00Z"]),
    "often": (
        {"every": "7h", "jitter": "20m"},
        [
            datetime.fromtimestamp(n * 25200, UTC)
            for n in range(int(BEGIN.timestamp()) // 25200, int(END.timestamp()) // 25200 + 1)
        ],
        [],
    ),
}


@pytest.mark.parametrize("seed", [1])
def test_none_is_missed_or_doubled(
    play: Play, open_conn: Callable[[], psycopg.Connection[Any]], seed: int
) -> None:
    chance = random.Random(seed)
    set_time(play, BEGIN)
    for name, (plan, _, _) in SCHEDULES.items():
        entry = {"id": "s", "schedule": {**plan, "overlap": "allow", "catch_up": "14d"}}
        steps = [{"id": "a", "set": "$.instance.scheduled_at"}]
        calls.register_workflow(
            play.conn, compile_definition({"name": name, "on": [entry], "steps": steps})
        )
    other = open_conn()
    now = BEGIN
    while now < END:
        now = min(now + timedelta(hours=chance.uniform(0, 200)), END + timedelta(minutes=30))
        set_time(play, now)
        die_sometimes(play.conn, other, chance)
        turn(play)
    for name, (_, others, by_hand) in SCHEDULES.items():
        expected = sorted([*others, *(datetime.fromisoformat(at) for at in by_hand)])
        started = play.rows(
            "select scheduled_at from onceflow.instances where workflow = %s order by 1", name
        )
        assert [at for (at,) in started] == [at for at in expected if BEGIN < at <= END], name
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
