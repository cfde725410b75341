"""The metrics of one process, as Prometheus reads them.

Imported where they are served, and not before: the library takes its time.
"""

import importlib.metadata
from collections.abc import Callable, Iterable, Mapping
from typing import Final

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from .. import meters

BOUNDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""Seconds at which the buckets of calls end."""

Numbers = Mapping[str, float]


class Metrics:
    """A registry of our own, which nothing else of the process writes into; and its sink."""

    def __init__(self, process: str) -> None:
        self.registry = CollectorRegistry()
        disable_created_metrics()  # a series more for each, which nobody asks for
        self._counters = {
            name: Counter(name, f"{meaning}.", labels, registry=self.registry)
            for name, (whose, meaning, labels) in meters.COUNTERS.items()
            if whose == process
        }
        self._counters[meters.CALL_ERRORS] = Counter(
            meters.CALL_ERRORS,
            "Calls of SQL functions that failed, by SQLSTATE.",
            ("function", "error"),
            registry=self.registry,
        )
        self._calls = Histogram(
            meters.CALLS,
            "How long calls of SQL functions took, as this process has seen it.",
            ("function",),
            buckets=BOUNDS,
            registry=self.registry,
        )
        version = importlib.metadata.version("onceflow")
        self.add(lambda: [_info(process, version)])

    def count(self, name: str, amount: float, labels: tuple[str, ...]) -> None:
        """Add to a counter, if it is one of this process."""
        counter = self._counters.get(name)
        if counter is not None:
            (counter.labels(*labels) if labels else counter).inc(amount)

    def observe(self, function: str, seconds: float) -> None:
        """Note how long a call of a function took."""
        self._calls.labels(function).observe(seconds)

    def add(self, collect: Callable[[], Iterable[Metric]]) -> None:
        """Have further metrics told, which are asked for each time."""
        self.registry.register(_Asked(collect))

    def add_numbers(
        self,
        read: Callable[[], Numbers],
        gauges: Mapping[str, tuple[str, str]],
        counters: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Have numbers of a mapping told: by its keys, each as a metric with its meaning."""

        def collect() -> Iterable[Metric]:
            numbers = read()
            for key, (name, meaning) in gauges.items():
                yield GaugeMetricFamily(name, f"{meaning}.", value=numbers.get(key, 0))
            for key, (name, meaning) in (counters or {}).items():
                yield CounterMetricFamily(name, f"{meaning}.", value=numbers.get(key, 0))

        self.add(collect)

    def text(self) -> bytes:
        """Return all metrics in the text format of Prometheus."""
        return generate_latest(self.registry)


class _Asked:
    """A collector of prometheus_client."""

    def __init__(self, collect: Callable[[], Iterable[Metric]]) -> None:
        self._collect = collect

    def describe(self) -> Iterable[Metric]:
        """Return nothing: what it has is only known once it is asked."""
        return []

    def collect(self) -> Iterable[Metric]:
        """Return the metrics of this moment."""
        return self._collect()


def _info(process: str, version: str) -> Metric:
    family = GaugeMetricFamily(
        "onceflow_info", "Which process this is.", labels=["process", "version"]
    )
    family.add_metric([process, version], 1)
    return family
