"""Schedules as tests play them: a clock that is set, and turns of the relay's job."""

from datetime import UTC, datetime, timedelta
from typing import Any

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.relay.schedules import fire_due_schedules, start_waiting_runs

from .play import Play

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def deploy(play: Play, name: str = "w", *, kind: str = "task", **schedule: Any) -> None:
    """Deploy a workflow of one step with the schedule `s`; every minute, unless it says more."""
    plan = {} if "cron" in schedule else {"every": "1m"}
    step = {"id": "a", "task": "work"} if kind == "task" else {"id": "a", "set": 1}
    entry = {"id": "s", "schedule": {**plan, **schedule}}
    compiled = compile_definition({"name": name, "on": [entry], "steps": [step]})
    calls.register_workflow(play.conn, compiled)


def set_time(play: Play, at: datetime) -> None:
    play.conn.execute("select onceflow.set_clock(%s)", (at,))


def turn(play: Play, limit: int = 500) -> None:
    """Turn the relay's jobs until nothing of schedules is due."""
    while fire_due_schedules(play.conn, limit, 0) or start_waiting_runs(play.conn, limit, 0):
        pass


def pass_minutes(play: Play, *minutes: int) -> None:
    """Set the clock to minutes after noon, one after the other, and turn at each."""
    for each in minutes:
        set_time(play, NOON + timedelta(minutes=each))
        turn(play)


def begin(play: Play, name: str = "w", **schedule: Any) -> None:
    """Deploy at noon, and compute when the first time is."""
    set_time(play, NOON)
    deploy(play, name, **schedule)
    turn(play)


def runs(play: Play) -> list[tuple[int, str]]:
    """Return (minutes after noon, state) of all runs."""
    rows = play.rows("select planned_at, state from onceflow.schedule_runs order by planned_at")
    return [(round((at - NOON).total_seconds() / 60), state) for at, state in rows]


def end(play: Play, minute: int) -> None:
    """Complete the instance that was planned for a minute after noon."""
    at = NOON + timedelta(minutes=minute)
    found = play.value("select id from onceflow.instances where scheduled_at = %s", at)
    play.complete(found, "a")
