"""What waits by itself and comes due under a hold: it rests, and begins with the resume."""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls

from ...play import Play, pass_time
from ..children.support import SHIP, WORK, Family, deliver
from .support import begin, send, whole

Json = Any
FIRST = {"id": "a", **WORK}
FORM = {"title": "Refund?", "to": ["boss"], "due": "2h"}


def hold(play: Play, instance: UUID) -> None:
    """Suspend an instance, and complete its task `a`, so that what follows comes due."""
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)


@pytest.mark.parametrize(
    "step",
    [
        {"sleep": "2h"},
        {"sleep": 0},
        {"wait_for": "paid", "timeout": "2h"},
        {"wait_for": {"event": "paid", "key": "36"}, "timeout": "2h"},
        {"approve": FORM},
        {"workflow": "flow", "version": 1, "key": "$.input.key", "timeout": "2h"},
        {"workflow": "flow", "version": 1, "detach": True},
    ],
    ids=str,
)
def test_what_comes_due_under_a_hold_rests_and_begins_with_the_resume(
    play: Play, step: Json
) -> None:
    begin(play, FIRST)
    instance = begin(play, FIRST, {"id": "w", **step}, given={"key": "k"})
    hold(play, instance)
    assert play.task(instance, "w", "state", "held_by") == ("READY", "operator")
    assert play.rows("select from onceflow.wait") == []
    assert deliver(play) == 0
    assert whole(play)
    pass_time(play.conn, "3 hours")
    play.tick()
    assert play.state(instance, "w") == "READY"
    calls.resume_instances(play.conn, [instance])
    assert play.log(instance, "w")[0] == "READY"
    assert whole(play)
    if step == {"sleep": 0}:
        assert play.state(instance) == "SUCCEEDED"
        return
    assert play.task(instance, "w", "state", "held_by") == ("WAITING", None)
    if "detach" not in step:
        # Its time runs from its beginning.
        pass_time(play.conn, "1 hour")
        play.tick()
        assert play.state(instance, "w") == "WAITING"
        pass_time(play.conn, "2 hours")
        play.tick()
    deliver(play)
    assert play.state(instance, "w") != "WAITING"
    assert whole(play)


def test_its_expressions_are_evaluated_as_it_comes_due(play: Play) -> None:
    steps = [FIRST, {"id": "w", "sleep": "$.input.missing"}]
    instance = begin(play, *steps, on_failure="suspend")
    hold(play, instance)
    assert play.state(instance, "w") == "DEAD_LETTER"
    calls.redrive_dead_letters(play.conn, [calls.Key(instance, "w")], ["1h"])
    assert play.state(instance, "w") == "READY"
    calls.resume_instances(play.conn, [instance])
    assert play.state(instance, "w") == "WAITING"
    assert whole(play)


def test_what_is_sent_meanwhile_is_kept_for_it(play: Play) -> None:
    steps = [FIRST, {"id": "w", "wait_for": "paid"}, {"id": "b", **WORK}]
    instance = begin(play, *steps, output="$.steps.w.output")
    hold(play, instance)
    send(play, instance, "paid", 36)
    assert play.state(instance, "w") == "READY"
    calls.resume_instances(play.conn, [instance])
    assert play.states(instance) == {"a": "SUCCEEDED", "w": "SUCCEEDED", "b": "QUEUED"}
    play.complete(instance, "b")
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", 36)
    assert whole(play)


def test_what_closes_ends_it_and_nothing_of_it_begins(play: Play) -> None:
    run = Family(play, FIRST, SHIP)
    hold(play, run.parent)
    calls.cancel_instances(play.conn, [run.parent])
    deliver(play)
    assert (run.state(), run.state("ship")) == ("CANCELLED", "CANCELLED")
    assert run.children() == []
    assert run.whole()


@pytest.mark.parametrize("lift", [calls.resume_instances, calls.cancel_instances])
def test_the_undoing_of_a_child_rests_until_the_hold_is_lifted(play: Play, lift: Any) -> None:
    fails = {"id": "f", **WORK}
    block = {"id": "x", "parallel": {"p": [SHIP, fails], "q": [{"id": "q", **WORK}]}, "tolerate": 1}
    run = Family(play, block)
    child = run.begin()
    run.end(child)
    grant = play.take(run.parent, "f/1")
    calls.suspend_instances(play.conn, [run.parent])
    play.worker.fail(grant, retryable=False)
    assert run.state("ship.compensate/1") == "READY"
    assert deliver(play) == 0
    assert play.state(child) == "SUCCEEDED"
    assert run.whole()
    lift(play.conn, [run.parent])
    assert run.state("ship.compensate/1") == "WAITING"
    deliver(play)
    play.complete(child, "pack.compensate")
    deliver(play)
    assert run.state("ship.compensate/1") == "SUCCEEDED"
    assert run.whole()
