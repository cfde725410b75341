"""Instances by their labels, as a relay tells them."""

from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from onceflow.engine.monitoring import labelled
from onceflow.engine.monitoring.labelled import LabelledSums

Conn = psycopg.Connection[Any]


def put(conn: Conn, value: str, count: int, label: str = "tier") -> None:
    """Have so many of the workflow `flow` with a label been started today."""
    conn.execute(
        "insert into onceflow.label_statistic (seconds, at, label, workflow, value, outcome, count)"
        " values (86400, %s, %s, 'flow', %s, 'RUNNING', %s)"
        " on conflict (seconds, at, label, workflow, value, outcome) do update"
        " set count = excluded.count",
        (
            datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0),
            label,
            value,
            count,
        ),
    )


def told(sums: LabelledSums) -> dict[str, float]:
    """Return the counted by value."""
    return {
        sample.labels["value"]: sample.value
        for metric in sums.metrics()
        for sample in metric.samples
        if sample.name == "onceflow_labelled_instances_total"
    }


def test_they_grow_by_what_has_come_and_labels_that_are_not_named_are_not_told(conn: Conn) -> None:
    sums = LabelledSums(["tier"])
    put(conn, "gold", 5)
    put(conn, "ann", 1, "who")
    assert told(sums.read(conn)) == {"gold": 0}
    put(conn, "gold", 7)
    put(conn, 'a "b"\n', 1)
    put(conn, "ann", 2, "who")
    assert told(sums.read(conn)) == {"gold": 2, 'a "b"\n': 1}
    (metric,) = sums.metrics()
    assert metric.samples[0].labels == {
        "workflow": "flow",
        "state": "RUNNING",
        "label": "tier",
        "value": 'a "b"\n',
    }


def test_a_sum_that_falls_leaves_its_counter_until_it_is_exceeded(conn: Conn) -> None:
    sums = LabelledSums(["tier"])
    sums.read(conn)
    seen: list[float] = []
    for count in (3, 2, 3, 4):
        put(conn, "gold", count)
        seen.append(told(sums.read(conn))["gold"])
    assert seen == [3, 3, 3, 4]


def test_beyond_so_many_series_the_others_are_told_together(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "MOST", 2)
    sums = LabelledSums(["tier"])
    sums.read(conn)
    for value in "abcd":
        put(conn, value, 1)
    assert told(sums.read(conn)) == {"a": 1, "b": 1, "other": 2}
    put(conn, "d", 5)
    assert told(sums.read(conn)) == {"a": 1, "b": 1, "other": 6}
