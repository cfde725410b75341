"""Quick attempts on their way into groups: what comes while some are under way waits for the next.

So groups form by themselves, and nothing waits for one to fill: what would take as long as a whole
group begins at once, and where fewer than ``LANES`` are under way anything does.
"""

import threading
from collections.abc import Callable, Sequence

from .attempt import Attempt
from .pace import Pace

LANES = 2
"""Groups under way for which the next one waits. With one, handlers stand still at each COMMIT."""


class Lanes:
    """What waits, and how many groups are under way. May be called from any thread."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._waiting: list[Attempt] = []
        self._under_way = 0

    def enter(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as ``attempts`` have come."""
        with self._lock:
            self._waiting += attempts
            return self._due()

    def leave(self) -> list[list[Attempt]]:
        """Return the groups that are to begin, as one has ended, or takes longer than it should."""
        with self._lock:
            self._under_way -= 1
            return self._due()

    def _due(self) -> list[list[Attempt]]:
        groups = self._pace.divide(self._waiting)
        self._waiting = []
        if groups and self._under_way + len(groups) > LANES:
            self._waiting = groups.pop()
        self._under_way += len(groups)
        return groups


class Place:
    """The place of one group among those under way; it is left once."""

    def __init__(self, leave: Callable[[], None], cut: Callable[[], None] | None) -> None:
        self._leave = leave
        self._cut = cut
        self._lock = threading.Lock()
        self._left = False

    def leave(self) -> None:
        """Let the next group begin."""
        with self._lock:
            first, self._left = not self._left, True
        if first:
            self._leave()

    def cut(self) -> None:
        """Let the next one begin already, as this one takes long, and who waits within it too."""
        self.leave()
        if self._cut is not None:
            self._cut()
