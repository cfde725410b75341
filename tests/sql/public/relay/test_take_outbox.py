"""take_outbox"""

import pytest

from onceflow.engine import calls

from ...play import Play
from ...sessions import Sessions
from ...workflows import Step, workflow


def test_rows_come_oldest_first_up_to_the_limit(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    ids = [play.start("flow") for _ in range(4)]
    rows = calls.take_outbox(play.conn, 3)
    assert [row.key for row in rows] == [str(i) for i in ids[:3]]
    assert calls.take_outbox(play.conn, 0) == []


def test_each_row_tells_its_kind_topic_key_value_and_headers(play: Play) -> None:
    instance = play.begin(workflow(Step("a", queue="pdf"), on_failure="suspend"))
    play.fail(instance, "a", code="bad")
    calls.publish_events(play.conn, [calls.Event("orders", None, "text", {"h": "1"}, "e1")])
    task, letter, event = calls.take_outbox(play.conn, 10)
    assert (task.kind, task.topic, task.key, task.headers) == ("task", "pdf", str(instance), {})
    assert (letter.kind, letter.topic, letter.key) == ("dead_letter", "dead-letters", str(instance))
    assert (event.kind, event.topic, event.key, event.value) == ("event", "orders", None, "text")
    assert event.headers == {"h": "1", "onceflow-event-id": "e1"}


def test_a_batch_is_bounded_by_what_its_values_weigh(play: Play) -> None:
    calls.publish_events(
        play.conn, [calls.Event("t", None, letter * 1000, {}, letter) for letter in "abcde"]
    )
    assert len(calls.take_outbox(play.conn, 10, 2500)) == 3
    assert len(calls.take_outbox(play.conn, 10, 3000)) == 3
    assert len(calls.take_outbox(play.conn, 10, 1)) == 1, "one that weighs more alone comes alone"


@pytest.mark.parametrize("headers", ["[1]", '"x"', '{"a": 1e131071}', '{"a": null}', "null"])
def test_headers_that_are_no_texts_by_names_are_not_told(play: Play, headers: str) -> None:
    events = [calls.Event("t", None, str(n), {"h": "1"}, str(n)) for n in range(2)]
    calls.publish_events(play.conn, events)
    play.conn.execute("update onceflow.outbox set headers = %s where value = '0'", (headers,))
    odd, even = calls.take_outbox(play.conn, 10)
    assert odd.headers is None
    assert even.headers == {"h": "1", "onceflow-event-id": "1"}


def test_a_row_that_is_taken_is_passed_over_by_another_relay(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(workflow(Step("a")))
    for _ in range(4):
        play.start("flow")
    relay = sessions()
    taken = relay.begin(lambda conn: calls.take_outbox(conn, 2))
    others = calls.take_outbox(play.conn, 10)
    assert len(taken) == len(others) == 2
    assert {row.id for row in taken}.isdisjoint(row.id for row in others)


def test_a_relay_that_dies_leaves_its_rows_to_be_taken_again(
    play: Play, sessions: Sessions
) -> None:
    play.begin(workflow(Step("a")))
    relay = sessions()
    (row,) = relay.begin(lambda conn: calls.take_outbox(conn, 2))
    relay.call(lambda conn: calls.drop_outbox(conn, [row.id])).result(30)
    assert calls.take_outbox(play.conn, 2) == []
    relay.rollback()
    assert calls.take_outbox(play.conn, 2) == [row]


def test_a_row_that_was_put_off_is_taken_when_its_time_has_come(play: Play) -> None:
    play.begin(workflow(Step("a")))
    (row,) = calls.take_outbox(play.conn, 1)
    calls.defer_outbox(play.conn, [row.id], ["broker away"])
    assert calls.take_outbox(play.conn, 1) == []
    play.conn.execute("update onceflow.outbox set not_before = clock_timestamp()")
    assert calls.take_outbox(play.conn, 1) == [row]


# guarantee: no-message
def test_a_transition_that_rolls_back_leaves_no_row(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    with play.conn.transaction(force_rollback=True):
        play.start("flow")
        assert len(calls.take_outbox(play.conn, 10)) == 1
    assert calls.take_outbox(play.conn, 10) == []
