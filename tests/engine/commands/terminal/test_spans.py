"""Of the time that a task took, what it waited and what it ran."""

from datetime import UTC, datetime

from onceflow.engine.commands.terminal.spans import spans_of

from ....api.hand_worker import HandWorker
from ..conftest import Onceflow


def entries(*items: tuple[str, int]) -> list[dict[str, str]]:
    return [{"state": state, "at": f"2026-01-31T08:00:{at:02}+00:00"} for state, at in items]


def test_waits_and_runs_are_added_up_apart() -> None:
    log = entries(
        ("WAITING", 0), ("READY", 1), ("QUEUED", 3), ("RUNNING", 8), ("RETRYING", 9),
        ("QUEUED", 20), ("RUNNING", 21), ("SUCCEEDED", 25),
    )  # fmt: skip
    assert spans_of(log) == (2 + 5 + 1, 1 + 4)


def test_what_goes_on_counts_until_now() -> None:
    now = datetime(2026, 1, 31, 8, 0, 30, tzinfo=UTC)
    assert spans_of(entries(("QUEUED", 10)), now) == (20, None)
    assert spans_of(entries(("RUNNING", 10)), now) == (None, 20)
    assert spans_of([]) == (None, None)


def test_show_tells_both(onceflow: Onceflow, worker: HandWorker, order: str) -> None:
    worker.complete(order, {})
    shown = onceflow("show", order).out
    line = next(line for line in shown.splitlines() if "reserve  SUCCEEDED" in line)
    assert " ran 0." in line
    assert ", waited 0." in line
    reserve, pay = onceflow("show", order, "--json").json["tasks"]
    assert 0 < reserve["ran"] < 30
    assert 0 < reserve["waited"] < 30
    assert pay["ran"] is None
