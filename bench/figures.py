"""The arithmetic of the figures: percentiles of samples, medians of runs."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence

Figures = dict[str, float]
"""Figures by name; a name ends with its unit: ``p50 ms``, ``steps/s``."""


def percentile(samples: Iterable[float], share: float) -> float:
    """Return the smallest sample that at least ``share`` (0 to 1) of them do not exceed.

    Raises ValueError where there are none.
    """
    ordered = sorted(samples)
    if not ordered or not 0 <= share <= 1:
        raise ValueError("a percentile needs samples, and a share from 0 to 1")
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)]


def latencies(samples: Sequence[float]) -> Figures:
    """Return p50 and p99 in ms of samples in seconds."""
    return {
        "p50 ms": percentile(samples, 0.5) * 1000,
        "p99 ms": percentile(samples, 0.99) * 1000,
    }


def medians(runs: Sequence[Mapping[str, float]]) -> Figures:
    """Return for each name the median over the runs that have it, in the order of first sight."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: statistics.median(run[name] for run in runs if name in run) for name in names}
