"""Metrics of the deployment as a whole, out of SQL: a relay tells them, each one the same.

Whoever adds them up takes the largest of all relays, not the sum.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import psycopg
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from ..calls.base import Record, fetch
from ..calls.statistics import BOUNDS, DAY, INSTANCES, Statistic

MOST: Final = 2000
"""Steps that have series of their own, by their workflow; the others are told together."""
REST: Final = "other"
"""The workflow and the step of those, and the value of a label of which there are too many."""
MOST_VALUES: Final = 500
"""Values of one gauge."""
LATE: Final = timedelta(hours=1)
"""For how long a day that is over may still be added to."""
EDGES: Final = BOUNDS[::2]
"""Where buckets end in Prometheus: half as many as in SQL, for each is a series."""

GAUGES: Final = {
    "queue_waiting": "Tasks that wait on a queue, up to 10,000",
    "queue_oldest_seconds": "Since when the oldest task waits on a queue",
    "queue_paused": "Whether a queue is paused",
    "queue_running": "Attempts of a queue that are under way, up to 10,000 of all",
    "queue_oldest_running_seconds": "Since when the oldest attempt of a queue is under way",
    "queue_workers": "Live workers that serve a queue",
    "outbox_rows": "Messages that were not shipped yet, up to 10,000",
    "outbox_oldest_seconds": "Since when the oldest message was not shipped",
    "dead_letters_open": "Dead letters that a person has to decide on, up to 10,000",
    "waiting": "Steps that wait, by what for, up to 10,000 of all",
    "held": "Tasks that are held, by what, up to 10,000 of all",
    "instances_open": "Instances that have not ended, by state, up to 10,000 of each",
    "instances_suspended": "Instances that are suspended, up to 10,000",
    "workers": "Workers: live, or silent, whose lease is over",
    "quarantined": "Messages and records in quarantine, up to 10,000",
    "heartbeat_age_seconds": "Since when no relay has turned the clock",
    "timers_late_seconds": "By how much the oldest timer is late",
    "triggers_late_seconds": "By how much the oldest schedule is late",
    "triggers_in_trouble": "Topics that cannot be read",
    "topic_lag": "Records of a trigger's topic that were not taken yet",
    "partitions_ahead_seconds": "For how long there are partitions",
    "statistics_late_seconds": "Up to when statistics are summed",
}
"""The names of the view ``gauges``, before which comes ``onceflow_``."""


class Gauge(Record, frozen=True):
    """A row of the view ``gauges``."""

    name: str
    labels: dict[str, str]
    value: float


def read_gauges(conn: psycopg.Connection[Any]) -> list[Gauge]:
    """Return how it is doing now.

    By indexes, which hold what is open alone: where Postgres has not counted what has ended since
    a week began it takes most of a table to be open, and would read all of it.
    """
    with conn.transaction():
        conn.execute("set local enable_seqscan = off")
        found = fetch(conn, "select name, labels, value from onceflow.gauges")
    return [Gauge(*row) for row in found]


def gauge_metrics(gauges: Iterable[Gauge]) -> Iterable[Metric]:
    """Return them as metrics."""
    families: dict[str, GaugeMetricFamily] = {}
    told: dict[str, int] = {}
    for gauge in gauges:
        meaning = GAUGES.get(gauge.name)
        if meaning is None:  # of a newer schema
            continue
        names = sorted(gauge.labels)
        family = families.setdefault(
            gauge.name, GaugeMetricFamily(f"onceflow_{gauge.name}", f"{meaning}.", labels=names)
        )
        told[gauge.name] = told.get(gauge.name, 0) + 1
        if told[gauge.name] <= MOST_VALUES:
            family.add_metric([str(gauge.labels[name]) for name in names], gauge.value)
    return families.values()


def begin_of_days() -> datetime:
    """Return the begin of the oldest day that may still be added to."""
    return (datetime.now(UTC) - LATE).replace(hour=0, minute=0, second=0, microsecond=0)


class Sums:
    """What has happened since this process began, out of the sums of days.

    A day's sums grow until some time after it is over: what they have grown by is added here.
    """

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str, str, datetime], Statistic] | None = None
        self._sums: dict[tuple[str, str, str], _Sum] = {}

    def read(self, conn: psycopg.Connection[Any]) -> "Sums":
        """Add what has come; for one thread at a time."""
        rows = fetch(
            conn,
            "select workflow, step, at, outcome, count, measured, total_seconds, buckets"
            " from onceflow.statistics where seconds = %s and at >= %s and workflow <> ''"
            " order by workflow, step limit %s",
            (DAY, begin_of_days(), 10 * MOST),
        )
        before, self._seen = self._seen, {}
        for workflow, *row in rows:
            one = Statistic(*row)
            key = workflow, one.step, one.outcome, one.at
            self._seen[key] = one
            sum_of = self._sum_of(workflow, one.step, one.outcome)
            if before is not None:
                sum_of.add(one, before.get(key))
        return self

    def _sum_of(self, workflow: str, step: str, outcome: str) -> "_Sum":
        key = workflow, step, outcome
        if key not in self._sums and len(self._sums) >= MOST:
            key = REST, INSTANCES if step == INSTANCES else REST, outcome
        return self._sums.setdefault(key, _Sum([0] * (len(BOUNDS) + 1)))

    def metrics(self) -> Iterable[Metric]:
        """Return them as metrics."""
        started = CounterMetricFamily(
            "onceflow_instances_started", "Instances that were started.", labels=["workflow"]
        )
        ended = CounterMetricFamily(
            "onceflow_instances_ended",
            "Instances that have ended, by state.",
            labels=["workflow", "state"],
        )
        attempts = CounterMetricFamily(
            "onceflow_steps",
            "Attempts of steps by what became of them, and steps that none was made of; RUNNING:"
            " attempts that were claimed.",
            labels=["workflow", "step", "outcome"],
        )
        lasted = HistogramMetricFamily(
            "onceflow_instance_seconds",
            "From the start of instances to their end.",
            labels=["workflow", "state"],
        )
        waited = HistogramMetricFamily(
            "onceflow_step_wait_seconds",
            "From when tasks were due until they were claimed.",
            labels=["workflow", "step"],
        )
        ran = HistogramMetricFamily(
            "onceflow_step_run_seconds",
            "From the claim of attempts to their answer.",
            labels=["workflow", "step", "outcome"],
        )
        for (workflow, step, outcome), one in sorted(self._sums.items()):
            if step == INSTANCES and outcome == "RUNNING":
                started.add_metric([workflow], one.count)
            elif step == INSTANCES:
                ended.add_metric([workflow, outcome], one.count)
                lasted.add_metric([workflow, outcome], one.edges(), one.seconds)
            else:
                attempts.add_metric([workflow, step, outcome], one.count)
                if outcome == "RUNNING":
                    waited.add_metric([workflow, step], one.edges(), one.seconds)
                elif one.measured:
                    ran.add_metric([workflow, step, outcome], one.edges(), one.seconds)
        return [started, ended, attempts, lasted, waited, ran]


class _Sum:
    def __init__(self, buckets: list[int]) -> None:
        self.count, self.measured, self.seconds, self.buckets = 0, 0, 0.0, buckets

    def add(self, now: Statistic, before: Statistic | None) -> None:
        """Add by what one has grown."""
        self.count += now.count - (before.count if before else 0)
        self.measured += now.measured - (before.measured if before else 0)
        self.seconds += max(now.seconds - (before.seconds if before else 0), 0)
        less = before.buckets if before else [0] * len(now.buckets)
        self.buckets = [
            n + more - some for n, more, some in zip(self.buckets, now.buckets, less, strict=True)
        ]

    def edges(self) -> list[tuple[str, float]]:
        """Return the cumulated buckets of Prometheus."""
        told: list[tuple[str, float]] = []
        below = 0
        for number, bound in enumerate(BOUNDS):
            below += self.buckets[number]
            if bound in EDGES:
                told.append((str(bound), below))
        return [*told, ("+Inf", below + self.buckets[-1])]
