"""Quick attempts on their way into groups: what comes while some are under way waits for the next.

So groups form by themselves, and nothing waits for one to fill: what would take as long as a whole
group begins at once, and where fewer than ``LANES`` are under way anything does; but what would
wait for the lock of an instance that a group is about to complete may as well wait for that group.
"""

import threading
from collections.abc import Callable, Sequence

from ..registration.deadlines import Deadlines
from .attempt import Attempt
from .pace import Pace

LANES = 2
"""Groups under way for which the next one waits. With one, handlers stand still at each COMMIT."""


class Lanes:
    """What waits, and what is under way. May be called from any thread."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._waiting: list[Attempt] = []
        self._under_way: list[Sequence[Attempt]] = []

    def enter(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as ``attempts`` have come."""
        with self._lock:
            self._waiting += attempts
            return self._due()

    def leave(self, group: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as one has ended, or takes longer than it should."""
        with self._lock:
            self._under_way = [other for other in self._under_way if other is not group]
            return self._due()

    def _due(self) -> list[list[Attempt]]:
        groups = self._pace.divide(self._waiting)
        self._waiting = []
        if groups and not self._has_place(groups[-1], [*self._under_way, *groups[:-1]]):
            self._waiting = groups.pop()
        self._under_way += groups
        return groups

    def _has_place(self, group: Sequence[Attempt], others: Sequence[Sequence[Attempt]]) -> bool:
        if len(others) >= LANES:
            return False
        locked = {attempt.grant.instance_id for other in others for attempt in other}
        return not any(attempt.grant.instance_id in locked for attempt in group)


class Place:
    """The place of one group among those under way; it is left once.

    Left late: after ``cut`` seconds, that others need not wait for slow handlers, or, where the
    group is ``recording`` by then and waits for a lock that the next may want too, after so many
    seconds more.
    """

    def __init__(
        self,
        deadlines: Deadlines,
        cut: float,
        more: float,
        *,
        recording: Callable[[], bool],
        leave: Callable[[], None],
        on_cut: Callable[[], None] | None,
    ) -> None:
        self._leave = leave
        self._on_cut = on_cut
        self._lock = threading.Lock()
        self._left = False

        def late() -> None:
            if recording():
                self._deadline = deadlines.add(more, self._cut)
            else:
                self._cut()

        self._deadline = deadlines.add(cut, late)

    def leave(self) -> None:
        """Let the next group begin."""
        with self._lock:
            first, self._left = not self._left, True
        self._deadline.cancel()
        if first:
            self._leave()

    def _cut(self) -> None:
        """Let the next one begin already, as this one takes long, and who waits within it too."""
        self.leave()
        if self._on_cut is not None:
            self._on_cut()
