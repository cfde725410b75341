"""How long a task waited for a worker, and how long its attempts ran: out of the task log."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

WAITS: Final = frozenset({"READY", "QUEUED"})
"""States in which it is due, and nobody has begun it."""


class Spans(NamedTuple):
    """Seconds; of what is going on, until now. None: it never was in such a state."""

    waited: float | None
    ran: float | None


def spans_of(log: Sequence[dict[str, Any]], now: datetime | None = None) -> Spans:
    """Return the spans of one task, whose entries these are, in the order of time."""
    waited: float | None = None
    ran: float | None = None
    for n, entry in enumerate(log):
        if entry["state"] != "RUNNING" and entry["state"] not in WAITS:
            continue
        begin = datetime.fromisoformat(entry["at"])
        end = now or datetime.now(UTC)
        if n + 1 < len(log):
            end = datetime.fromisoformat(log[n + 1]["at"])
        span = max(0.0, (end - begin).total_seconds())
        if entry["state"] == "RUNNING":
            ran = (ran or 0.0) + span
        else:
            waited = (waited or 0.0) + span
    return Spans(waited, ran)
