"""release_quarantine"""

from onceflow.engine import calls
from onceflow.engine.calls import BadMessage, Key

from ...play import Play, take_messages
from ...workflows import Step, workflow


def test_an_outbox_row_goes_back_as_it_was_and_is_tried_afresh(play: Play) -> None:
    instance = play.begin(workflow(Step("a")))
    (row,) = calls.take_outbox(play.conn, 1)
    for _ in range(10):
        calls.defer_outbox(play.conn, [row.id], ["x"])
    id = play.value("select id from onceflow.quarantined")  # noqa: A001
    assert calls.release_quarantine(play.conn, 0, [id]) == 1
    assert play.row("select tries, not_before, error from onceflow.outbox") == (0, None, None)
    assert play.value("select count(*) from onceflow.quarantined") == 0
    assert take_messages(play.conn) == [Key(instance, "a")]
    play.complete(instance, "a")


def test_events_keep_key_and_headers(play: Play) -> None:
    calls.publish_events(play.conn, [calls.Event("t", "k", "v", {"h": "1"}, "e")])
    (row,) = calls.take_outbox(play.conn, 1)
    for _ in range(10):
        calls.defer_outbox(play.conn, [row.id], ["x"])
    calls.release_quarantine(play.conn, 0, [play.value("select id from onceflow.quarantined")])
    (back,) = calls.take_outbox(play.conn, 1)
    assert (back.kind, back.topic, back.key) == ("event", "t", "k")
    assert (back.value, back.headers) == ("v", {"h": "1", "onceflow-event-id": "e"})


def test_a_message_that_came_from_kafka_is_only_read(play: Play) -> None:
    calls.quarantine_messages(play.conn, [BadMessage("t", 0, 1, b"x", "bad")])
    assert (
        calls.release_quarantine(play.conn, 0, [play.value("select id from onceflow.quarantined")])
        == 0
    )
    assert play.value("select count(*) from onceflow.quarantined") == 1


def test_rows_of_another_cell_are_left_alone(play: Play) -> None:
    play.begin(workflow(Step("a")))
    (row,) = calls.take_outbox(play.conn, 1)
    for _ in range(10):
        calls.defer_outbox(play.conn, [row.id], ["x"])
    play.conn.execute("update onceflow.deployment set cell = 7")
    cell, kept = play.row("select cell, id from onceflow.quarantined")
    assert cell == 7
    assert calls.release_quarantine(play.conn, 0, [kept]) == 0
    assert calls.release_quarantine(play.conn, cell, [kept]) == 1


def test_ids_that_are_not_there_release_nothing(play: Play) -> None:
    assert calls.release_quarantine(play.conn, 0, [-1]) == 0
    assert calls.release_quarantine(play.conn, 0, []) == 0
