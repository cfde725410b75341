"""send_events: for whoever waits, and for those who begin to wait later."""

from typing import Any
from uuid import UUID

import pytest
from psycopg import DatabaseError

from onceflow.engine import calls
from onceflow.engine.calls import Key, NamedEvent

from ...core.waiting.support import WORK, begin, whole
from ...play import Play, execute, pass_time


def event(name: str, key: Any = "$.input.order", **more: Any) -> dict[str, Any]:
    """Return a step that waits for the event `paid`."""
    return {"id": name, "wait_for": {"event": "paid", "key": key, **more}}


def send(
    play: Play, key: str = "7", payload: Any = None, event_id: str | None = None
) -> calls.SentEvent:
    """Send the event `paid`, and have it applied."""
    (sent,) = calls.send_events(play.conn, [NamedEvent("paid", key, payload, event_id)])
    calls.apply_deliveries(play.conn, 500)
    return sent


def taken(play: Play, instance: UUID) -> list[tuple[str, str]]:
    """Return which steps have taken which events."""
    return play.rows(
        "select step, key from onceflow.delivery where instance_id = %s and state = 'taken'"
        " order by id",
        instance,
    )


# guarantee: event-all
def test_all_that_wait_get_it_each_once(play: Play) -> None:
    first = begin(play, event("a"), given={"order": "7"}, output="$.steps.a.output")
    second = begin(play, event("a"), given={"order": 7}, output="$.steps.a.output")
    other = begin(play, event("a"), given={"order": "8"})
    assert play.task(first, "a", "state", "input") == (
        "WAITING", {"event": "paid", "key": "7"},
    )  # fmt: skip
    assert whole(play)
    sent = send(play, "7", {"sum": 1}, "e")
    assert (sent.outcome, sent.waited, sent.id) == ("sent", 2, "e")
    for instance in (first, second):
        assert play.instance(instance, "state", "output") == ("SUCCEEDED", {"sum": 1})
    assert play.state(other) == "RUNNING"
    assert play.rows("select instance_id from onceflow.wait") == [(other,)]
    assert whole(play)


# guarantee: event-repeated
def test_under_one_id_it_is_sent_once(play: Play) -> None:
    instance = begin(play, event("a", keep=0), event("b", keep=0), given={"order": "7"})
    assert send(play, "7", 1, "e").outcome == "sent"
    assert send(play, "7", 1, "e").outcome == "repeated"
    assert send(play, "7", 2, "e").outcome == "conflict"
    assert send(play, "8", 1, "e").outcome == "conflict"
    twice = [NamedEvent("paid", "9", 1, "f"), NamedEvent("paid", "9", 1, "f")]
    assert [one.outcome for one in calls.send_events(play.conn, twice)] == ["sent", "repeated"]
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "WAITING"}


# guarantee: event-kept
def test_one_that_begins_to_wait_takes_the_oldest_that_is_young_enough(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock(now())")
    instance = begin(
        play,
        {"id": "w", **WORK},
        event("a", keep="5s"),
        event("b", keep="5s"),
        event("c", keep=0),
        given={"order": "7"},
    )
    for n in range(3):
        send(play, "7", n, str(n))
        pass_time(play.conn, "3 s")
    play.complete(instance, "w")
    # The first is older, and each step takes it for itself.
    assert taken(play, instance) == [("a", "2"), ("b", "2")]
    assert play.task(instance, "b", "output") == (2,)
    assert play.state(instance, "c") == "WAITING"
    send(play)
    assert play.state(instance) == "SUCCEEDED"
    assert whole(play)


# guarantee: event-once
def test_a_step_takes_an_event_once_in_whatever_round(play: Play) -> None:
    rounds = {"id": "r", "repeat": [event("a")], "until": "$.steps.a.output == 3"}
    instance = begin(play, rounds, given={"order": "7"}, output="$.steps.r.output")
    send(play, "7", 1, "1")
    send(play, "7", 2, "2")
    assert taken(play, instance) == [("a", "1"), ("a", "2")]
    assert play.state(instance) == "RUNNING"
    send(play, "7", 3, "3")
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", 3)
    assert whole(play)


def test_what_begins_together_takes_what_is_kept_together(play: Play) -> None:
    items = {"id": "e", "for_each": [1, 2], "steps": [event("a")]}
    instance = begin(play, {"id": "w", **WORK}, items, event("b"), given={"order": "7"})
    send(play)
    play.complete(instance, "w")
    assert play.state(instance) == "SUCCEEDED"


def test_what_waited_and_does_no_more_gets_nothing(play: Play) -> None:
    instance = begin(play, {**event("a"), "timeout": "1h"}, given={"order": "7"}, on_failure="fail")
    calls.send_events(play.conn, [NamedEvent("paid", "7")])
    pass_time(play.conn, "1 hour")
    calls.fire_timers(play.conn, 10)
    assert calls.apply_deliveries(play.conn, 10) == 1
    assert play.instance(instance, "state", "error ->> 'code'") == ("FAILED", "timeout")
    assert play.rows("select state from onceflow.delivery") == [("void",)]
    assert whole(play)


@pytest.mark.parametrize("key", [None, [1], {}, "", "x" * 256])
def test_a_key_that_is_none_fails_the_step_which_is_redriven_with_one(play: Play, key: Any) -> None:
    instance = begin(play, event("a"), given={"order": key}, on_failure="suspend")
    send(play, "7", 1)
    assert play.task(instance, "a", "state", "error ->> 'code'") == ("DEAD_LETTER", "expression")
    letter = [Key(instance, "a")]
    assert calls.redrive_dead_letters(play.conn, letter, [key])[0].outcome == "refused"
    assert calls.redrive_dead_letters(play.conn, letter, ["7"])[0].outcome == "done"
    assert play.task(instance, "a", "state", "output") == ("SUCCEEDED", 1)
    assert whole(play)


def test_what_is_none_is_refused_in_words(play: Play) -> None:
    events = [
        NamedEvent("1st", "7"),
        NamedEvent("paid", ""),
        NamedEvent("paid", "7", None, ""),
        NamedEvent("paid", "7", "x" * 1_100_000),
        NamedEvent("paid", "7"),
    ]
    sent = calls.send_events(play.conn, events)
    assert [one.outcome for one in sent] == [*["invalid"] * 4, "sent"]
    assert all(one.detail.startswith("the ") for one in sent[:4])
    with pytest.raises(DatabaseError, match="differ in length"):
        execute(play.conn, "select onceflow.send_events('{a}', '{b,c}', '{}')")


def test_explained_it_tells_what_for(play: Play) -> None:
    instance = begin(play, event("a"), given={"order": 7})
    (because,) = (b for b in calls.explain_instance(play.conn, instance) if b.task)
    assert because.because.startswith("waits for the event paid with the key 7 since ")
