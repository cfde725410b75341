"""The tables and the file of a run."""

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from bench.compare import compare
from bench.report import number, show
from bench.results import Result, save

RESULTS = [
    Result("a", "onceflow hand-off", "1 in flight", [{"p50 ms": 5.0, "steps/s": 200.0}]),
    Result("a", "onceflow hand-off", "256 in flight", [{"steps/s": 9000.0}, {"steps/s": 8000.0}]),
    Result("a", "dbos direct", "1 in flight", [{"p50 ms": 10.0, "steps/s": 90.0}]),
    Result("a", "dbos direct", "256 in flight", [{"steps/s": 100.0}]),
    Result("a", "dbos queue", "256 in flight", [{"steps/s": 170.0}]),
    Result("a", "absurd workers", "256 in flight", [], notes=["it failed"]),
]


def test_a_peer_counts_by_the_best_that_it_did() -> None:
    (ratio,) = compare(RESULTS)
    assert (ratio.who, ratio.against) == ("onceflow hand-off", "dbos")
    assert ratio.figures["steps/s, times theirs"] == pytest.approx(50)
    assert ratio.figures["p50 alone, share of theirs"] == pytest.approx(0.5)


def test_the_report_shows_medians_ratios_and_what_failed() -> None:
    out = io.StringIO()
    show(Console(file=out, width=200), {"commit": "abc"}, RESULTS, {"a": "the load"})
    text = out.getvalue()
    assert "(a) the load" in text
    assert "8,500" in text  # the median of two runs
    assert "beside others" in text
    assert "absurd workers, 256 in flight: it failed" in text


def test_at_80_columns_a_wide_table_goes_on_below_with_no_cell_torn_apart() -> None:
    names = ["steps/s", "instances/s", "p50 ms", "p95 ms", "p99 ms", "xids/instance", "WAL kB/step"]
    figures = {name: 1000.5 + n for n, name in enumerate(names)}
    rows = [Result("a", "onceflow hand-off", f"{n:,} in flight", [figures]) for n in (1, 2000)]
    out = io.StringIO()
    show(Console(file=out, width=80), {"commit": "abc"}, rows, {"a": "the load"})
    lines = out.getvalue().splitlines()
    assert max(map(len, lines)) <= 80
    assert all(any(name in line for line in lines) for name in names)
    for load in ("1 in flight", "2,000 in flight"):
        told = [line for line in lines if load in line]
        assert len(told) > 1
        assert all("onceflow hand-off" in line for line in told)


def test_a_number_keeps_three_digits_that_mean_something() -> None:
    assert [number(n) for n in (0, 0.0123, 0.5, 12.34, 1234.5)] == [
        "0",
        "0.012",
        "0.50",
        "12.3",
        "1,234",
    ]


def test_the_file_holds_every_run_and_the_medians(tmp_path: Path) -> None:
    path = tmp_path / "new" / "run.json"
    save(path, {"commit": "abc"}, RESULTS)
    read = json.loads(path.read_text())
    assert read["about"] == {"commit": "abc"}
    assert read["results"][1]["runs"] == [{"steps/s": 9000.0}, {"steps/s": 8000.0}]
    assert read["results"][1]["medians"] == {"steps/s": 8500.0}
