"""Instances by their labels, out of SQL: of those that the operator has named, a relay tells them.

They are sums of the deployment, as those of ``deployment``: of several relays the largest counts.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeAlias

import psycopg
from prometheus_client.core import CounterMetricFamily, Metric

from ..calls.base import fetch
from ..calls.statistics import DAY
from .deployment import MOST, REST, begin_of_days

Series: TypeAlias = tuple[str, str, str, str]
"""Workflow, label, value and state."""


class LabelledSums:
    """What instances have done since this process began, by the ``labels`` alone.

    A day's sums grow until some time after it is over: what they have grown by is added here. Where
    a label was changed one of them falls, which a counter may not: it stays until it is exceeded.
    """

    def __init__(self, labels: Sequence[str]) -> None:
        self._labels = list(labels)
        self._seen: dict[tuple[Series, datetime], int] | None = None
        self._sums: dict[Series, int] = {}

    def read(self, conn: psycopg.Connection[Any]) -> "LabelledSums":
        """Add what has come; for one thread at a time."""
        rows = fetch(
            conn,
            "select workflow, label, value, outcome, at, count from onceflow.label_statistics"
            " where seconds = %s and at >= %s and label = any (%s)"
            " order by workflow, label, value limit %s",
            (DAY, begin_of_days(), self._labels, 10 * MOST),
        )
        before, self._seen = self._seen, {}
        for *names, at, count in rows:
            series: Series = tuple(names)
            most = max(count, (before or {}).get((series, at), 0))
            self._seen[series, at] = most
            if series not in self._sums and len(self._sums) >= MOST:
                series = REST, series[1], REST, series[3]
            grown = 0 if before is None else most - before.get((tuple(names), at), 0)
            self._sums[series] = self._sums.get(series, 0) + grown
        return self

    def metrics(self) -> Iterable[Metric]:
        """Return them as a metric."""
        told = CounterMetricFamily(
            "onceflow_labelled_instances",
            "Instances by a label of theirs and the state they entered; RUNNING: were started.",
            labels=["workflow", "state", "label", "value"],
        )
        for (workflow, label, value, state), count in sorted(self._sums.items()):
            told.add_metric([workflow, state, label, value], count)
        return [told]
