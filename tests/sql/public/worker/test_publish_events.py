"""publish_events"""

from typing import cast

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Event
from onceflow.engine.errors import BadArgument

from ...play import Play
from ...workflows import sequence


def test_each_event_carries_its_id_in_a_header(play: Play) -> None:
    events = [Event("a", "k", "v", {"x": "1"}, "id-1"), Event("b", None, "", {}, "id-2")]
    assert calls.publish_events(play.conn, events) == 2
    rows = calls.take_outbox(play.conn, 10)
    assert [(r.kind, r.topic, r.key, r.value, r.headers) for r in rows] == [
        ("event", "a", "k", "v", {"x": "1", "onceflow-event-id": "id-1"}),
        ("event", "b", None, "", {"onceflow-event-id": "id-2"}),
    ]


# guarantee: event-id
def test_an_event_shipped_again_bears_the_same_id(play: Play) -> None:
    calls.publish_events(play.conn, [Event("a", None, "v", {}, "id-1")])
    first, second = (calls.take_outbox(play.conn, 1) for _ in range(2))
    assert first == second


def test_events_keep_their_order(play: Play) -> None:
    calls.publish_events(play.conn, [Event("t", None, str(n), {}, str(n)) for n in range(100)])
    assert [r.value for r in calls.take_outbox(play.conn, 100)] == [str(n) for n in range(100)]


# guarantee: transaction-not-accepted
def test_events_and_the_completion_of_their_handler_are_one_commit(play: Play) -> None:
    grant = play.take(play.begin(sequence("a")), "a")
    completion = Completion(grant.instance_id, "a", grant.fence, None)
    event = Event("t", None, "v", {}, "1")
    calls.drop_outbox(play.conn, [r.id for r in calls.take_outbox(play.conn, 10)])
    with play.conn.transaction(force_rollback=True):
        calls.publish_events(play.conn, [event])
        calls.complete_tasks(play.conn, play.worker.id, [completion])
    assert calls.take_outbox(play.conn, 10) == []
    with play.conn.transaction():
        calls.publish_events(play.conn, [event])
        (answer,) = calls.complete_tasks(play.conn, play.worker.id, [completion])
    assert answer.answer == "accepted"
    assert len(calls.take_outbox(play.conn, 10)) == 1


@pytest.mark.parametrize(
    ("event", "why"),
    [
        (Event("t" * 600, None, "v", {}, "1"), "no topic's name"),
        (Event("no such topic!", None, "v", {}, "1"), "no topic's name"),
        (Event("", None, "v", {}, "1"), "no topic's name"),
        (Event("..", None, "v", {}, "1"), "no topic's name"),
        (Event("topic\n", None, "v", {}, "1"), "no topic's name"),
        (Event("t", None, "v" * 17_000_000, {}, "1"), "larger than"),
        (Event("t", "k" * 17_000_000, "v", {}, "1"), "larger than"),
        (Event("t", None, "v", cast("dict[str, str]", {"n": 1}), "1"), "no text"),
        (Event("t", None, "v", cast("dict[str, str]", ["n"]), "1"), "no object"),
        (Event("t", None, cast("str", None), {}, "1"), "no value"),
    ],
)
def test_what_kafka_cannot_take_is_refused_and_fails_who_publishes_it(
    play: Play, event: Event, why: str
) -> None:
    good = Event("t", None, "v", {}, "1")
    with pytest.raises(BadArgument, match=why):
        calls.publish_events(play.conn, [good, event])
    assert calls.take_outbox(play.conn, 10) == []


def test_no_events_are_none(play: Play) -> None:
    assert calls.publish_events(play.conn, []) == 0


@pytest.mark.parametrize("short", ["p_topics", "p_keys", "p_values", "p_headers", "p_event_ids"])
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    arrays = {
        "p_topics": "array['t', 't']",
        "p_keys": "array['k', null]",
        "p_values": "array['v', 'v']",
        "p_headers": "array['{}', null]::jsonb[]",
        "p_event_ids": "array['1', '2']",
    }
    arrays[short] = arrays[short].replace("array[", "(array[") + ")[1:1]"
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(play.conn, f"select onceflow.publish_events({arguments})")  # pyright: ignore[reportArgumentType]
    assert calls.take_outbox(play.conn, 10) == []
