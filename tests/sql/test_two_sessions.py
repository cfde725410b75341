"""Two sessions at once: one holds locks, the other waits for them, and then goes on rightly.

Each test waits until Postgres itself says that the second session waits for a lock.
"""

import uuid
from collections.abc import Callable

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Failure, Grant, Key

from .play import (
    Connection,
    Play,
    Ticked,
    Worker,
    end_grace,
    execute,
    pass_time,
    take_messages,
    tick,
    watermark,
)
from .sessions import Session, Sessions
from .workflows import Step, diamond, fan, sequence, value, workflow

TOKEN = uuid.UUID("00000000-0000-4000-8000-000000000001")


def claiming(play: Play, *keys: Key, token: uuid.UUID = TOKEN) -> Callable[[Connection], list[str]]:
    """Return a claim, to be run in a session."""
    return lambda conn: [
        c.answer for c in calls.claim_tasks(conn, play.worker.id, token, 1, list(keys))
    ]


def completing(play: Play, *grants: Grant) -> Callable[[Connection], list[str]]:
    """Return a completion, to be run in a session."""
    items = [Completion(g.instance_id, g.task, g.fence, g.task) for g in grants]
    return lambda conn: [a.answer for a in calls.complete_tasks(conn, play.worker.id, items)]


def failing(play: Play, *grants: Grant) -> Callable[[Connection], list[str]]:
    """Return a failure for good, to be run in a session."""
    error = {"code": "x", "message": ""}
    items = [Failure(g.instance_id, g.task, g.fence, error, False) for g in grants]
    return lambda conn: [a.answer for a in calls.fail_tasks(conn, items)]


def cancelling(*ids: uuid.UUID) -> Callable[[Connection], list[str]]:
    """Return a cancel, to be run in a session."""
    return lambda conn: [d.outcome for d in calls.cancel_instances(conn, ids)]


def suspending(*ids: uuid.UUID) -> Callable[[Connection], list[str]]:
    """Return a suspend, to be run in a session."""
    return lambda conn: [d.outcome for d in calls.suspend_instances(conn, ids)]


def ticking(conn: Connection) -> Ticked:
    """Turn the clock."""
    return tick(conn)


# claim against the end or the suspension of an instance


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


# claims of one message


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


# lock order


# guarantee: order-tasks
def test_claims_of_sets_in_opposite_order_do_not_deadlock(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    keys = [Key(play.start("flow"), "a") for _ in range(30)]
    one, other = sessions(), sessions()
    one.begin(claiming(play, *keys))
    waiting = other.call_blocked(claiming(play, *reversed(keys), token=uuid.uuid4()))
    one.commit()
    assert waiting.result(30) == ["skipped"] * 30


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


# guarantee: order-instances
def test_operators_calls_on_sets_in_opposite_order_do_not_deadlock(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(20)]
    one, other = sessions(), sessions()
    one.begin(suspending(*ids))
    waiting = other.call_blocked(cancelling(*reversed(ids)))
    one.commit()
    assert waiting.result(30) == ["done"] * 20
    assert {play.state(i) for i in ids} == {"CANCELLED"}


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


# completions


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


# the clock


@pytest.mark.parametrize("commits", [True, False])
def test_a_tick_does_not_wait_for_a_completion_and_never_undoes_it(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(workflow(Step("a", timeout=60), Step("b", ("a",))))
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    worker = sessions()
    worker.begin(completing(play, grant))
    assert play.tick().timed_out == 0
    worker.commit() if commits else worker.rollback()
    assert play.tick().timed_out == (0 if commits else 1)
    assert play.state(instance, "a") == ("SUCCEEDED" if commits else "RETRYING")


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


def test_of_two_ticks_one_works_and_the_other_returns_at_once(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 hour")
    clock = sessions()
    assert clock.begin(ticking).retried == 1
    assert play.tick() == Ticked()
    clock.commit()
    assert play.tick().retried == 0
    assert play.log(instance, "a").count("QUEUED") == 2


# guarantee: worker-revived
@pytest.mark.parametrize("first", ["renewal", "tick"])
def test_a_renewal_and_the_tick_that_would_declare_its_worker_dead(
    play: Play, sessions: Sessions, first: str
) -> None:
    play.worker.vanish()
    one, other = sessions(), sessions()

    def renew(conn: Connection) -> list[Key]:
        return calls.renew_worker(conn, play.worker.id, [], 1, {}, {})

    if first == "renewal":
        one.begin(renew)
        assert play.tick().lost_workers == 0, "nor does it wait"
        one.commit()
        assert play.tick().lost_workers == 0
        assert play.row("select state from onceflow.workers") == ("live",)
    else:
        assert one.begin(ticking).lost_workers == 1
        dead = other.call_blocked(renew)
        one.commit()
        assert isinstance(dead.exception(30), calls.base.OnceflowError)
        assert play.row("select state from onceflow.workers") == ("dead",)


def test_a_worker_whose_row_is_held_keeps_no_other_from_being_found_dead(
    play: Play, sessions: Sessions
) -> None:
    other = Worker(play.conn)
    holder = sessions()
    holder.begin(lambda conn: calls.renew_worker(conn, other.id, [], 1, {}, {}))
    play.worker.vanish()
    assert play.tick().lost_workers == 1
    holder.rollback()
    other.vanish()
    holder.begin(
        lambda conn: execute(conn, "select from onceflow.worker where id = %s for update", other.id)
    )
    assert play.tick().lost_workers == 0
    holder.rollback()
    assert play.tick().lost_workers == 1


# guarantee: tick-edge
def test_a_claim_that_its_workers_death_overtakes_is_found_by_the_next_tick(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    worker = sessions()
    worker.begin(claiming(play, Key(instance, "a")))
    play.worker.vanish()
    assert play.tick().lost_workers == 1
    worker.commit()
    assert play.state(instance, "a") == "RUNNING"
    assert play.tick().timed_out == 1
    assert play.state(instance, "a") == "RETRYING"


def test_a_renewal_does_not_wait_for_an_instance_that_a_handler_holds(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    handler = sessions()
    handler.begin(completing(play, grant))
    play.worker.call = 100
    assert play.worker.renew() == []
    handler.rollback()
    assert play.state(instance, "a") == "RUNNING"
    play.worker.renew()
    assert play.state(instance, "a") == "QUEUED"


def test_a_tick_passes_over_one_frozen_handler_and_does_the_rest(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(workflow(Step("a", timeout=60)))
    frozen, late = play.start("flow"), play.start("flow")
    grant = play.take(frozen, "a")
    play.take(late, "a")
    pass_time(play.conn, "1 hour")
    end_grace(play.conn)
    handler = sessions()
    handler.begin(completing(play, grant))
    play.tick()
    assert (play.state(frozen, "a"), play.state(late, "a")) == ("RUNNING", "RETRYING")


# lost messages


@pytest.mark.parametrize("first", ["claim", "requeue"])
def test_a_claim_and_the_search_for_lost_messages(
    play: Play, sessions: Sessions, first: str
) -> None:
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    before = watermark(play.conn)
    one, other = sessions(), sessions()

    def requeue(conn: Connection) -> int:
        return calls.requeue_lost_tasks(conn, "default", before, 10)

    if first == "claim":
        one.begin(claiming(play, Key(instance, "a")))
        lost = other.call_blocked(requeue)
        one.commit()
        assert lost.result(30) == 0
        assert take_messages(play.conn) == []
    else:
        assert one.begin(requeue) == 1
        claim = other.call_blocked(claiming(play, Key(instance, "a")))
        one.commit()
        assert claim.result(30) == ["granted"]
        assert play.worker.claim_all() == []
    assert play.task(instance, "a", "state", "attempts") == ("RUNNING", 1)


# guarantee: requeue-same-dispatch
def test_two_searches_for_lost_messages_ship_one_message_again_once(
    play: Play, sessions: Sessions
) -> None:
    play.begin(sequence("a"))
    take_messages(play.conn)
    before = watermark(play.conn)
    one = sessions()
    assert one.begin(lambda conn: calls.requeue_lost_tasks(conn, "default", before, 10)) == 1
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0  # nor does it wait
    one.commit()
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0
    assert len(take_messages(play.conn)) == 1


# dead letters


@pytest.mark.parametrize("second", ["redrive", "skip", "discard"])
def test_two_operators_decide_about_one_dead_letter_once(
    play: Play, sessions: Sessions, second: str
) -> None:
    instance = play.begin(sequence("a", "b", on_failure="suspend"))
    play.fail(instance, "a")
    key = Key(instance, "a")
    one, other = sessions(), sessions()
    one.begin(lambda conn: calls.redrive_dead_letters(conn, [key]))
    decide: dict[str, Callable[[Connection], list[calls.Decided]]] = {
        "redrive": lambda conn: calls.redrive_dead_letters(conn, [key]),
        "skip": lambda conn: calls.skip_dead_letters(conn, [key], [None]),
        "discard": lambda conn: calls.discard_dead_letters(conn, [key]),
    }
    waiting = other.call_blocked(decide[second])
    one.commit()
    (decided,) = waiting.result(30)
    assert (decided.outcome, decided.detail) == ("refused", "it is no dead letter, but QUEUED")
    assert play.log(instance, "a")[-2:] == ["READY", "QUEUED"]


# two takers


def taking(play: Play, limit: int, token: uuid.UUID) -> Callable[[Connection], list[Key]]:
    """Return a taking of tasks, to be run in a session: which were granted."""

    def take(conn: Connection) -> list[Key]:
        taken = calls.take_tasks(conn, play.worker.id, token, 1, ["default"], limit)
        return [Key(t.instance_id or token, t.task or "") for t in taken if t.answer == "granted"]

    return take


def test_two_takers_never_get_the_same_message(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(4)]
    one, other = sessions(), sessions()
    first = one.begin(taking(play, 2, uuid.uuid4()))
    second = other.begin(taking(play, 10, uuid.uuid4()))
    assert [key.instance_id for key in first] == ids[:2]
    assert [key.instance_id for key in second] == ids[2:]
    one.commit()
    other.commit()
    assert play.value("select count(*) from onceflow.outbox") == 0


def test_what_a_taker_rolls_back_is_taken_by_another(play: Play, sessions: Sessions) -> None:
    instance = play.begin(sequence("a"))
    one = sessions()
    assert one.begin(taking(play, 2, uuid.uuid4())) == [Key(instance, "a")]
    one.rollback()
    assert play.state(instance, "a") == "QUEUED"
    assert taking(play, 2, uuid.uuid4())(play.conn) == [Key(instance, "a")]


# guarantee: claim-skips-locked
def test_a_task_whose_row_is_locked_is_waited_for_by_its_taker(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    operator, worker = sessions(), sessions()
    operator.begin(suspending(instance))
    taken = worker.call_blocked(taking(play, 2, uuid.uuid4()))
    operator.rollback()
    assert taken.result(30) == [Key(instance, "a")]


def test_a_repetition_waits_for_the_call_that_it_repeats(play: Play, sessions: Sessions) -> None:
    play.deploy(sequence("a"))
    for _ in range(4):
        play.start("flow")
    lost, again = sessions(), sessions()
    first = lost.begin(taking(play, 2, TOKEN))
    second = again.call_blocked(taking(play, 2, TOKEN))
    lost.commit()
    assert sorted(second.result(30), key=str) == sorted(first, key=str)
    assert len(play.worker.grants(TOKEN)) == 2
