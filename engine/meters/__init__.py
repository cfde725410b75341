"""Counts what this process does, for its metrics; where nobody serves them, nothing is counted.

``count`` and ``observe`` may be called by any thread, at any time; they raise nothing for what is
declared here, whatever the values of labels.
"""

from collections.abc import Generator
from contextlib import contextmanager
from functools import cache
from time import perf_counter
from typing import Final, Protocol

CALL_ERRORS: Final = "onceflow_call_errors"
"""The counter of calls that failed, by function and error: every process has it."""
COUNTERS: Final = {
    "onceflow_clock_handled": ("relay", "What jobs of the clock have handled", ("job",)),
    "onceflow_clock_failures": ("relay", "Calls of jobs of the clock that failed", ("job",)),
    "onceflow_messages_shipped": ("relay", "Messages that the broker has acknowledged", ()),
    "onceflow_messages_deferred": ("relay", "Messages that were put off: they could not go", ()),
    "onceflow_workers_lost": ("relay", "Workers that this relay has declared dead", ()),
    "onceflow_leases_lost": ("worker", "Registrations that this worker has lost", ()),
}
"""Others by their names, to which ``_total`` is added: whose they are, what they mean, and their
labels."""

CALLS: Final = "onceflow_call_seconds"
"""The histogram of the calls of SQL functions, by function."""


class Sink(Protocol):
    """Where it is counted."""

    def count(self, name: str, amount: float, labels: tuple[str, ...]) -> None:
        """Add to a counter."""
        ...

    def observe(self, function: str, seconds: float) -> None:
        """Note how long a call of a function took."""
        ...


_sink: Sink | None = None


def count_into(sink: Sink | None) -> None:
    """Have all that is counted from now on go there; None: nowhere."""
    global _sink
    _sink = sink


def count(name: str, amount: float = 1, *labels: str) -> None:
    """Add to a counter of COUNTERS; by 0 it begins to be told."""
    if _sink is not None:
        _sink.count(name, amount, labels)


def measured() -> bool:
    """Whether anybody wants to know."""
    return _sink is not None


@contextmanager
def timed(statement: str) -> Generator[None]:
    """Note how long a call of a SQL function takes, and what error it ends with."""
    sink, function, began = _sink, function_of(statement), perf_counter()
    if sink is None:
        yield
        return
    try:
        yield
    except Exception as error:
        sink.count(CALL_ERRORS, 1, (function, _kind(error)))
        raise
    finally:
        sink.observe(function, perf_counter() - began)


@cache
def function_of(statement: str) -> str:
    """Return which function of ours a statement calls; ``other`` where it reads a view."""
    _, found, rest = statement.partition("onceflow.")
    name, bracket, _ = rest.partition("(")
    return name if found and bracket and name.isidentifier() else "other"


def _kind(error: Exception) -> str:
    state = getattr(error, "sqlstate", None)
    return state if isinstance(state, str) and len(state) == 5 else type(error).__name__[:40]
