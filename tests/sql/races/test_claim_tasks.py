"""claim_tasks beside cancels, suspensions, failures and other claims."""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Play,
    Worker,
    take_messages,
)
from ..sessions import Sessions
from ..workflows import Step, sequence, value, workflow
from .calls import TOKEN, cancelling, claiming, failing, suspending


# guarantee: compensates-too-early
def test_a_claim_that_comes_first_is_awaited_by_the_cancel(play: Play, sessions: Sessions) -> None:
    instance = play.begin(sequence("a", undo=True))
    worker, operator = sessions(), sessions()
    assert worker.begin(claiming(play, Key(instance, "a"))) == ["granted"]
    cancel = operator.call_blocked(cancelling(instance))
    worker.commit()
    assert cancel.result(30) == ["done"]
    assert (play.state(instance), play.state(instance, "a")) == ("CLOSING", "RUNNING")
    play.worker.complete(*play.worker.grants(TOKEN))
    assert play.states(instance) == {"a": "SUCCEEDED", "a.compensate": "QUEUED"}


# guarantee: claim-state
def test_a_claim_that_comes_second_finds_the_task_cancelled(play: Play, sessions: Sessions) -> None:
    instance = play.begin(sequence("a", undo=True))
    worker, operator = sessions(), sessions()
    assert operator.begin(cancelling(instance)) == ["done"]
    claim = worker.call_blocked(claiming(play, Key(instance, "a")))
    operator.commit()
    assert claim.result(30) == ["skipped"]
    assert (play.state(instance), play.state(instance, "a")) == ("CANCELLED", "CANCELLED")


# guarantee: claim-skips-locked
def test_a_cancel_that_rolls_back_leaves_the_task_to_the_claim(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    worker, operator = sessions(), sessions()
    operator.begin(cancelling(instance))
    claim = worker.call_blocked(claiming(play, Key(instance, "a")))
    operator.rollback()
    assert claim.result(30) == ["granted"]
    assert (play.state(instance), play.state(instance, "a")) == ("RUNNING", "RUNNING")


# guarantee: suspension-holds
def test_a_claim_that_comes_before_a_suspension_runs_on_under_it(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    worker, operator = sessions(), sessions()
    worker.begin(claiming(play, Key(instance, "a")))
    suspend = operator.call_blocked(suspending(instance))
    worker.commit()
    assert suspend.result(30) == ["done"]
    assert play.states(instance) == {"a": "RUNNING", "b": "READY"}


# guarantee: suspension-holds
def test_a_claim_that_comes_after_a_suspension_leaves_the_task_to_the_resume(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    worker, operator = sessions(), sessions()
    operator.begin(suspending(instance))
    claim = worker.call_blocked(claiming(play, Key(instance, "a")))
    operator.commit()
    assert claim.result(30) == ["skipped"]
    assert play.state(instance, "a") == "READY"
    calls.resume_instances(play.conn, [instance])
    assert take_messages(play.conn) == [Key(instance, "a")]


# guarantee: claim-state
@pytest.mark.parametrize("first", ["claim", "failure"])
def test_a_claim_and_a_failure_of_another_branch(
    play: Play, sessions: Sessions, first: str
) -> None:
    instance = play.begin(workflow(Step("a"), Step("b", undo=value(1))))
    failed = play.take(instance, "a")
    one, other = sessions(), sessions()
    if first == "claim":
        one.begin(claiming(play, Key(instance, "b")))
        waiting = other.call_blocked(failing(play, failed))
        one.commit()
        assert waiting.result(30) == ["accepted"]
        assert (play.state(instance), play.state(instance, "b")) == ("CLOSING", "RUNNING")
    else:
        one.begin(failing(play, failed))
        waiting = other.call_blocked(claiming(play, Key(instance, "b")))
        one.commit()
        assert waiting.result(30) == ["skipped"]
        assert (play.state(instance), play.state(instance, "b")) == ("COMPENSATED", "CANCELLED")


def test_one_message_claimed_by_two_workers_is_granted_to_one(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    second_worker = Worker(play.conn)
    one, other = sessions(), sessions()
    assert one.begin(claiming(play, Key(instance, "a"))) == ["granted"]
    waiting = other.call_blocked(
        lambda conn: calls.claim_tasks(
            conn, second_worker.id, uuid.uuid4(), 1, [Key(instance, "a")]
        )
    )
    one.commit()
    assert [c.answer for c in waiting.result(30)] == ["skipped"]
    assert play.task(instance, "a", "attempts", "worker_id") == (1, play.worker.id)


def test_a_claim_that_rolls_back_leaves_the_message_to_the_one_that_waited(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    one, other = sessions(), sessions()
    one.begin(claiming(play, Key(instance, "a")))
    waiting = other.call_blocked(claiming(play, Key(instance, "a"), token=uuid.uuid4()))
    one.rollback()
    assert waiting.result(30) == ["granted"]


# guarantee: claim-repeated
def test_a_claim_repeated_while_the_first_is_under_way_gives_the_same_grant(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    one, other = sessions(), sessions()
    one.begin(claiming(play, Key(instance, "a")))
    waiting = other.call_blocked(claiming(play, Key(instance, "a")))
    one.commit()
    assert waiting.result(30) == ["granted"]
    assert play.task(instance, "a", "attempts") == (1,)


# guarantee: order-tasks
def test_claims_of_sets_in_opposite_order_do_not_deadlock(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    keys = [Key(play.start("flow"), "a") for _ in range(30)]
    one, other = sessions(), sessions()
    one.begin(claiming(play, *keys))
    waiting = other.call_blocked(claiming(play, *reversed(keys), token=uuid.uuid4()))
    one.commit()
    assert waiting.result(30) == ["skipped"] * 30


# guarantee: order-open-tasks
def test_a_claim_of_many_and_the_closing_of_the_same_instances_do_not_deadlock(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(workflow(*[Step(f"s{n}") for n in range(6)]))
    ids = [play.start("flow") for _ in range(10)]
    keys = [Key(i, f"s{n}") for i in ids for n in range(6)]
    one, other = sessions(), sessions()
    one.begin(claiming(play, *keys[::2]))
    waiting = other.call_blocked(cancelling(*ids))
    one.commit()
    assert waiting.result(30) == ["done"] * 10
    states = {state for i in ids for state in play.states(i).values()}
    assert states == {"RUNNING", "CANCELLED"}
