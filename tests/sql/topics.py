"""Topics that start instances, without a broker: records by hand, and the relay's calls on them."""

import json
from collections.abc import Sequence
from typing import Any

import psycopg

from onceflow.engine import calls
from onceflow.engine.calls import Source, Span, TakenRecords, TopicRecord
from onceflow.engine.definition.inputs.checks import compile_checks
from onceflow.engine.ids import make_hex_ids

from .workflows import Compiled, Step, Tree, path, workflow

Json = Any
Connection = psycopg.Connection[Any]
ORDERS = Source("flow", "orders", "orders", "id-1")
VALUE, KEY = path('$."value"'), path('$."value"."id"')


def started_by_topic(
    *,
    topic: str = "orders",
    group: str | None = None,
    input_schema: Json = None,
    name: str = "flow",
    event: str | None = None,
    **trees: Tree,
) -> Compiled:
    """Return a workflow of one step that records of a topic start; ``trees``: when, key, input.

    Where an ``event`` is named they are sent as such; ``trees``: when, key, payload.
    """
    spec: Json = {"topic": topic, "format": "json", **trees}
    if event:
        spec["event"] = event
    if group:
        spec["group"] = group
    checks = compile_checks(input_schema)
    return {
        **workflow(Step("a"), name=name, input_schema=input_schema),
        "definition": {"name": name, "on": spec, "input": input_schema},
        "input_checks": checks.checks,
        "input_unchecked": checks.unchecked,
        "triggers": [{"trigger": "orders", "kind": "kafka", "spec": spec}],
    }


def record(offset: int, value: Json = ..., partition: int = 0, **more: Json) -> TopicRecord:
    """Return a readable record; its value is an order of that offset unless given."""
    seen = {
        "value": {"id": offset} if value is ... else value,
        "key": None,
        "headers": {},
        "partition": partition,
        "offset": offset,
        "timestamp": "2026-01-02T03:04:05.678000Z",
    }
    return TopicRecord(partition, offset, json.dumps(seen | more))


def unreadable(offset: int, payload: bytes = b"{", reason: str = "the value is not JSON") -> Any:
    """Return a record whose value cannot be read."""
    around = json.dumps({"key": None, "headers": {}, "partition": 0, "offset": offset})
    return TopicRecord(0, offset, around, reason, payload)


def take(
    conn: Connection,
    begin: int,
    records: Sequence[TopicRecord],
    source: Source = ORDERS,
    *,
    end: int | None = None,
    ids: Sequence[str] | None = None,
) -> TakenRecords:
    """Take records of one partition that is believed to stand at ``begin``."""
    (partition,) = {one.partition for one in records} or {0}
    until = records[-1].offset + 1 if end is None else end
    made = make_hex_ids(len(records)) if ids is None else ids
    (answer,) = calls.take_records(conn, source, {partition: Span(begin, until)}, made, records)
    return answer


def open_at(conn: Connection, source: Source = ORDERS, *partitions: int) -> dict[int, int]:
    """Open partitions (0 unless given); return where they are to be read from."""
    opened = calls.open_positions(conn, source, partitions or (0,))
    return {number: position.position for number, position in opened.items()}


def inputs(conn: Connection) -> list[Json]:
    """Return the inputs of all instances, in the order of their ids."""
    rows = conn.execute("select input from onceflow.instances order by id").fetchall()
    return [row[0] for row in rows]


def faults(conn: Connection) -> dict[int, str]:
    """Return why records stand in quarantine, by their offsets."""
    found = conn.execute(
        'select "offset", reason from onceflow.quarantined where source = %s', ("record",)
    ).fetchall()
    return dict(found)


def taken(
    partition: int | None, position: int | None, started: int = 0, known: int = 0, passed: int = 0,
    quarantined: int = 0,
) -> TakenRecords:  # fmt: skip
    return TakenRecords(partition, "taken", position, started, known, passed, quarantined)


def not_taken(answer: Any, position: int | None) -> TakenRecords:
    return TakenRecords(0, answer, position, 0, 0, 0, 0)
