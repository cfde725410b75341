"""Two relays that fire a year's schedules, killed at random: none is missed or doubled."""

import time
from collections.abc import Callable
from contextlib import ExitStack
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

import pytest

from onceflow.engine.settings import Settings

from ..fuzz.effort import TIMES
from ..sql.year import BEGIN, END, SCHEDULES, deploy_year, expected
from ..support import wait_until
from .support import Conn, RelayProcess, relay_processes

pytestmark = pytest.mark.timeout(120 * TIMES)
KILLS = 3 * TIMES


def test_killed_at_random_none_is_missed_or_doubled(
    conn: Conn, settings: Settings, tmp_path: Path
) -> None:
    seed = 7 if TIMES == 1 else time.time_ns() % 2**32
    print(f"seed {seed}")
    chance = Random(seed)
    set_time(conn, BEGIN)
    deploy_year(conn, "400d")
    every = sorted(at for name in SCHEDULES for at in expected(name))
    with ExitStack() as stack:

        def start(number: int) -> RelayProcess:
            names = [f"relay-{number}"]
            (relay,) = stack.enter_context(relay_processes(settings, tmp_path, names))
            return relay

        relays = [start(0), start(1)]
        begun = 0
        for number in range(2, 2 + KILLS):
            due = chance.randrange(begun, len(every) * (number - 1) // KILLS)
            begun = chance.randrange(begun, due + 1)
            set_time(conn, every[due])
            wait_until(has_fired(conn, begun), f"{begun} runs", 60)
            which = chance.randrange(2)
            relays[which].process.kill()
            relays[which].wait()
            relays[which] = start(number)
        set_time(conn, END + timedelta(minutes=30))
        wait_until(has_fired(conn, len(every)), "the whole year", 60)
    for name in SCHEDULES:
        started = conn.execute(
            "select scheduled_at from onceflow.instances where workflow = %s order by 1", (name,)
        ).fetchall()
        assert [at for (at,) in started] == expected(name), name


def set_time(conn: Conn, at: datetime) -> None:
    conn.execute("select onceflow.set_clock(%s)", (at,))


def has_fired(conn: Conn, count: int) -> Callable[[], bool]:
    """Return what tells whether so many instances have been started by schedules."""
    statement = "select count(*) >= %s from onceflow.instances where scheduled_at is not null"

    def look() -> bool:
        (answer,) = conn.execute(statement, (count,)).fetchone() or (False,)
        return answer

    return look
