"""defer_outbox"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument

from ...play import Play
from ...workflows import Step, workflow


def put_in(play: Play, count: int = 1) -> list[int]:
    """Put rows into the outbox and return their ids."""
    events = [calls.Event("t", None, str(n), {}, str(n)) for n in range(count)]
    calls.publish_events(play.conn, events)
    return [row.id for row in calls.take_outbox(play.conn, 1000)]


# guarantee: not-deferred
def test_a_row_is_put_off_for_a_time_that_doubles_up_to_a_minute(play: Play) -> None:
    (row,) = put_in(play)
    pauses: list[int] = []
    for _ in range(9):
        (deferred,) = calls.defer_outbox(play.conn, [row], ["broker away"])
        assert deferred == calls.Deferred(row, "deferred")
        pauses.append(
            play.value("select round(extract(epoch from not_before - now())) from onceflow.outbox")
        )
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_at_the_tenth_failure_it_goes_to_quarantine_with_the_reason(play: Play) -> None:
    instance = play.begin(workflow(Step("a")))
    (row,) = calls.take_outbox(play.conn, 1)
    for _ in range(9):
        calls.defer_outbox(play.conn, [row.id], ["no such topic"])
    assert calls.defer_outbox(play.conn, [row.id], ["given up"]) == [
        calls.Deferred(row.id, "quarantined")
    ]
    assert play.value("select count(*) from onceflow.outbox") == 0
    kept = play.row("select source, topic, payload, reason, partition from onceflow.quarantined")
    assert kept == ("outbox", "default", row.value.encode(), "given up", None)
    assert play.state(instance, "a") == "QUEUED"


def test_a_hopeless_row_goes_to_quarantine_at_once_and_the_others_are_put_off(play: Play) -> None:
    first, second = put_in(play, 2)
    outcomes = calls.defer_outbox(play.conn, [first, second], ["away", "no topic"], [second])
    assert sorted(outcomes, key=lambda deferred: deferred.id) == [
        calls.Deferred(first, "deferred"),
        calls.Deferred(second, "quarantined"),
    ]
    assert play.rows("select reason from onceflow.quarantined") == [("no topic",)]


def test_the_backlog_shows_what_was_put_off_and_the_last_error(play: Play) -> None:
    first, second, _ = put_in(play, 3)
    calls.defer_outbox(play.conn, [first], ["older"])
    calls.defer_outbox(play.conn, [first, second], ["newer", "newest"])
    backlog = play.row("select kind, topic, rows, deferred from onceflow.outbox_backlog")
    assert backlog == ("event", "t", 3, 2)
    assert play.value("select last_error from onceflow.outbox_backlog") in ("newer", "newest")


def test_rows_that_are_gone_are_not_answered(play: Play) -> None:
    (row,) = put_in(play)
    calls.drop_outbox(play.conn, [row])
    assert calls.defer_outbox(play.conn, [row, -1], ["x", "x"]) == []
    assert calls.defer_outbox(play.conn, [], []) == []


# guarantee: not-deferred
def test_a_row_that_stands_twice_has_failed_once(play: Play) -> None:
    (row,) = put_in(play)
    calls.defer_outbox(play.conn, [row, row], ["x", "y"])
    assert play.value("select tries from onceflow.outbox") == 1


def test_the_rest_of_a_batch_is_not_touched(play: Play) -> None:
    first, second, third = put_in(play, 3)
    calls.defer_outbox(play.conn, [second], ["too large"])
    assert [row.id for row in calls.take_outbox(play.conn, 10)] == [first, third]


def test_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    (row,) = put_in(play)
    with pytest.raises(BadArgument, match="differ in number"):
        calls.defer_outbox(play.conn, [row], [])
