"""Deadlines strike in their order, and never once they are cancelled."""

import threading
from collections.abc import Iterator

import pytest

from onceflow.worker.registration import deadlines as module
from onceflow.worker.registration.deadlines import Deadlines


@pytest.fixture
def deadlines() -> Iterator[Deadlines]:
    made = Deadlines()
    yield made
    made.close()


def test_the_nearest_strikes_first(deadlines: Deadlines) -> None:
    struck: list[str] = []
    done = threading.Event()
    deadlines.add(0.2, done.set)
    deadlines.add(0.1, lambda: struck.append("second"))
    deadlines.add(0.0, lambda: struck.append("first"))
    deadlines.add(0.05, lambda: struck.append("cancelled")).cancel()
    assert done.wait(10)
    assert struck == ["first", "second"]


def fail() -> None:
    raise RuntimeError("a callback that fails")


def test_a_callback_that_fails_stops_no_other(deadlines: Deadlines) -> None:
    done = threading.Event()
    deadlines.add(0.0, fail)
    deadlines.add(0.01, done.set)
    assert done.wait(10)


def test_cancelled_ones_do_not_pile_up(deadlines: Deadlines) -> None:
    for _ in range(20 * module.SWEEP):
        deadlines.add(3600, fail).cancel()
    assert len(deadlines) <= 2 * module.SWEEP
