"""`on_failed` of a workflow: its task is carried out once, when an instance has failed."""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, pass_time
from .support import WORK, begin, whole

TELL = {"task": "work", "with": {"code": "$.error.code", "at": "$.error.task", "for": "$.input.n"}}
UNDONE = {"id": "a", **WORK, "compensate": {"task": "undo"}}
STEP = "workflow.on_failed"


# guarantee: notice-once
def test_when_all_is_undone_it_is_told_once_and_the_instance_has_failed(play: Play) -> None:
    instance = begin(play, UNDONE, {"id": "b", **WORK}, on_failed=TELL, given={"n": 7})
    play.complete(instance, "a")
    play.fail(instance, "b", code="no", retryable=False)
    assert play.states(instance) == {
        "a": "SUCCEEDED", "b": "DEAD_LETTER", "a.compensate": "QUEUED",
    }  # fmt: skip
    play.complete(instance, "a.compensate")
    assert (play.state(instance), play.state(instance, STEP)) == ("COMPENSATING", "QUEUED")
    assert whole(play)
    grant = play.take(instance, STEP)
    assert (grant.input, grant.compensation) == ({"code": "no", "at": "b", "for": 7}, False)
    play.worker.complete(grant)
    assert play.instance(instance, "state", "error ->> 'code'") == ("COMPENSATED", "no")
    assert play.log(instance, STEP) == ["QUEUED", "RUNNING", "SUCCEEDED"]
    assert whole(play)


# guarantee: notice-of-failures
@pytest.mark.parametrize("how", ["fail", "deadline", "output", "cancel", "success"])
def test_of_what_has_failed_it_tells_and_of_nothing_else(play: Play, how: str) -> None:
    more: dict[str, Any] = {"on_failed": {"task": "work", "with": {"code": "$.error.code"}}}
    if how == "output":
        more["output"] = "$.input.none"
    instance = begin(play, {"id": "a", **WORK}, on_failure="fail", deadline="1h", **more)
    match how:
        case "fail":
            play.fail(instance, "a", code="no", retryable=False)
        case "deadline":
            pass_time(play.conn, "1 hour")
            play.tick()
        case "output":
            play.complete(instance, "a")
            calls.discard_dead_letters(play.conn, [Key(instance, "workflow.output")])
        case "cancel":
            calls.cancel_instances(play.conn, [instance])
        case _:
            play.complete(instance, "a")
    if how in ("cancel", "success"):
        assert STEP not in play.states(instance)
        assert play.state(instance) in ("CANCELLED", "SUCCEEDED")
    else:
        codes = {"fail": "no", "deadline": "deadline", "output": "expression"}
        assert play.state(instance) == "CLOSING"
        grant = play.take(instance, STEP)
        assert grant.input == {"code": codes[how]}
        play.worker.complete(grant)
        assert play.state(instance) == "FAILED"
    assert whole(play)


# guarantee: notice-kept
def test_one_that_cannot_be_told_waits_for_a_person(play: Play) -> None:
    instance = begin(play, {"id": "a", **WORK}, on_failed=TELL, given={"n": 1})
    play.fail(instance, "a", retryable=False)
    play.fail(instance, STEP, retryable=False)
    assert play.instance(instance, "state", "suspended_by") == ("CLOSING", "dead_letter")
    assert play.task(instance, STEP, "open") == (True,)
    assert whole(play)
    key = [Key(instance, STEP)]
    calls.redrive_dead_letters(play.conn, key)
    play.fail(instance, STEP, retryable=False)
    calls.discard_dead_letters(play.conn, key)
    assert play.state(instance) == "COMPENSATED"
    assert whole(play)


def test_an_input_that_fails_is_given_by_hand(play: Play) -> None:
    instance = begin(play, {"id": "a", **WORK}, on_failed=TELL)
    play.fail(instance, "a", retryable=False)
    assert play.task(instance, STEP, "state", "input") == ("DEAD_LETTER", None)
    calls.redrive_dead_letters(play.conn, [Key(instance, STEP)], [{"code": "x"}])
    assert play.take(instance, STEP).input == {"code": "x"}
    assert whole(play)


def test_it_is_tried_again_and_held_by_an_operator(play: Play) -> None:
    instance = begin(play, UNDONE, {"id": "b", **WORK}, on_failed=TELL, given={"n": 1})
    play.complete(instance, "a")
    play.fail(instance, "b", retryable=False)
    calls.suspend_instances(play.conn, [instance])
    calls.resume_instances(play.conn, [instance])
    grant = play.take(instance, "a.compensate")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)
    assert play.state(instance, STEP) == "READY"
    calls.resume_instances(play.conn, [instance])
    play.fail(instance, STEP, retryable=True)
    assert play.state(instance, STEP) == "RETRYING"
    pass_time(play.conn, "1 minute")
    play.tick()
    play.complete(instance, STEP)
    assert play.state(instance) == "COMPENSATED"
    assert whole(play)


def test_a_compensation_that_was_discarded_is_told_of_too(play: Play) -> None:
    instance = begin(play, UNDONE, {"id": "b", **WORK}, on_failed=TELL, given={"n": 1})
    play.complete(instance, "a")
    play.fail(instance, "b", retryable=False)
    play.fail(instance, "a.compensate", retryable=False)
    calls.discard_dead_letters(play.conn, [Key(instance, "a.compensate")])
    play.complete(instance, STEP)
    assert play.state(instance) == "FAILED"
    assert whole(play)
