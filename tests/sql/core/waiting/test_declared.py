"""Signals that a workflow declares: no others are taken, and their payloads are checked."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Signal
from onceflow.engine.calls.reads import json_rows
from onceflow.engine.calls.waiting import find_schema

from ...play import Play
from .support import Json, begin, send, whole

PAID = {"id": "paid", "wait_for": "paid"}
SCHEMA = {
    "type": "object",
    "required": ["sum"],
    "properties": {"sum": {"type": "number", "exclusiveMinimum": 0}, "by": {"pattern": "^b"}},
}
SIGNALS = {"paid": SCHEMA, "stop": None}


# guarantee: signal-declared
def test_what_is_not_declared_or_does_not_fit_is_refused(play: Play) -> None:
    instance = begin(play, PAID, signals=SIGNALS)
    other = send(play, instance, "payed", {"sum": 1})
    assert (other.outcome, other.task, other.faults) == ("invalid", None, [])
    assert other.detail == "its workflow declares no signal payed: it takes paid, stop"
    wrong = send(play, instance, "paid", {"sum": 0})
    assert wrong.outcome == "invalid"
    assert "does not fit the schema of the signal: /payload/sum must be more than 0" in wrong.detail
    assert [fault["place"] for fault in wrong.faults or []] == ["/payload/sum"]
    assert play.rows("select from onceflow.delivery") == []
    assert play.state(instance, "paid") == "WAITING"
    assert send(play, instance, "stop", ["any"]).outcome == "accepted"
    assert send(play, instance, "paid", {"sum": 1}).task == "paid"
    assert whole(play)


@pytest.mark.parametrize("payload", [None, 3, [], {}])
def test_a_payload_of_another_kind_is_told_by_its_place(play: Play, payload: Json) -> None:
    instance = begin(play, PAID, signals=SIGNALS)
    sent = send(play, instance, "paid", payload)
    place = "/payload/sum" if payload == {} else "/payload"
    assert (sent.outcome, [fault["place"] for fault in sent.faults or []]) == ("invalid", [place])


def test_where_none_are_declared_none_is_taken(play: Play) -> None:
    instance = begin(play, {"id": "a", "sleep": "1d"}, signals={})
    assert send(play, instance, "paid").detail.endswith("declares no signal paid: it takes none")


def test_its_key_and_its_end_come_before_what_it_says(play: Play) -> None:
    instance = begin(play, PAID, {"id": "b", "sleep": "1d"}, signals=SIGNALS)
    first = Signal(instance, "paid", {"sum": 1}, "k")
    unfit = [Signal(instance, "payed", 1, "k"), Signal(instance, "paid", 0, "k")]
    free = Signal(instance, "payed", 1, "l")
    sent = calls.send_signals(play.conn, [unfit[0], first, *unfit, first, free])
    assert [each.outcome for each in sent] == [
        "invalid", "accepted", "conflict", "conflict", "repeated", "invalid",
    ]  # fmt: skip
    assert send(play, instance, "payed", 1, "k").outcome == "conflict"
    calls.cancel_instances(play.conn, [instance])
    assert send(play, instance, "payed").outcome == "ended"
    assert send(play, instance, "paid", {"sum": 1}, "k").outcome == "repeated"


def test_the_schema_is_kept_with_the_version_for_those_who_check_all_of_it(play: Play) -> None:
    instance = begin(play, PAID, signals=SIGNALS)
    kept = play.value("select signals from onceflow.workflow_versions")
    assert (kept["stop"], kept["paid"]["unchecked"]) == (None, ["/properties/by/pattern"])
    assert json_rows(play.conn, find_schema(instance, "paid")) == [{"schema": SCHEMA}]
    assert json_rows(play.conn, find_schema(instance, "stop")) == []
    assert json_rows(play.conn, find_schema(instance, "none")) == []
    calls.cancel_instances(play.conn, [instance])
    assert json_rows(play.conn, find_schema(instance, "paid")) == []
