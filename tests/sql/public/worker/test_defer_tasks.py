"""defer_tasks: attempts that are answered from outside, or by the clock"""

import uuid
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Answer, Deferral, Grant, token_of
from onceflow.engine.errors import BadArgument

from ...play import Play, pass_time
from ...workflows import Step, sequence, value, workflow


def defer(play: Play, grant: Grant, timeout: float = 60) -> Answer:
    deferral = Deferral(grant.instance_id, grant.task, grant.fence, timeout)
    return calls.defer_tasks(play.conn, [deferral])[0]


def complete(play: Play, grant: Grant, output: object = None) -> tuple[str, str | None]:
    token = token_of(grant.instance_id, grant.task, grant.fence)
    (answer,) = calls.complete_deferred_tasks(play.conn, [token], [output])
    return answer.answer, answer.state


def deferred(play: Play, timeout: float = 60, **step: object) -> tuple[UUID, Grant]:
    """Return an instance of a → b whose a is deferred, and the grant of that."""
    steps = [Step("a", **step), Step("b", ("a",))]  # pyright: ignore[reportArgumentType]
    instance = play.begin(workflow(*steps))
    grant = play.take(instance, "a")
    assert defer(play, grant, timeout).answer == "accepted"
    return instance, grant


def test_a_deferred_task_waits_without_a_worker_until_it_is_answered(play: Play) -> None:
    instance, grant = deferred(play)
    assert play.task(instance, "a", "state", "worker_id", "attempts") == ("WAITING", None, 1)
    assert calls.check_instances(play.conn) == []
    play.worker.vanish()
    play.tick()
    assert play.state(instance, "a") == "WAITING"
    assert complete(play, grant, {"paid": 3}) == ("accepted", "SUCCEEDED")
    assert play.task(instance, "a", "output") == ({"paid": 3},)
    assert play.state(instance, "b") == "QUEUED"
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "WAITING", "SUCCEEDED"]
    assert complete(play, grant, {"paid": 4}) == ("repeated", "SUCCEEDED")
    assert play.task(instance, "a", "output") == ({"paid": 3},)


# guarantee: deferred-first
def test_who_answers_before_the_attempt_is_deferred_is_first(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    assert complete(play, grant) == ("accepted", "SUCCEEDED")
    assert defer(play, grant).answer == "repeated"
    assert play.state(instance) == "SUCCEEDED"


def test_a_deferral_is_repeated_and_fenced_like_any_answer(play: Play) -> None:
    instance, grant = deferred(play, 60)
    assert defer(play, grant, 5).answer == "repeated"
    assert play.task(instance, "a", "state") == ("WAITING",)
    other = Deferral(instance, "a", uuid.uuid4(), 60)
    assert [a.answer for a in calls.defer_tasks(play.conn, [other])] == ["stale"]


# guarantee: deferred-for-ever
def test_without_an_answer_the_attempt_has_failed_and_the_old_token_is_stale(play: Play) -> None:
    instance, grant = deferred(play, 60, retry={"attempts": 2, "backoff": 1, "jitter": 0})
    pass_time(play.conn, "59 seconds")
    play.tick()
    assert play.state(instance, "a") == "WAITING"
    pass_time(play.conn, "2 seconds")
    play.tick()
    (error,) = play.task(instance, "a", "error")
    assert (play.state(instance, "a"), error["code"]) == ("RETRYING", "timeout")
    assert complete(play, grant) == ("stale", "RETRYING")
    pass_time(play.conn, "2 seconds")
    play.tick()
    again = play.take(instance, "a")
    assert complete(play, grant) == ("stale", "RUNNING")
    assert complete(play, again) == ("accepted", "SUCCEEDED")


# guarantee: deferred-undone
def test_cancelling_ends_it_and_undoes_what_it_may_have_done(play: Play) -> None:
    instance, grant = deferred(play, undo=value(1))
    calls.cancel_instances(play.conn, [instance])
    assert play.states(instance) == {"a": "CANCELLED", "a.compensate": "QUEUED"}
    assert complete(play, grant) == ("stale", "CANCELLED")
    assert calls.check_instances(play.conn) == []


def test_in_a_closing_instance_it_is_cancelled_and_undone(play: Play) -> None:
    instance = play.begin(workflow(Step("a", undo=value(1)), Step("b", ("a",))))
    grant = play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    assert defer(play, grant).state == "CANCELLED"
    assert play.states(instance) == {"a": "CANCELLED", "a.compensate": "QUEUED"}


def test_a_deferred_compensation_is_awaited_before_the_next(play: Play) -> None:
    steps = [Step("a", undo=value(1)), Step("x", ("a",), undo=value(1)), Step("b", ("x",))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "x")
    calls.cancel_instances(play.conn, [instance])
    grant = play.take(instance, "x.compensate")
    defer(play, grant)
    assert play.state(instance, "a.compensate") == "WAITING"
    assert complete(play, grant) == ("accepted", "SUCCEEDED")
    assert play.states(instance)["x.compensate"] == "SUCCEEDED"
    assert play.state(instance, "a.compensate") == "QUEUED"
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "CANCELLED"


def test_a_suspended_instance_takes_the_answer_and_holds_what_follows(play: Play) -> None:
    instance, grant = deferred(play)
    calls.suspend_instances(play.conn, [instance])
    assert play.state(instance, "a") == "WAITING"
    assert complete(play, grant) == ("accepted", "SUCCEEDED")
    assert play.state(instance, "b") == "READY"


def test_explain_says_who_is_to_answer(play: Play) -> None:
    instance, _ = deferred(play)
    (because,) = calls.explain_instance(play.conn, instance)[-1:]
    assert "left its answer to somebody outside" in because.because


@pytest.mark.parametrize("timeout", [0, -1, 3e9, float("nan"), float("inf")])
def test_a_timeout_that_is_none_is_refused(play: Play, timeout: float) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    with pytest.raises(BadArgument, match="timeout above 0"):
        defer(play, grant, timeout)
    assert play.state(instance, "a") == "RUNNING"
