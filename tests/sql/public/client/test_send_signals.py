"""send_signals: steps that wait for signals, and signals that come before and after."""

from uuid import uuid4

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key, Signal

from ...core.waiting.support import WORK, begin, send, whole
from ...play import Play, pass_time

PAID = {"id": "paid", "wait_for": "paid"}


def test_a_signal_ends_the_wait_with_its_payload(play: Play) -> None:
    instance = begin(play, PAID, {"id": "b", **WORK, "with": {"sum": "$.steps.paid.output.sum"}})
    assert play.task(instance, "paid", "state", "input", "due_at") == (
        "WAITING", {"signal": "paid"}, None,
    )  # fmt: skip
    sent = send(play, instance, "paid", {"sum": 7})
    assert (sent.outcome, sent.task, sent.detail) == ("accepted", "paid", "taken by paid")
    assert play.task(instance, "paid", "state", "output") == ("SUCCEEDED", {"sum": 7})
    assert play.take(instance, "b").input == {"sum": 7}
    assert play.log(instance, "paid") == ["WAITING", "SUCCEEDED"]
    assert play.rows("select from onceflow.wait") == []
    assert whole(play)


# guarantee: signal-kept
def test_what_comes_early_is_kept_and_taken_in_order(play: Play) -> None:
    instance = begin(
        play,
        {"id": "a", **WORK},
        {"id": "b", "wait_for": "next"},
        {"id": "c", "wait_for": "next"},
        {"id": "d", "wait_for": "next"},
        output=["$.steps.b.output", "$.steps.c.output", "$.steps.d.output"],
    )
    assert send(play, instance, "other").task is None
    assert [send(play, instance, "next", n).detail for n in (1, None)] == [
        "kept until a step waits for it"
    ] * 2
    play.complete(instance, "a")
    assert play.state(instance, "d") == "WAITING"
    assert whole(play)
    send(play, instance, "next", [])
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [1, None, []])


# guarantee: signal-order
def test_of_several_that_wait_the_first_gets_it(play: Play) -> None:
    late = [{"id": "w", **WORK}, {"id": "late", "wait_for": "go"}]
    early = [{"id": "two", "wait_for": "go"}], [{"id": "one", "wait_for": "go"}]
    instance = begin(play, {"id": "p", "parallel": {"a": early[0], "b": early[1], "c": late}})
    play.complete(instance, "w/3")
    taken = [send(play, instance, "go").task for _ in range(3)]
    assert taken == ["one/2", "two/1", "late/3"]
    assert play.state(instance) == "SUCCEEDED"


def test_one_call_sends_many_each_to_its_own(play: Play) -> None:
    instance = begin(play, {"id": "a", "wait_for": "go"}, {"id": "b", "wait_for": "go"}, PAID)
    other = begin(play, PAID)
    signals = [
        Signal(instance, "go", 1),
        Signal(instance, "go", 2),
        Signal(other, "paid", 3),
        Signal(instance, "go", 4),
    ]
    sent = calls.send_signals(play.conn, signals)
    assert [one.task for one in sent] == ["a", None, "paid", None]
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "SUCCEEDED", "paid": "WAITING"}
    assert play.task(instance, "b", "output") == (2,)
    assert play.state(other) == "SUCCEEDED"
    assert whole(play)


# guarantee: signal-once
def test_under_one_key_a_signal_is_taken_once(play: Play) -> None:
    instance = begin(play, {"id": "a", "wait_for": "go"}, {"id": "b", "wait_for": "go"})
    assert send(play, instance, "go", {"n": 1}, "k").outcome == "accepted"
    assert send(play, instance, "go", {"n": 1}, "k").outcome == "repeated"
    assert send(play, instance, "go", {"n": 2}, "k").outcome == "conflict"
    assert send(play, instance, "stop", {"n": 1}, "k").outcome == "conflict"
    assert play.state(instance, "b") == "WAITING"
    twice = [Signal(instance, "go", 5, "l"), Signal(instance, "go", 5, "l")]
    assert [one.outcome for one in calls.send_signals(play.conn, twice)] == ["accepted", "repeated"]
    assert play.state(instance) == "SUCCEEDED"
    assert send(play, instance, "go", 5, "l").outcome == "repeated"
    calls.erase_instances(play.conn, [instance])
    assert send(play, instance, "go", 6, "l").outcome == "repeated"
    assert play.rows("select from onceflow.delivery where payload not in ('null')") == []


# guarantee: sleep-closed
# guarantee: signal-ended
@pytest.mark.parametrize("state", ["SUCCEEDED", "CANCELLED", "COMPENSATING"])
def test_an_instance_that_has_ended_or_is_closing_takes_none(play: Play, state: str) -> None:
    instance = begin(play, {"id": "a", **WORK, "compensate": {"task": "undo"}}, PAID)
    if state == "CANCELLED":
        calls.cancel_instances(play.conn, [instance])
    else:
        play.complete(instance, "a")
        if state == "SUCCEEDED":
            send(play, instance, "paid")
        else:
            calls.cancel_instances(play.conn, [instance])
    assert play.state(instance) == state
    sent = send(play, instance, "paid", None, "k")
    assert (sent.outcome, state in sent.detail) == ("ended", True)
    assert whole(play)


def test_what_is_none_is_refused_in_words_and_keeps_nothing_else(play: Play) -> None:
    instance = begin(play, PAID)
    signals = [
        Signal(uuid4(), "paid"),
        Signal(instance, "1st"),
        Signal(instance, "paid", None, ""),
        Signal(instance, "paid", "x" * 1_100_000),
        Signal(instance, "paid", 1),
    ]
    sent = calls.send_signals(play.conn, signals)
    assert [one.outcome for one in sent] == ["unknown", *["invalid"] * 3, "accepted"]
    assert [one.detail.split()[0] for one in sent] == ["there", "the", "the", "the", "taken"]


# guarantee: signal-bound
def test_kept_signals_are_bounded(play: Play) -> None:
    instance = begin(play, PAID)
    sent = calls.send_signals(play.conn, [Signal(instance, "x", n) for n in range(1001)])
    assert [one.outcome for one in sent[-2:]] == ["accepted", "full"]
    keyed = [Signal(instance, "x", 0, "k"), Signal(instance, "x", 0, "k")]
    assert [one.outcome for one in calls.send_signals(play.conn, keyed)] == ["full", "full"]
    assert send(play, instance, "paid").outcome == "accepted"


# guarantee: wait-timeout
def test_past_its_timeout_it_fails_and_whoever_comes_later_is_kept(play: Play) -> None:
    instance = begin(
        play,
        {**PAID, "timeout": "2d", "on_failure": "continue", "default": "none"},
        {"id": "b", **WORK, "with": {"code": "$.steps.paid.error.code"}},
    )
    pass_time(play.conn, "2 days")
    play.tick()
    assert play.task(instance, "paid", "state", "output", "error ->> 'code'") == (
        "FAILED", "none", "timeout",
    )  # fmt: skip
    assert play.rows("select from onceflow.wait") == []
    assert play.take(instance, "b").input == {"code": "timeout"}
    assert send(play, instance, "paid").task is None
    assert whole(play)


def test_a_timeout_is_judged_as_any_failure(play: Play) -> None:
    instance = begin(
        play, {"id": "a", **WORK, "compensate": {"task": "undo"}}, {**PAID, "timeout": "2d"}
    )
    play.complete(instance, "a")
    pass_time(play.conn, "2 days")
    play.tick()
    assert play.instance(instance, "state", "error ->> 'code'") == ("COMPENSATING", "timeout")
    caught = begin(
        play,
        {
            "id": "t",
            "try": [{**PAID, "timeout": "2d"}],
            "catch": [{"errors": ["timeout"], "steps": [{"id": "late", "set": 1}]}],
        },
        output="$.steps.t.caught",
    )
    pass_time(play.conn, "2 days")
    play.tick()
    assert play.instance(caught, "state", "output") == ("SUCCEEDED", "timeout")
    assert whole(play)


def test_its_dead_letter_is_skipped_or_discarded_and_not_redriven(play: Play) -> None:
    instance = begin(
        play, {**PAID, "timeout": "2d"}, on_failure="suspend", output="$.steps.paid.state"
    )
    pass_time(play.conn, "2 days")
    play.tick()
    assert play.task(instance, "paid", "state", "open") == ("DEAD_LETTER", True)
    key = [Key(instance, "paid")]
    (redriven,) = calls.redrive_dead_letters(play.conn, key)
    assert (redriven.outcome, "skip it" in redriven.detail) == ("refused", True)
    calls.skip_dead_letters(play.conn, key, [{"sum": 1}])
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", "SKIPPED")
    assert whole(play)


def test_a_signal_comes_through_a_hold(play: Play) -> None:
    instance = begin(play, PAID, {"id": "b", **WORK})
    calls.suspend_instances(play.conn, [instance])
    assert send(play, instance, "paid").task == "paid"
    assert play.states(instance) == {"paid": "SUCCEEDED", "b": "READY"}


def test_each_round_of_a_mailbox_takes_the_next(play: Play) -> None:
    instance = begin(
        play,
        {
            "id": "mail",
            "repeat": [{"id": "next", "wait_for": "mail"}],
            "until": '$.steps.next.output == "stop"',
        },
        output="$.steps.mail.output",
    )
    texts = ["a", "b", "c", "stop"]
    calls.send_signals(play.conn, [Signal(instance, "mail", text) for text in texts])
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", "stop")
    assert play.value("select count(*) from onceflow.delivery where state = 'taken'") == 4
    assert whole(play)


def test_visited_again_it_waits_again(play: Play) -> None:
    instance = begin(
        play,
        {"id": "ask", "wait_for": "answer"},
        {"id": "again", "goto": "ask", "when": '$.steps.ask.output != "yes"'},
        output="$.steps.ask.output",
    )
    assert [send(play, instance, "answer", text).task for text in ("no", "no", "yes")] == [
        "ask", "ask/0/1", "ask/0/2",
    ]  # fmt: skip
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", "yes")


def test_explained_it_tells_what_for_and_until_when(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(play, {**PAID, "timeout": "1h"})
    (because,) = (b for b in calls.explain_instance(play.conn, instance) if b.task)
    assert because.because == (
        "waits for the signal paid since 2026-11-26T08:00:00.000Z, until 2026-11-26T09:00:00.000Z"
    )


def test_explained_it_tells_of_signals_that_nobody_waits_for(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(play, PAID)
    for name in ("payed", "payed", "later"):
        send(play, instance, name)
    told = [b.because for b in calls.explain_instance(play.conn, instance) if not b.task]
    assert told[-2:] == [
        f"keeps {kept}, since 2026-11-26T08:00:00.000Z: no step has begun to wait for it yet"
        for kept in ("2 of the signal payed", "1 of the signal later")
    ]
    calls.cancel_instances(play.conn, [instance])
    assert not any("keeps" in b.because for b in calls.explain_instance(play.conn, instance))
