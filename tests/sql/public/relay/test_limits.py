"""fire_timers: the limits of a step, from due to claimed and over all its attempts"""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, Ticked, Worker, pass_time
from ...workflows import Compiled, Step, value, workflow

STARTS: dict[str, Any] = {"start_timeout": 300}
ENDS: dict[str, Any] = {"total_timeout": 600}
SLOWLY: dict[str, Any] = {"retry": {"backoff": 3600, "max": 3600, "jitter": 0}}


def one(on_failure: str = "suspend", **options: Any) -> Compiled:
    """Return a workflow of one step with these options."""
    return workflow(Step("a", **options), on_failure=on_failure)


def code(play: Play, instance: UUID, task: str = "a") -> tuple[str, str | None]:
    """Return the state of a task and the code of its error."""
    return play.task(instance, task, "state", "error ->> 'code'")  # pyright: ignore


def test_what_nobody_claims_in_its_time_fails(play: Play) -> None:
    instance = play.begin(one(**STARTS))
    pass_time(play.conn, "299 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "1 s")
    assert play.tick().timed_out == 1
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")
    assert "no worker of queue" in play.task(instance, "a", "error ->> 'message'")[0]
    assert play.worker.claim_all() == []
    assert play.log(instance, "a") == ["QUEUED", "DEAD_LETTER"]
    assert play.tick() == Ticked()


def test_what_is_claimed_in_its_time_may_take_longer(play: Play) -> None:
    instance = play.begin(one(**STARTS))
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    assert play.tick() == Ticked()
    assert [a.answer for a in play.worker.complete(grant)] == ["accepted"]
    assert play.state(instance) == "SUCCEEDED"


def test_each_attempt_has_its_time_until_a_claim_from_when_it_is_due(play: Play) -> None:
    instance = play.begin(one(**STARTS, **SLOWLY))
    pass_time(play.conn, "200 s")
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 hour")
    assert play.tick() == Ticked(retried=1)
    pass_time(play.conn, "299 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "1 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")
    assert "before, it had failed with test.failed" in play.task(instance, "a", "error::text")[0]


def test_what_is_given_back_has_its_time_anew(play: Play) -> None:
    instance = play.begin(one(**STARTS))
    pass_time(play.conn, "200 s")
    play.worker.give_back(play.take(instance, "a"))
    pass_time(play.conn, "200 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "100 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")


def test_what_no_worker_could_begin_has_not_been_started(play: Play) -> None:
    instance = play.begin(one(**STARTS))
    pass_time(play.conn, "200 s")
    (answer,) = play.worker.fail(play.take(instance, "a"), missing_secrets=["token"])
    assert (answer.state, play.state(instance, "a")) == ("READY", "READY")
    pass_time(play.conn, "100 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")


def test_it_goes_on_while_its_handler_is_missing(play: Play) -> None:
    instance = play.begin(one(**STARTS, task="other"))
    play.worker.claim_all()
    assert play.state(instance, "a") == "READY"
    pass_time(play.conn, "300 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")


@pytest.mark.parametrize("limit", [STARTS, ENDS])
def test_both_go_on_while_an_operator_holds_the_instance(play: Play, limit: dict[str, Any]) -> None:
    instance = play.begin(one(**limit))
    calls.suspend_instances(play.conn, [instance])
    assert play.state(instance, "a") == "READY"
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", next(iter(limit)))
    assert play.instance(instance, "suspended_by") == ("operator",)


@pytest.mark.parametrize("limit", [STARTS, ENDS])
def test_both_go_on_while_the_queue_is_paused(play: Play, limit: dict[str, Any]) -> None:
    instance = play.begin(one(**limit))
    calls.pause_queues(play.conn, ["default"])
    play.worker.claim_all()
    assert play.state(instance, "a") == "READY"
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", next(iter(limit)))


def test_being_held_and_resumed_gives_no_time_anew(play: Play) -> None:
    instance = play.begin(one(**STARTS))
    calls.suspend_instances(play.conn, [instance])
    pass_time(play.conn, "200 s")
    calls.resume_instances(play.conn, [instance])
    assert play.state(instance, "a") == "QUEUED"
    pass_time(play.conn, "100 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "start_timeout")


def test_what_has_not_ended_in_its_whole_time_fails(play: Play) -> None:
    instance = play.begin(one(**ENDS))
    pass_time(play.conn, "599 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "1 s")
    assert play.tick().timed_out == 1
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")


def test_an_attempt_past_the_whole_time_is_over_and_its_answer_late(play: Play) -> None:
    instance = play.begin(one(**ENDS, timeout=3600))
    grant = play.take(instance, "a")
    pass_time(play.conn, "600 s")
    assert play.tick().timed_out == 1
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")
    assert [a.answer for a in play.worker.complete(grant)] == ["stale"]
    assert play.tick() == Ticked()


def test_the_wait_for_another_attempt_is_cut(play: Play) -> None:
    instance = play.begin(one(**ENDS, **SLOWLY))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "599 s")
    assert play.tick() == Ticked()
    assert play.state(instance, "a") == "RETRYING"
    pass_time(play.conn, "1 s")
    assert play.tick() == Ticked(timed_out=1)
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")
    message = play.task(instance, "a", "error ->> 'message'")[0]
    assert message.endswith("with 1 attempt; before, it had failed with test.failed: it failed")


def test_an_attempt_that_is_due_at_the_end_of_the_whole_time_is_not_made(play: Play) -> None:
    instance = play.begin(one(**ENDS, **SLOWLY))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "2 hours")
    assert play.tick() == Ticked(timed_out=1)
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")


def test_the_whole_time_goes_on_over_attempts(play: Play) -> None:
    retry = {"backoff": 100, "factor": 1, "jitter": 0}
    instance = play.begin(one(**ENDS, timeout=60, retry=retry))
    for _ in range(3):
        play.take(instance, "a")
        pass_time(play.conn, "60 s")
        assert play.tick() == Ticked(timed_out=1)
        pass_time(play.conn, "100 s")
        assert play.tick() == Ticked(retried=1)
    pass_time(play.conn, "120 s")
    assert play.tick() == Ticked(timed_out=1)
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")
    assert play.task(instance, "a", "attempts") == (3,)


def test_an_answer_from_outside_that_does_not_come_is_no_longer_awaited(play: Play) -> None:
    instance = play.begin(one(**ENDS))
    grant = play.take(instance, "a")
    item = calls.Deferral(instance, "a", grant.fence, 3600)
    calls.defer_tasks(play.conn, [item])
    assert play.state(instance, "a") == "WAITING"
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")


def test_of_both_the_one_that_came_first_is_told(play: Play) -> None:
    both = play.begin(one(start_timeout=300, total_timeout=600))
    late = play.begin(one(start_timeout=600, total_timeout=300))
    pass_time(play.conn, "1 hour")
    play.tick()
    assert code(play, both) == ("DEAD_LETTER", "start_timeout")
    assert code(play, late) == ("DEAD_LETTER", "total_timeout")


@pytest.mark.parametrize("limit", [STARTS, ENDS])
def test_its_on_failure_lets_the_instance_go_on(play: Play, limit: dict[str, Any]) -> None:
    flow = workflow(Step("a", on_failure="continue", **limit), Step("b", ("a",)))
    instance = play.begin(flow)
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == ("FAILED", next(iter(limit)))
    assert play.state(instance, "b") == "QUEUED"


@pytest.mark.parametrize(("claimed", "undone"), [(True, "QUEUED"), (False, None)])
def test_what_ran_may_have_had_its_effect_and_is_undone(
    play: Play, claimed: bool, undone: str | None
) -> None:
    instance = play.begin(one("compensate", **ENDS, undo=value(1)))
    if claimed:
        play.take(instance, "a")
    pass_time(play.conn, "600 s")
    play.tick()
    assert play.states(instance).get("a.compensate") == undone


@pytest.mark.parametrize("was", ["QUEUED", "READY", "RETRYING", "RUNNING", "WAITING"])
@pytest.mark.parametrize(
    ("on_failure", "becomes"), [("suspend", "DEAD_LETTER"), ("continue", "FAILED")]
)
def test_it_fails_from_every_state_that_it_may_be_in(
    play: Play, was: str, on_failure: str, becomes: str
) -> None:
    instance = play.begin(workflow(Step("a", on_failure=on_failure, **ENDS, **SLOWLY), Step("b")))
    if was == "READY":
        calls.suspend_instances(play.conn, [instance])
    elif was == "RETRYING":
        play.fail(instance, "a", retryable=True)
    elif was != "QUEUED":
        grant = play.take(instance, "a")
        if was == "WAITING":
            calls.defer_tasks(play.conn, [calls.Deferral(instance, "a", grant.fence, 3600)])
    assert play.state(instance, "a") == was
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == (becomes, "total_timeout")
    assert calls.check_instances(play.conn) == []


def test_a_redrive_begins_both_times_anew(play: Play) -> None:
    instance = play.begin(one(start_timeout=300, total_timeout=400))
    pass_time(play.conn, "300 s")
    play.tick()
    calls.redrive_dead_letters(play.conn, [Key(instance, "a")])
    pass_time(play.conn, "299 s")
    assert play.tick() == Ticked()
    grant = play.take(instance, "a")
    pass_time(play.conn, "100 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "1 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")
    assert [a.answer for a in play.worker.complete(grant)] == ["stale"]


def test_what_waits_to_be_decided_about_and_what_has_ended_is_under_no_limit(play: Play) -> None:
    dead = play.begin(one(**ENDS, **STARTS))
    done = play.begin(one(**ENDS, **STARTS))
    play.fail(dead, "a")
    play.complete(done, "a")
    pass_time(play.conn, "1 hour")
    assert play.tick() == Ticked()
    assert code(play, dead) == ("DEAD_LETTER", "test.failed")
    assert play.task(dead, "a", "start_by", "end_by") == (None, None)


def test_what_runs_in_an_instance_that_closes_is_cancelled_then(play: Play) -> None:
    instance = play.begin(one(**ENDS))
    play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    pass_time(play.conn, "600 s")
    play.tick()
    assert (play.state(instance, "a"), play.state(instance)) == ("CANCELLED", "CANCELLED")


@pytest.mark.parametrize("limit", ["start_timeout", "total_timeout"])
def test_a_compensation_past_its_limit_holds_the_way_back(play: Play, limit: str) -> None:
    options: Any = {f"undo_{limit}": 60}
    instance = play.begin(workflow(Step("a", undo=value(1), **options), Step("b", ("a",))))
    play.complete(instance, "a")
    pass_time(play.conn, "1 hour")
    play.fail(instance, "b")
    assert play.state(instance, "a.compensate") == "QUEUED"
    pass_time(play.conn, "60 s")
    play.tick()
    assert code(play, instance, "a.compensate") == ("DEAD_LETTER", limit)
    assert play.state(instance) == "COMPENSATING"


def test_what_is_handed_off_has_started_and_is_under_the_whole_time(play: Play) -> None:
    flow = workflow(Step("a"), Step("b", ("a",), start_timeout=300, total_timeout=600))
    instance = play.begin(flow)
    _, granted = play.worker.complete_and_take(play.take(instance, "a"))
    assert [grant.task for grant in granted] == ["b"]
    pass_time(play.conn, "599 s")
    assert play.tick() == Ticked()
    pass_time(play.conn, "1 s")
    play.tick()
    assert code(play, instance, "b") == ("DEAD_LETTER", "total_timeout")


def test_the_oldest_fail_first_and_no_more_than_the_limit(play: Play) -> None:
    play.deploy(one(**STARTS))
    ids: list[UUID] = []
    for _ in range(3):
        ids.append(play.start("flow"))
        pass_time(play.conn, "1 s")
    pass_time(play.conn, "1 hour")
    assert calls.fire_timers(play.conn, 1, 1).timed_out == 1
    assert [play.state(i, "a") for i in ids] == ["QUEUED", "DEAD_LETTER", "QUEUED"]
    assert calls.fire_timers(play.conn, 1).timed_out == 1
    assert [play.state(i, "a") for i in ids] == ["DEAD_LETTER", "DEAD_LETTER", "QUEUED"]


def test_a_lost_worker_takes_no_time_from_the_whole(play: Play) -> None:
    instance = play.begin(one(**ENDS))
    other = Worker(play.conn)
    other.take(instance, "a")
    other.vanish()
    play.tick()
    play.tick()
    assert play.state(instance, "a") == "RETRYING"
    pass_time(play.conn, "600 s")
    play.tick()
    assert code(play, instance) == ("DEAD_LETTER", "total_timeout")


def test_the_view_tells_the_limits_that_a_task_is_under(play: Play) -> None:
    instance = play.begin(one(**STARTS, **ENDS))
    shown = "start_by - changed_at", "end_by - changed_at"
    starts, ends = play.task(instance, "a", *shown)
    assert (starts.total_seconds(), ends.total_seconds()) == (300, 600)
    play.take(instance, "a")
    assert play.task(instance, "a", "start_by", "end_by is not null") == (None, True)
