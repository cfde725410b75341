"""The limits of steps beside claims, completions, failures, cancels and operators"""

from collections.abc import Callable

import pytest
from psycopg.errors import DeadlockDetected

from onceflow.engine import calls
from onceflow.engine.calls import Failure, Grant, Key

from ..play import Connection, Play, pass_time
from ..sessions import Sessions
from ..workflows import Step, workflow
from .calls import cancelling, claiming, completing, suspending, ticking

STARTS = workflow(Step("a", start_timeout=300), on_failure="suspend")
ENDS = workflow(Step("a", total_timeout=300), Step("b", ("a",)), on_failure="suspend")


def retrying(grant: Grant) -> Callable[[Connection], list[str]]:
    """Return a failure after which it is tried again, to be run in a session."""
    error = {"code": "x", "message": ""}
    item = Failure(grant.instance_id, grant.task, grant.fence, error, True)
    return lambda conn: [a.answer for a in calls.fail_tasks(conn, [item])]


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_that_is_under_way_meets_the_time_for_the_start(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(STARTS)
    pass_time(play.conn, "1 hour")
    worker, clock = sessions(), sessions()
    assert worker.begin(claiming(play, Key(instance, "a"))) == ["granted"]
    turn = clock.call_blocked(ticking)
    worker.commit() if commits else worker.rollback()
    assert turn.result(30).timed_out == (0 if commits else 1)
    assert play.state(instance, "a") == ("RUNNING" if commits else "DEAD_LETTER")
    assert play.tick().timed_out == 0


@pytest.mark.parametrize("commits", [True, False])
def test_a_claim_after_the_time_for_the_start_is_skipped(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(STARTS)
    pass_time(play.conn, "1 hour")
    worker, clock = sessions(), sessions()
    assert clock.begin(ticking).timed_out == 1
    claim = worker.call_blocked(claiming(play, Key(instance, "a")))
    clock.commit() if commits else clock.rollback()
    assert claim.result(30) == ["skipped" if commits else "granted"]
    assert play.state(instance, "a") == ("DEAD_LETTER" if commits else "RUNNING")


def test_a_claim_that_is_under_way_is_over_by_the_whole_time(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(ENDS)
    pass_time(play.conn, "1 hour")
    worker, clock = sessions(), sessions()
    worker.begin(claiming(play, Key(instance, "a")))
    turn = clock.call_blocked(ticking)
    worker.commit()
    # What it was when the clock awaited it is read again: it runs by then, and may have an effect.
    assert turn.result(30).timed_out == 1
    assert play.state(instance, "a") == "DEAD_LETTER"
    assert play.value("select unknown from onceflow.task where instance_id = %s", instance)


@pytest.mark.parametrize("commits", [True, False])
def test_a_completion_that_is_under_way_is_in_time(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(ENDS)
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    worker = sessions()
    worker.begin(completing(play, grant))
    assert play.tick().timed_out == 0
    worker.commit() if commits else worker.rollback()
    assert play.tick().timed_out == (0 if commits else 1)
    assert play.state(instance, "a") == ("SUCCEEDED" if commits else "DEAD_LETTER")


@pytest.mark.parametrize("commits", [True, False])
def test_a_completion_after_the_whole_time_is_stale(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(ENDS)
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    worker, clock = sessions(), sessions()
    assert clock.begin(ticking).timed_out == 1
    answer = worker.call_blocked(completing(play, grant))
    clock.commit() if commits else clock.rollback()
    assert answer.result(30) == ["stale" if commits else "accepted"]
    assert play.states(instance) == (
        {"a": "DEAD_LETTER"} if commits else {"a": "SUCCEEDED", "b": "QUEUED"}
    )


def test_a_failure_that_is_under_way_is_told_by_the_whole_time(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(ENDS)
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    worker = sessions()
    worker.begin(retrying(grant))
    assert play.tick().timed_out == 0
    worker.commit()
    assert play.state(instance, "a") == "RETRYING"
    assert play.tick().timed_out == 1
    assert play.task(instance, "a", "error ->> 'code'") == ("total_timeout",)


@pytest.mark.parametrize("limited", [STARTS, ENDS])
def test_a_cancel_and_the_clock_end_it_once(
    play: Play, sessions: Sessions, limited: dict[str, object]
) -> None:
    instance = play.begin(limited)
    pass_time(play.conn, "1 hour")
    operator, clock = sessions(), sessions()
    clock.begin(ticking)
    cancel = operator.call_blocked(cancelling(instance))
    clock.commit()
    assert cancel.result(30) == ["done"]
    assert play.state(instance) == "CANCELLED"
    assert play.log(instance, "a") == ["QUEUED", "DEAD_LETTER", "DEAD_LETTER"]


def test_a_suspension_and_the_clock_leave_it_to_a_person_once(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(STARTS)
    pass_time(play.conn, "1 hour")
    operator, clock = sessions(), sessions()
    operator.begin(suspending(instance))
    assert clock.begin(ticking).timed_out == 0
    operator.commit()
    clock.commit()
    assert play.tick().timed_out == 1
    assert play.log(instance, "a") == ["QUEUED", "READY", "DEAD_LETTER"]


def test_a_closing_that_a_claim_is_across_is_repeated(play: Play, sessions: Sessions) -> None:
    # The late one is locked first, then what closes for it: a claim of that is not waited for.
    flow = workflow(Step("a", start_timeout=300), Step("b"), on_failure="compensate")
    instance = play.begin(flow)
    pass_time(play.conn, "1 hour")
    worker = sessions()
    worker.begin(claiming(play, Key(instance, "b")))
    with pytest.raises(DeadlockDetected, match="a claim is under way"):
        ticking(play.conn)
    worker.commit()
    play.tick()
    assert play.states(instance) == {"a": "DEAD_LETTER", "b": "RUNNING"}
