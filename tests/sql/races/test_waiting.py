"""Senders and waiters, the clock and signals, cancels and ends: in every order that locks allow."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from psycopg.errors import DeadlockDetected

from onceflow.engine import calls
from onceflow.engine.calls import NamedEvent, SentEvent, SentSignal, Signal

from ..core.waiting.support import WORK, begin, send, whole
from ..play import Connection, Play, pass_time
from ..sessions import Sessions
from .calls import cancelling, completing, ticking

PAID = {"id": "paid", "wait_for": "paid"}


def on(name: str, key: str = "k", **more: Any) -> dict[str, Any]:
    """Return a step that waits for an event of this name."""
    return {"id": name, "wait_for": {"event": name, "key": key, **more}}


def signalling(
    instance: UUID, payload: Any = None, key: str | None = None
) -> Callable[[Connection], SentSignal]:
    """Return the sending of a signal, to be run in a session."""
    return lambda conn: calls.send_signals(conn, [Signal(instance, "paid", payload, key)])[0]


def sending(*names: str, event_id: str | None = None) -> Callable[[Connection], list[SentEvent]]:
    """Return the sending of events, to be run in a session."""
    return lambda conn: calls.send_events(conn, [NamedEvent(n, "k", 1, event_id) for n in names])


def applied(play: Play) -> int:
    """Apply what was sent, as the sender does once he has committed."""
    return calls.apply_deliveries(play.conn, 100)


# guarantee: event-waiter-waits
@pytest.mark.parametrize("commits", [True, False])
def test_who_begins_to_wait_while_an_event_is_sent_sees_it_once_that_is_over(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = begin(play, {"id": "w", **WORK}, on("a"))
    grant = play.take(instance, "w")
    sender, worker = sessions(), sessions()
    assert sender.begin(sending("a"))[0].waited == 0
    done = worker.call_blocked(completing(play, grant))
    sender.commit() if commits else sender.rollback()
    assert done.result(30) == ["accepted"]
    assert play.state(instance) == ("SUCCEEDED" if commits else "RUNNING")
    assert applied(play) == 0
    assert whole(play)


# guarantee: event-sender-waits
@pytest.mark.parametrize("commits", [True, False])
def test_who_sends_an_event_while_somebody_begins_to_wait_finds_him_once_that_is_over(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = begin(play, {"id": "w", **WORK}, on("a"))
    grant = play.take(instance, "w")
    sender, worker = sessions(), sessions()
    worker.begin(completing(play, grant))
    sent = sender.call_blocked(sending("a"))
    worker.commit() if commits else worker.rollback()
    assert sent.result(30)[0].waited == int(commits)
    assert applied(play) == int(commits)
    if not commits:  # what was sent meanwhile is kept
        play.worker.complete(grant)
    assert play.state(instance) == "SUCCEEDED"
    assert play.value("select count(*) from onceflow.delivery where state = 'taken'") == 1
    assert whole(play)


def test_of_two_that_send_one_event_one_does(play: Play, sessions: Sessions) -> None:
    instance = begin(play, on("a"))
    one, other = sessions(), sessions()
    assert one.begin(sending("a", event_id="e"))[0].outcome == "sent"
    again = other.call_blocked(sending("a", event_id="e"))
    one.commit()
    assert again.result(30)[0].outcome == "repeated"
    assert applied(play) == 1
    assert play.state(instance) == "SUCCEEDED"


# guarantee: event-no-crossing
def test_who_waits_for_a_second_event_in_one_transition_never_stands_crosswise_with_a_sender(
    play: Play, sessions: Sessions
) -> None:
    instance = begin(play, {"id": "w", **WORK}, on("a"), on("b"))
    calls.send_events(play.conn, [NamedEvent("a", "k", 1)])
    grant = play.take(instance, "w")
    sender, worker = sessions(), sessions()
    sender.begin(sending("b"))
    with pytest.raises(DeadlockDetected, match="is being sent"):
        worker.call(completing(play, grant)).result(30)
    sender.commit()
    play.worker.complete(grant)
    assert play.state(instance) == "SUCCEEDED"
    assert whole(play)


def test_what_was_sent_to_an_instance_that_is_being_cancelled_is_void(
    play: Play, sessions: Sessions
) -> None:
    instance = begin(play, on("a"))
    operator = sessions()
    operator.begin(cancelling(instance))
    assert sending("a")(play.conn)[0].waited == 1
    assert applied(play) == 0
    operator.commit()
    assert applied(play) == 1
    assert play.states(instance) == {"a": "CANCELLED"}
    assert play.rows("select state from onceflow.delivery") == [("void",)]
    assert whole(play)


def test_what_was_sent_before_a_cancel_is_applied_before_it(play: Play, sessions: Sessions) -> None:
    instance = begin(play, on("a"), PAID)
    sending("a")(play.conn)
    clock, operator = sessions(), sessions()
    assert clock.begin(lambda conn: calls.apply_deliveries(conn, 10)) == 1
    cancelled = operator.call_blocked(cancelling(instance))
    clock.commit()
    assert cancelled.result(30) == ["done"]
    assert play.states(instance) == {"a": "SUCCEEDED", "paid": "CANCELLED"}
    assert whole(play)


@pytest.mark.parametrize("commits", [True, False])
def test_a_signal_waits_for_the_transition_that_begins_to_wait_for_it(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = begin(play, {"id": "w", **WORK}, PAID)
    grant = play.take(instance, "w")
    worker, sender = sessions(), sessions()
    worker.begin(completing(play, grant))
    sent = sender.call_blocked(signalling(instance))
    worker.commit() if commits else worker.rollback()
    assert sent.result(30).task == ("paid" if commits else None)
    if not commits:
        play.worker.complete(grant)
    assert play.state(instance) == "SUCCEEDED"


@pytest.mark.parametrize("commits", [True, False])
def test_a_transition_that_begins_to_wait_awaits_the_signal_that_is_sent(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = begin(play, {"id": "w", **WORK}, PAID)
    grant = play.take(instance, "w")
    sender, worker = sessions(), sessions()
    assert sender.begin(signalling(instance)).task is None
    done = worker.call_blocked(completing(play, grant))
    sender.commit() if commits else sender.rollback()
    assert done.result(30) == ["accepted"]
    assert play.state(instance) == ("SUCCEEDED" if commits else "RUNNING")


def test_of_two_signals_under_one_key_one_is_taken(play: Play, sessions: Sessions) -> None:
    instance = begin(play, PAID, {"id": "more", "wait_for": "paid"})
    one, other = sessions(), sessions()
    assert one.begin(signalling(instance, 1, "k")).outcome == "accepted"
    again = other.call_blocked(signalling(instance, 1, "k"))
    one.commit()
    assert again.result(30).outcome == "repeated"
    assert play.states(instance) == {"paid": "SUCCEEDED", "more": "WAITING"}


def test_the_clock_leaves_a_wait_alone_that_a_signal_ends(play: Play, sessions: Sessions) -> None:
    instance = begin(play, {**PAID, "timeout": "1h"}, {"id": "b", **WORK})
    pass_time(play.conn, "1 hour")
    sender = sessions()
    assert sender.begin(signalling(instance)).task == "paid"
    assert play.tick().timed_out == 0
    sender.commit()
    assert play.tick().timed_out == 0
    assert play.states(instance) == {"paid": "SUCCEEDED", "b": "QUEUED"}
    assert whole(play)


def test_a_signal_that_comes_as_the_wait_times_out_is_kept(play: Play, sessions: Sessions) -> None:
    instance = begin(
        play, {**PAID, "timeout": "1h", "on_failure": "continue"}, {"id": "b", "wait_for": "paid"}
    )
    pass_time(play.conn, "1 hour")
    clock, sender = sessions(), sessions()
    assert clock.begin(ticking).timed_out > 0
    sent = sender.call_blocked(signalling(instance))
    clock.commit()
    assert sent.result(30).task == "b"
    assert play.states(instance) == {"paid": "FAILED", "b": "SUCCEEDED"}
    assert whole(play)


@pytest.mark.parametrize("commits", [True, False])
def test_a_signal_to_an_instance_that_is_being_cancelled_is_refused_or_taken(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = begin(play, PAID)
    operator, sender = sessions(), sessions()
    operator.begin(cancelling(instance))
    sent = sender.call_blocked(signalling(instance))
    operator.commit() if commits else operator.rollback()
    assert sent.result(30).outcome == ("ended" if commits else "accepted")
    assert play.state(instance) == ("CANCELLED" if commits else "SUCCEEDED")


def test_a_sleep_that_is_cancelled_is_not_fired(play: Play, sessions: Sessions) -> None:
    instance = begin(play, {"id": "a", "sleep": "1h"}, {"id": "b", **WORK})
    pass_time(play.conn, "1 hour")
    operator, clock = sessions(), sessions()
    operator.begin(cancelling(instance))
    assert clock.call(ticking).result(30).timed_out == 0
    operator.commit()
    assert play.tick().timed_out == 0
    assert play.states(instance) == {"a": "CANCELLED"}
    assert send(play, instance, "paid").outcome == "ended"
    assert whole(play)
