"""The sums that a relay tells as counters."""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from onceflow.engine.monitoring import deployment
from onceflow.engine.monitoring.deployment import Gauge, Sums, gauge_metrics

Conn = psycopg.Connection[Any]
NOW = datetime.now(UTC)


def put(conn: Conn, step: str, count: int, *, days_ago: int = 0) -> None:
    """Have a step of the workflow `flow` succeeded so often on a day."""
    conn.execute(
        "insert into onceflow.statistic values (86400, 'flow', %s, %s, 'SUCCEEDED', %s, %s, %s,"
        " array_fill(%s::bigint, array[1]) || array_fill(0::bigint, array[31]))"
        " on conflict (seconds, workflow, step, at, outcome) do update set count = excluded.count,"
        " measured = excluded.measured, total = excluded.total, buckets = excluded.buckets",
        (
            step,
            (NOW - timedelta(days=days_ago)).replace(hour=0, minute=0, second=0, microsecond=0),
            count,
            count,
            float(count),
            count,
        ),
    )


def told(sums: Sums) -> dict[str, float]:
    """Return the counted by step."""
    return {
        sample.labels["step"]: sample.value
        for metric in sums.metrics()
        for sample in metric.samples
        if sample.name == "onceflow_steps_total"
    }


def test_they_grow_by_what_has_come_since_the_process_began(conn: Conn) -> None:
    sums = Sums()
    put(conn, "a", 5)
    assert told(sums.read(conn)) == {"a": 0}
    put(conn, "a", 7)
    put(conn, "b", 1)
    assert told(sums.read(conn)) == {"a": 2, "b": 1}
    assert told(sums.read(conn)) == {"a": 2, "b": 1}


def test_beyond_so_many_steps_the_others_are_told_together(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deployment, "MOST", 2)
    sums = Sums()
    sums.read(conn)
    for step in "abcd":
        put(conn, step, 1)
    assert told(sums.read(conn)) == {"a": 1, "b": 1, "other": 2}


def test_a_gauge_of_a_newer_schema_is_left_out_and_values_are_limited(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deployment, "MOST_VALUES", 2)
    gauges = [Gauge("queue_waiting", {"queue": f'q"{n}'}, n) for n in range(4)]
    metrics = list(gauge_metrics([*gauges, Gauge("of_later", {}, 1)]))
    assert [metric.name for metric in metrics] == ["onceflow_queue_waiting"]
    assert len(metrics[0].samples) == 2
