"""complete_tasks beside other branches, cancels, suspensions and its own repetition."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Play,
    pass_time,
)
from ..sessions import Session, Sessions
from ..workflows import Step, diamond, fan, sequence, workflow
from .calls import cancelling, completing, suspending, ticking


# guarantee: order-instances
@pytest.mark.parametrize("rows", [2, 40])
def test_completions_of_sets_in_opposite_order_do_not_deadlock(
    play: Play, sessions: Sessions, rows: int
) -> None:
    play.deploy(workflow(Step("a"), Step("b"), Step("end", ("a", "b"))))
    ids = [play.start("flow") for _ in range(rows)]
    grants = play.worker.claim(*[Key(i, s) for i in ids for s in ("a", "b")])
    first = [g for g in grants if g.task == "a"]
    second = [g for g in reversed(grants) if g.task == "b"]
    one, other = sessions(), sessions()
    one.begin(completing(play, *first))
    waiting = other.call_blocked(completing(play, *second))
    one.commit()
    assert waiting.result(30) == ["accepted"] * rows
    assert {play.log(i, "end")[-1] for i in ids} == {"QUEUED"}


# guarantee: alone-lock
@pytest.mark.parametrize("order", [("b", "c"), ("c", "b")])
def test_two_branches_that_end_at_once_make_one_join(
    play: Play, sessions: Sessions, order: tuple[str, str]
) -> None:
    instance = play.begin(diamond())
    play.complete(instance, "a")
    first, second = (play.take(instance, task) for task in order)
    one, other = sessions(), sessions()
    assert one.begin(completing(play, first)) == ["accepted"]
    waiting = other.call_blocked(completing(play, second))
    one.commit()
    assert waiting.result(30) == ["accepted"]
    assert play.log(instance, "d") == ["WAITING", "QUEUED"]
    assert play.instance(instance, "seq", "open_tasks") == (4, 1)


# guarantee: instance-lock
def test_a_branch_whose_transaction_rolls_back_is_not_counted_by_the_join(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(diamond())
    play.complete(instance, "a")
    b, c = play.take(instance, "b"), play.take(instance, "c")
    one, other = sessions(), sessions()
    one.begin(completing(play, b))
    waiting = other.call_blocked(completing(play, c))
    one.rollback()
    waiting.result(30)
    assert play.states(instance) == {
        "a": "SUCCEEDED",
        "b": "RUNNING",
        "c": "SUCCEEDED",
        "d": "WAITING",
    }


# guarantee: instance-lock
def test_many_sessions_that_end_all_branches_of_a_wide_join_make_one_join(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(fan(24))
    grants = play.worker.claim_all()
    opened: list[Session] = [sessions() for _ in range(6)]
    calls_made = [
        opened[n % 6].call(completing(play, *grants[n * 2 : n * 2 + 2])) for n in range(12)
    ]
    assert [c.result(30) for c in calls_made] == [["accepted", "accepted"]] * 12
    assert play.log(instance, "end")[-1] == "QUEUED"
    assert play.log(instance, "end").count("QUEUED") == 1
    assert play.value("select passed from onceflow.task where step = 'end'") <= 24


@pytest.mark.parametrize("first", ["completion", "cancel"])
def test_a_completion_and_a_cancel_of_the_same_instance(
    play: Play, sessions: Sessions, first: str
) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    complete = completing(play, play.take(instance, "a"))
    one, other = sessions(), sessions()
    one.begin(complete if first == "completion" else cancelling(instance))
    waiting = other.call_blocked(cancelling(instance) if first == "completion" else complete)
    one.commit()
    assert waiting.result(30) == ["done" if first == "completion" else "accepted"]
    states = {"a": "SUCCEEDED", "a.compensate": "QUEUED"}
    if first == "completion":
        states["b"] = "CANCELLED"
    assert play.states(instance) == states


@pytest.mark.parametrize("first", ["completion", "suspend"])
def test_a_completion_and_a_suspension_of_the_same_instance(
    play: Play, sessions: Sessions, first: str
) -> None:
    instance = play.begin(sequence("a", "b"))
    complete = completing(play, play.take(instance, "a"))
    one, other = sessions(), sessions()
    one.begin(complete if first == "completion" else suspending(instance))
    waiting = other.call_blocked(suspending(instance) if first == "completion" else complete)
    one.commit()
    waiting.result(30)
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "READY"}
    calls.resume_instances(play.conn, [instance])
    play.complete(instance, "b")
    assert play.state(instance) == "SUCCEEDED"


# guarantee: complete-fence
def test_one_completion_sent_twice_at_once_is_accepted_once(play: Play, sessions: Sessions) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    one, other = sessions(), sessions()
    assert one.begin(completing(play, grant)) == ["accepted"]
    waiting = other.call_blocked(completing(play, grant))
    one.commit()
    assert waiting.result(30) == ["repeated"]
    assert play.log(instance, "b") == ["QUEUED"]


# guarantee: transaction-not-accepted
def test_of_a_twins_two_transactions_one_is_accepted_and_the_other_told_so(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    old = play.take(instance, "a")
    one, other = sessions(), sessions()
    one.begin(completing(play, old))  # the twin that the clock has not given up yet
    play.worker.vanish()
    assert play.tick().timed_out == 0  # its instance is locked: looked at again next time
    waiting = other.call_blocked(completing(play, old))
    one.commit()
    assert waiting.result(30) == ["repeated"]
    assert play.state(instance) == "SUCCEEDED"


# guarantee: complete-fence
def test_a_completion_that_waits_for_a_tick_finds_its_attempt_gone(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(workflow(Step("a", timeout=60)))
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    clock, worker = sessions(), sessions()
    assert clock.begin(ticking).timed_out == 1
    waiting = worker.call_blocked(completing(play, grant))
    clock.commit()
    assert waiting.result(30) == ["stale"]
    assert play.state(instance, "a") == "RETRYING"
