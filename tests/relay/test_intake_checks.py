"""What records start is checked by all of its schema; what they send wakes who waits for it."""

import json
from typing import Any

import pytest

from onceflow.engine.calls import apply_deliveries, register_workflow, release_quarantine
from onceflow.engine.calls import start_instances as start
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.settings import Settings
from onceflow.relay.intake import checking

from ..sql.topics import VALUE, faults
from ..sql.workflows import fields, path
from ..support import wait_until
from .support import Conn, relay_processes
from .topics import Topic, has_started, intake, started

pytestmark = pytest.mark.only("kafka", reason="it is about topics")

SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "order": {"type": "object", "properties": {"id": {"not": {"const": 1}}}},
        "by": {"type": "string", "pattern": "^k"},
    },
}


def test_what_does_not_fit_all_of_the_schema_is_told_and_taken_once_it_fits(
    conn: Conn, settings: Settings
) -> None:
    topic = Topic(settings, partitions=1)
    given = fields(order=VALUE, by=path('$."key"'))
    topic.deploy(conn, input=given, input_schema=SCHEMA)
    values = [json.dumps({"id": n}).encode() for n in range(3)]
    topic.put(values[:2], key="k")
    topic.put([b"{"], key="k")
    topic.put(values[2:], key="nobody")
    topic.put([b'{"id": 7}'], key="k7")
    orders = "select input -> 'order' -> 'id' from onceflow.instances order by 1"

    def ids() -> list[int]:
        return [n for (n,) in conn.execute(orders)]

    with intake(settings):
        wait_until(lambda: ids() == [0, 7], "those that fit", 60)
        told = faults(conn)
        assert told.keys() == {1, 2, 3}
        assert told[1].startswith("the input does not fit the schema of the workflow: /order/id: ")
        assert told[2].startswith("the value is not JSON")
        assert "/by: must match the pattern ^k" in told[3]
        # A version that runs from now on, whose schema takes one of them.
        mended = {**SCHEMA, "properties": {"by": SCHEMA["properties"]["by"]}}
        topic.deploy(conn, input=given, input_schema=mended)
        rows = [row[0] for row in conn.execute("select id from onceflow.quarantined").fetchall()]
        assert release_quarantine(conn, 0, rows) == 3
        wait_until(lambda: ids() == [0, 1, 7], "the one that fits now", 60)
        wait_until(lambda: faults(conn).keys() == {2, 3}, "what is told of the others", 60)


def test_where_checks_take_long_fewer_records_are_taken_at_a_time(
    conn: Conn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "BUDGET", 0.0)
    topic = Topic(settings, partitions=1)
    topic.deploy(conn, input_schema={"not": {"required": ["none"]}})
    topic.orders(range(20))
    with intake(settings):
        wait_until(has_started(conn, 20), "20 instances", 60)
    assert started(conn) == list(range(20))
    calls = "select count(distinct started_at) from onceflow.instances"
    assert conn.execute(calls).fetchone() == (20,)


def test_a_record_whose_check_takes_too_long_does_not_fit_and_holds_up_no_other(
    conn: Conn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checking, "SECONDS", 0.05)
    topic = Topic(settings, partitions=1)
    slow = {"items": {"anyOf": [{"minimum": n} for n in range(100, 140)]}}
    topic.deploy(conn, input_schema={"properties": {"many": slow}})
    topic.put([json.dumps({"id": 0, "many": [200] * 20_000 + [1]}).encode(), b'{"id": 1}'])
    with intake(settings):
        wait_until(has_started(conn, 1), "the other", 60)
    assert started(conn) == [1]
    assert "could not be checked within 0.05 s" in faults(conn)[0]


WAITER = """
name: waiter
steps:
  - {id: paid, wait_for: {event: payment.received, key: $.input.order}}
output: $.steps.paid.output
"""


def test_a_record_that_is_an_event_wakes_who_waits_for_it_and_who_begins_to(
    conn: Conn, settings: Settings, tmp_path: Any
) -> None:
    topic = Topic(settings)
    topic.deploy(conn, event="payment.received", key=path('$."key"'), payload=VALUE)
    register_workflow(conn, compile_definition(parse(WAITER, "yaml")))
    (early,) = start(conn, "waiter", [{"order": "o-1"}])
    results = "select input ->> 'order', output from onceflow.instances where ended_at is not null"
    with relay_processes(settings, tmp_path):
        topic.put([b'{"sum": 1}'], key="o-1")
        topic.put([b'{"sum": 2}'], key="o-2")
        topic.put([b'{"sum": 3}'])
        wait_until(lambda: conn.execute(results).fetchall(), "the one who waits", 60)
        assert dict(conn.execute(results).fetchall()) == {"o-1": {"sum": 1}}
        sent = "select count(*) from onceflow.event"
        wait_until(lambda: conn.execute(sent).fetchone() == (2,), "both events", 60)
        start(conn, "waiter", [{"order": "o-2"}])
        wait_until(lambda: len(conn.execute(results).fetchall()) == 2, "the one who came late", 60)
        assert dict(conn.execute(results).fetchall())["o-2"] == {"sum": 2}
        wait_until(lambda: faults(conn), "what is told of the record without a key", 60)
    assert early.outcome == "started"
    assert apply_deliveries(conn, 10) == 0
