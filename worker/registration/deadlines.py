"""Callbacks at moments of the monotonic clock: the timeouts of attempts, the end of the lease."""

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

log = logging.getLogger("onceflow.worker")

SWEEP = 1_000
"""Entries from which on cancelled ones are looked for and thrown out."""


class Deadline:
    """One callback to come. ``cancel`` makes sure that it does not begin any more."""

    __slots__ = ("_callback", "at")

    def __init__(self, at: float, callback: Callable[[], None]) -> None:
        self.at = at
        self._callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Forget the callback."""
        self._callback = None

    @property
    def live(self) -> bool:
        """Whether the callback is still to come."""
        return self._callback is not None

    def strike(self) -> None:
        """Call it, once."""
        callback, self._callback = self._callback, None
        if callback is not None:
            callback()


class Deadlines:
    """One thread that strikes deadlines; callbacks must be short and never wait for a server.

    A thread of its own, so that neither a blocked event loop nor a lost database delays them.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._heap: list[tuple[float, int, Deadline]] = []
        self._order = itertools.count()
        self._sweep_at = SWEEP
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
        self._thread.start()

    def add(self, seconds: float, callback: Callable[[], None]) -> Deadline:
        """Call ``callback`` in so many seconds, unless it is cancelled before."""
        return self.add_at(time.monotonic() + seconds, callback)

    def add_at(self, at: float, callback: Callable[[], None]) -> Deadline:
        """Call ``callback`` at the moment ``at`` of time.monotonic."""
        deadline = Deadline(at, callback)
        with self._changed:
            if len(self._heap) >= self._sweep_at:  # most are cancelled: attempts end in time
                self._heap = [entry for entry in self._heap if entry[2].live]
                heapq.heapify(self._heap)
                self._sweep_at = max(SWEEP, 2 * len(self._heap))
            heapq.heappush(self._heap, (at, next(self._order), deadline))
            if self._heap[0][2] is deadline:
                self._changed.notify()
        return deadline

    def __len__(self) -> int:
        """Return how many are kept, cancelled ones that are not thrown out yet among them."""
        return len(self._heap)

    def close(self) -> None:
        """End the thread; what has not struck never will."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        self._thread.join()

    def _run(self) -> None:
        while (deadline := self._next()) is not None:
            try:
                deadline.strike()
            except Exception:
                log.exception("a deadline's callback failed")

    def _next(self) -> Deadline | None:
        """Wait for the next deadline that is due; None once closed."""
        with self._changed:
            while not self._closed:
                while self._heap and not self._heap[0][2].live:
                    heapq.heappop(self._heap)
                if not self._heap:
                    self._changed.wait()
                    continue
                left = self._heap[0][0] - time.monotonic()
                if left <= 0:
                    return heapq.heappop(self._heap)[2]
                self._changed.wait(left)
            return None
