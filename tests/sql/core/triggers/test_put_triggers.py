"""put_triggers: the latest version says what starts a workflow."""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import DefinitionError

from ...play import Play

EVERY: dict[str, Any] = {"id": "x", "schedule": {"every": "1h"}}


def deploy(play: Play, *entries: dict[str, Any], name: str = "w") -> None:
    """Deploy a workflow with these entries of `on`."""
    steps = [{"id": "a", "task": "t"}]
    compiled = compile_definition({"name": name, "on": [*entries], "steps": steps})
    calls.register_workflow(play.conn, compiled)


def compute(play: Play) -> None:
    """Give every schedule a next time, as the relay would."""
    play.conn.execute(
        "update onceflow.trigger set next_at = onceflow.now(), due_at = onceflow.now()"
    )


def test_the_triggers_are_those_of_the_latest_version(play: Play) -> None:
    deploy(play, EVERY, {**EVERY, "id": "y"})
    deploy(play, EVERY, {**EVERY, "id": "z"})
    deploy(play, EVERY, name="other")
    assert play.rows(
        "select workflow, trigger, kind, version from onceflow.triggers order by 1, 2"
    ) == [("other", "x", "schedule", 1), ("w", "x", "schedule", 2), ("w", "z", "schedule", 2)]
    deploy(play)
    assert play.rows("select workflow from onceflow.triggers") == [("other",)]


def test_one_that_stays_stays_paused_and_where_it_was(play: Play) -> None:
    deploy(play, EVERY)
    compute(play)
    play.conn.execute("update onceflow.trigger set paused_at = onceflow.now()")
    before = play.row("select paused_at, done_until, next_at, due_at from onceflow.triggers")
    assert None not in before
    deploy(play, {"id": "x", "schedule": {"every": "1h", "input": {"new": 1}}})
    after = play.row(
        "select paused_at, done_until, next_at, due_at, version, spec -> 'input' from"
        " onceflow.triggers"
    )
    assert after == (*before, 2, {"v": {"new": 1}})


def test_of_another_plan_the_next_time_is_computed_anew(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-03-01 12:00+00')")
    deploy(play, EVERY)
    compute(play)
    play.conn.execute("select onceflow.set_clock('2026-03-01 12:30+00')")
    deploy(play, {"id": "x", "schedule": {"every": "2h"}})
    assert play.row(
        "select next_at, due_at, done_until = onceflow.now() from onceflow.triggers,"
        " onceflow.test_clock"
    ) == (None, None, True)


RUNS = "select planned_at, state, until, count from onceflow.schedule_runs"


def test_what_was_due_by_the_plan_before_is_told_as_missed(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-03-01 12:00+00')")
    deploy(play, EVERY)
    compute(play)
    (planned,) = play.row("select next_at from onceflow.triggers")
    play.conn.execute("select onceflow.set_clock('2026-03-01 14:30+00')")
    deploy(play, {"id": "x", "schedule": {"every": "1h", "input": {"same": "plan"}}})
    assert play.rows(RUNS) == []
    deploy(play, {"id": "x", "schedule": {"every": "2h"}})
    (now,) = play.row("select onceflow.now()")
    assert play.rows(RUNS) == [(planned, "missed", now, None)]


@pytest.mark.parametrize("paused", [True, False])
def test_what_was_not_due_or_is_paused_was_not_missed(play: Play, paused: bool) -> None:
    play.conn.execute("select onceflow.set_clock('2026-03-01 12:00+00')")
    deploy(play, EVERY)
    play.conn.execute(
        "update onceflow.trigger set next_at = onceflow.now() + '1 hour',"
        " due_at = onceflow.now() + '1 hour'"
    )
    if paused:
        calls.pause_triggers(play.conn, ["w"], ["x"])
        play.conn.execute("select onceflow.set_clock('2026-03-01 14:30+00')")
    deploy(play, {"id": "x", "schedule": {"every": "2h"}})
    assert play.rows(RUNS) == []


def test_its_paths_are_read_at_deploy(play: Play) -> None:
    compiled = compile_definition({"name": "w", "on": [EVERY], "steps": [{"id": "a", "task": "t"}]})
    compiled["triggers"][0]["spec"]["input"] = {"p": "strict $.(", "t": "$.("}
    with pytest.raises(DefinitionError, match="not a path"):
        calls.register_workflow(play.conn, compiled)
