"""The arithmetic of the figures."""

import pytest

from bench.figures import latencies, medians, percentile


def test_a_percentile_is_a_sample_that_the_share_does_not_exceed() -> None:
    samples = [float(n) for n in range(100, 0, -1)]
    assert percentile(samples, 0.5) == 50
    assert percentile(samples, 0.99) == 99
    assert percentile(samples, 1) == 100
    assert percentile(samples, 0) == 1
    assert percentile([7.0], 0.99) == 7


def test_a_percentile_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="samples"):
        percentile([], 0.5)


def test_latencies_are_in_milliseconds() -> None:
    assert latencies([0.001, 0.002, 0.003]) == pytest.approx({"p50 ms": 2, "p99 ms": 3})


def test_a_median_is_taken_over_the_runs_that_have_the_figure() -> None:
    runs = [{"a": 1.0}, {"a": 9.0, "b": 4.0}, {"a": 2.0}]
    assert medians(runs) == {"a": 2, "b": 4}
