"""How long handlers take, and which of them therefore share a transaction."""

import threading
from collections.abc import Sequence

from ...engine.calls import Grant
from .attempt import Attempt

PLANNED = 0.025
"""Seconds that the handlers of one group may be expected to take, one after the other."""
LARGEST = 32
"""Handlers in one group, at most. Postgres keeps 64 subtransactions of a session in shared memory,
and a handler may well use one of its own besides ours."""
SHORTEST = 5.0
"""Seconds: where a step has a shorter timeout, its handler waits for no others."""
WEIGHT = 0.25
"""The part of the last time in what is expected."""
KEPT = 10_000
"""Steps whose times are remembered."""
NEVER = float("inf")

Step = tuple[str, str, str]


class Pace:
    """What steps of this process have taken. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[Step, float] = {}

    def note(self, grant: Grant, seconds: float) -> None:
        """Remember how long a handler has taken; NEVER: it is to share no transaction any more."""
        step = _step(grant)
        with self._lock:
            if len(self._seconds) >= KEPT and step not in self._seconds:
                self._seconds.clear()  # those that still run are soon known again
            before = self._seconds.get(step, seconds)
            self._seconds[step] = before + (seconds - before) * WEIGHT if before < NEVER else before
            if seconds == NEVER:
                self._seconds[step] = NEVER

    def expected(self, grant: Grant) -> float:
        """Return what its handler is likely to take; of a step that is new here, NEVER."""
        with self._lock:
            return self._seconds.get(_step(grant), NEVER)

    def together(self, attempts: Sequence[Attempt]) -> list[list[Attempt]]:
        """Divide attempts into those that share a transaction: in their order, with one limit of
        time, and quick enough together. Most likely alone are those that nothing is known of.
        """
        groups: list[list[Attempt]] = []
        filling: dict[float | None, tuple[list[Attempt], float]] = {}
        for attempt in attempts:
            grant = attempt.grant
            seconds = self.expected(grant) if _may_share(attempt) else NEVER
            group, taken = filling.get(grant.timeout, ([], NEVER))
            if taken + seconds > PLANNED or len(group) >= LARGEST:
                group, taken = list[Attempt](), 0.0
                groups.append(group)
            group.append(attempt)
            filling[grant.timeout] = group, taken + seconds
        return groups


def _may_share(attempt: Attempt) -> bool:
    handler, timeout = attempt.handler, attempt.grant.timeout
    return handler is not None and handler.grouped and (timeout is None or timeout >= SHORTEST)


def _step(grant: Grant) -> Step:
    return grant.handler, grant.workflow, grant.task.partition("/")[0]
