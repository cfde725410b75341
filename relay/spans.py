"""The spans of a relay: a batch that is shipped, and turns of the clock that did something."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Final

from ..engine.calls import OutboxRow
from ..engine.traces import spans
from ..engine.tracing import Trace

EVERY: Final = 1.0
"""Seconds between two spans of a job of the clock: the next tells of those between."""


@contextmanager
def shipping(rows: Sequence[OutboxRow]) -> Generator[None]:
    """Tell of a batch in a span that is linked to the sampled traces of its messages, if any."""
    span = None
    if spans.is_set_up():
        traces: list[Trace] = [row.headers for row in rows if row.headers]
        with spans.harmless("begin"):
            if links := spans.links_to(traces):
                attributes = {
                    "messaging.system": "kafka",
                    "messaging.batch.message_count": len(rows),
                }
                span = spans.begin("ship", None, attributes, kind="producer", links=links)
    with spans.current(span):
        yield


class TurnSpans:
    """Of one job of the clock: what it did, in a span each second at most."""

    def __init__(self) -> None:
        self._done = 0
        self._began = 0
        self._next = 0.0

    def tell(self, job: str, done: int, began: int) -> None:
        """Tell of a turn that has handled ``done``, and ``began`` so many ns after 1970."""
        if not done or not spans.is_set_up():
            return
        self._began = self._began or began
        self._done += done
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + EVERY
        with spans.harmless("be told"):
            attributes = {"onceflow.job": job, "onceflow.done": self._done}
            spans.begin(f"clock: {job}", None, attributes, start_time=self._began).end()
        self._done = self._began = 0
