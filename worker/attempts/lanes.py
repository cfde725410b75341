"""Quick attempts on their way into groups: what comes while some are under way waits for the next.

So groups form by themselves, and nothing waits for one to fill: what would take as long as a whole
group begins at once, and where fewer than ``LANES`` are under way anything does; but what would
wait for the lock of an instance that a group is about to complete may as well wait for that group.
"""

import threading
import time
from collections.abc import Callable, Sequence
from uuid import UUID

from ..registration.deadlines import Deadline, Deadlines
from .attempt import Attempt
from .pace import Pace

LANES = 2
"""Groups under way for which the next one waits. With one, handlers stand still at each COMMIT."""


PATIENCE = 1.0
"""Seconds after which what waits does so no more, whatever is under way: groups that are full begin
at once, and may never leave a lane free, or an instance alone."""


class Lanes:
    """What waits, and what is under way. May be called from any thread."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._lock = threading.Lock()
        self._waiting: dict[Attempt, float] = {}  # in the order in which they came, and when
        self._under_way: list[Sequence[Attempt]] = []
        self._late: list[Sequence[Attempt]] = []

    def enter(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as ``attempts`` have come."""
        with self._lock:
            self._waiting.update(dict.fromkeys(attempts, time.monotonic()))
            return self._due()

    def ease(self, group: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as none but those of its instances wait for it."""
        with self._lock:
            self._late += [other for other in self._under_way if other is group]
            return self._due()

    def leave(self, group: Sequence[Attempt]) -> list[list[Attempt]]:
        """Return the groups that are to begin, as one has ended, or takes longer than it should."""
        with self._lock:
            self._under_way = [other for other in self._under_way if other is not group]
            self._late = [other for other in self._late if other is not group]
            return self._due()

    def _due(self) -> list[list[Attempt]]:
        if not self._waiting:
            return []
        groups, filling = self._pace.divide(list(self._waiting))
        self._under_way += groups
        for group in filling:
            if due := self._due_of(group):
                self._under_way.append(due)
                groups.append(due)
        for group in groups:
            for attempt in group:
                del self._waiting[attempt]
        return groups

    def _due_of(self, group: list[Attempt]) -> list[Attempt]:
        """Return what is to begin of a group in which there is room."""
        if time.monotonic() - self._waiting[group[0]] >= PATIENCE:
            return group
        if not self._has_lane():
            return []
        locked = self._locked()
        return [attempt for attempt in group if attempt.grant.instance_id not in locked]

    def _has_lane(self) -> bool:
        return len(self._under_way) - len(self._late) < LANES

    def _locked(self) -> set[UUID]:
        """Return the instances that groups under way will complete."""
        return {attempt.grant.instance_id for group in self._under_way for attempt in group}


class Place:
    """The place of one group among those under way; it is left once.

    Left late, after ``cut`` seconds, that others need not wait for slow handlers. Where the group
    is ``recording`` by then it is eased, and left after so many seconds ``more``: it may wait for a
    lock, and what wants that too need not stand beside it.
    """

    def __init__(
        self,
        deadlines: Deadlines,
        cut: float,
        more: float,
        *,
        recording: Callable[[], bool],
        ease: Callable[[], None],
        leave: Callable[[], None],
        on_cut: Callable[[], None],
    ) -> None:
        self._leave = leave
        self._on_cut = on_cut
        self._lock = threading.Lock()
        self._left = False
        self._deadlines: list[Deadline] = []  # the first may strike before it is known here

        def late() -> None:
            if recording():
                self._deadlines.append(deadlines.add(more, self._cut))
                ease()
            else:
                self._cut()

        self._deadlines.append(deadlines.add(cut, late))

    def leave(self) -> None:
        """Let the next group begin."""
        with self._lock:
            first, self._left = not self._left, True
        for deadline in list(self._deadlines):
            deadline.cancel()
        if first:
            self._leave()

    def _cut(self) -> None:
        """Let who waits within it go elsewhere, and the next one begin: this one takes long."""
        try:
            self._on_cut()  # first: what is next may be of the same step
        finally:
            self.leave()
