"""How workflows have done over a range of time, out of the statistics: never out of history."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, Literal

import msgspec

from ...engine.calls.statistics import (
    ALL,
    INSTANCES,
    MINUTE,
    Statistic,
    quantile,
    read_series,
    read_steps,
    span_of,
    together,
)
from ..database import Connection

Range = Literal["1h", "6h", "24h", "7d", "30d"]
RANGES: Final[dict[Range, int]] = {
    "1h": 3600,
    "6h": 21_600,
    "24h": 86_400,
    "7d": 604_800,
    "30d": 2_592_000,
}
"""Seconds back from now that can be looked at."""
SETTLES: Final = timedelta(seconds=45)
"""In so long a minute is summed, once it is over."""
ENDS: Final = ("SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED")
FAILURES: Final = ("FAILED", "COMPENSATED")


@dataclass(frozen=True, slots=True)
class Point:
    """One span of time: what happened in it a minute, and how long instances took that ended."""

    at: datetime
    started: float
    succeeded: float
    failed: float
    cancelled: float
    failing: float | None
    """Per cent of those that ended."""
    p50: float | None
    p99: float | None


@dataclass(frozen=True, slots=True)
class Trend:
    """How instances have done since a time: by points, and all in all."""

    since: datetime
    span: int
    points: list[Point]
    started: int
    ended: int
    failed: int
    p50: float | None
    p99: float | None

    @property
    def minutes(self) -> float:
        """How many it covers."""
        return max(len(self.points) * self.span / 60, 1)

    @property
    def failing(self) -> float | None:
        """Per cent of the ended."""
        return 100 * self.failed / self.ended if self.ended else None


class RangeQuery(msgspec.Struct, frozen=True):
    """Over how long a page tells what has happened."""

    over: Range = "24h"


class StepTrend(msgspec.Struct, frozen=True):
    """How one step has done: its attempts, and the seconds that they waited and ran.

    ``failed`` counts attempts that failed, whether or not another followed.
    """

    step: str
    attempts: int
    succeeded: int
    failed: int
    waited_p50: float | None
    waited_p99: float | None
    ran_p50: float | None
    ran_p99: float | None


def read_trend(conn: Connection, over: Range, now: datetime, workflow: str = ALL) -> Trend:
    """Return how the instances of a workflow, or of all, have done over one of RANGES."""
    span = span_of(RANGES[over])
    summed = _floor(now - SETTLES, MINUTE)
    since = _floor(now - timedelta(seconds=RANGES[over]), span)
    found = read_series(conn, since, span, workflow, INSTANCES)
    by_time: dict[datetime, list[Statistic]] = {}
    for one in found:
        by_time.setdefault(one.at.astimezone(UTC), []).append(one)
    points: list[Point] = []
    at = since
    while at < summed:
        known = min(span, (summed - at).total_seconds())
        points.append(_point(at, by_time.get(at, []), known / 60))
        at += timedelta(seconds=span)
    whole = together(since, found)
    p50, p99 = _quantiles(whole, ENDS)
    return Trend(
        since, span, points, _count(whole, "RUNNING"), _count(whole, *ENDS),
        _count(whole, *FAILURES), p50, p99,
    )  # fmt: skip


def read_step_trends(
    conn: Connection, over: Range, now: datetime, workflow: str
) -> dict[str, StepTrend]:
    """Return how the steps of a workflow have done over one of RANGES, by their ids."""
    span = span_of(RANGES[over])
    since = _floor(now - timedelta(seconds=RANGES[over]), span)
    by_step: dict[str, list[Statistic]] = {}
    for one in read_steps(conn, since, span, workflow):
        by_step.setdefault(one.step, []).append(one)
    by_step.pop(INSTANCES, None)
    return {step: _step(step, found) for step, found in by_step.items()}


def _step(step: str, found: list[Statistic]) -> StepTrend:
    failures = ("FAILED", "RETRYING", "DEAD_LETTER")
    return StepTrend(
        step,
        _count(found, "RUNNING"),
        _count(found, "SUCCEEDED"),
        _count(found, *failures),
        *_quantiles(found, ("RUNNING",)),
        *_quantiles(found, ("SUCCEEDED", *failures)),
    )


def _point(at: datetime, found: list[Statistic], minutes: float) -> Point:
    ended = _count(found, *ENDS)
    failed = _count(found, *FAILURES)
    p50, p99 = _quantiles(found, ENDS)
    return Point(
        at,
        _count(found, "RUNNING") / minutes,
        _count(found, "SUCCEEDED") / minutes,
        failed / minutes,
        _count(found, "CANCELLED") / minutes,
        100 * failed / ended if ended else None,
        p50,
        p99,
    )


def _count(found: list[Statistic], *outcomes: str) -> int:
    return sum(one.count for one in found if one.outcome in outcomes)


def _quantiles(
    found: list[Statistic], outcomes: tuple[str, ...]
) -> tuple[float | None, float | None]:
    buckets = [one.buckets for one in found if one.outcome in outcomes]
    summed = [sum(counts) for counts in zip(*buckets, strict=True)]
    return quantile(summed, 0.5), quantile(summed, 0.99)


def _floor(time: datetime, span: int) -> datetime:
    return datetime.fromtimestamp(time.timestamp() // span * span, UTC)
