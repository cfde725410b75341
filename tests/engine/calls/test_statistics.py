"""What statistics tell, and in what spans."""

from datetime import UTC, datetime

import pytest

from onceflow.engine.calls import statistics
from onceflow.engine.calls.statistics import BOUNDS, DAY, HOUR, MINUTE, TEN_MINUTES, Statistic

AT = datetime(2026, 1, 31, 3, tzinfo=UTC)


def counted(*numbers: int) -> list[int]:
    """Return buckets that have counted the first numbers so."""
    return [*numbers, *[0] * (32 - len(numbers))]


@pytest.mark.parametrize(
    ("buckets", "part", "seconds"),
    [
        (counted(), 0.5, None),
        (counted(0, 4), 0.5, 0.0015),
        (counted(1, 1, 2), 1.0, 0.004),
        (counted(99, 0, 0, 1), 0.99, 0.001),
        (counted(98, 0, 0, 2), 0.99, 0.006),
        ([0] * 31 + [1], 0.5, BOUNDS[-1]),
    ],
)
def test_a_quantile_lies_within_its_bucket(
    buckets: list[int], part: float, seconds: float | None
) -> None:
    found = statistics.quantile(buckets, part)
    assert found == (None if seconds is None else pytest.approx(seconds))


@pytest.mark.parametrize(
    ("seconds", "span"),
    [(HOUR, MINUTE), (3 * HOUR, MINUTE), (DAY, TEN_MINUTES), (7 * DAY, HOUR), (30 * DAY, DAY)],
)
def test_a_range_is_divided_into_as_many_spans_as_one_can_see(seconds: float, span: int) -> None:
    assert statistics.span_of(seconds) == span
    assert statistics.span_of(30 * DAY, 720) == HOUR


def test_spans_are_summed_by_step_and_outcome() -> None:
    def one(step: str, count: int) -> Statistic:
        return Statistic(step, AT, "FAILED", count, 1, 2.0, counted(1))

    assert statistics.together(AT, [one("a", 1), one("b", 2), one("a", 3)]) == [
        Statistic("a", AT, "FAILED", 4, 2, 4.0, counted(2)),
        one("b", 2),
    ]
