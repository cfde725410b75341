"""How long handlers take, and which of them therefore may share a transaction."""

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
UP, DOWN = 1 / 16, 1 / 2
"""The part of the last time in what is expected, where it was longer, and where it was shorter: on
a busy machine all times are long now and then."""
KEPT = 10_000
"""Steps whose times are remembered."""
NEVER = float("inf")
DOUBTED = 2 * PLANNED
"""Seconds that are expected of what has never ended, and has others wait."""

Step = tuple[str, ...]
"""A handler, a workflow and a step of it; or the handler alone, for steps that are new here."""


class Pace:
    """What handlers have taken in this process. All methods may be called from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[Step, float] = {}

    def note(self, grant: Grant, seconds: float) -> None:
        """Remember how long a handler has taken."""
        with self._lock:
            for step in _step(grant), (grant.handler,):
                before = self._seconds.get(step, seconds)
                if before < NEVER:
                    part = UP if seconds > before else DOWN
                    self._keep(step, before + (seconds - before) * part)

    def never(self, grant: Grant) -> None:
        """Remember that a step is to share no transaction any more."""
        with self._lock:
            self._keep(_step(grant), NEVER)

    def doubt(self, attempt: Attempt) -> None:
        """Remember that a handler takes long that runs still, where nothing is known of it."""
        if not attempt.started:  # it waits for its connection
            return
        with self._lock:
            for step in _step(attempt.grant), (attempt.grant.handler,):
                if step not in self._seconds:
                    self._keep(step, DOUBTED)

    def is_quick(self, attempt: Attempt) -> bool:
        """Return whether an attempt may share a transaction; of what is new here it is presumed."""
        handler, timeout = attempt.handler, attempt.grant.timeout
        if handler is None or not handler.grouped or (timeout is not None and timeout < SHORTEST):
            return False
        return self._expected(attempt) <= PLANNED

    def divide(
        self, attempts: Sequence[Attempt]
    ) -> tuple[list[list[Attempt]], list[list[Attempt]]]:
        """Divide quick attempts into groups: in their order, each with one limit of time.

        Those of a handler that is new share nothing with others, who would wait for it. Returns
        those that are full, and those in which there is room, in the order of their first.
        """
        full: list[list[Attempt]] = []
        filling: dict[tuple[float | None, str | None], tuple[list[Attempt], float]] = {}
        for attempt in attempts:
            seconds = self._expected(attempt)
            kind = attempt.grant.timeout, self._newcomer(attempt.grant)
            group, taken = filling.get(kind, (list[Attempt](), 0.0))
            if group and taken + seconds > PLANNED:
                full.append(group)
                del filling[kind]
                group, taken = [], 0.0
            group.append(attempt)
            if len(group) < LARGEST:
                filling[kind] = group, taken + seconds  # where its first one stands
            else:
                full.append(group)
                filling.pop(kind, None)
        return full, [group for group, _ in filling.values()]

    def _newcomer(self, grant: Grant) -> str | None:
        """Return the handler of ``grant`` if nothing is known of it."""
        with self._lock:
            return None if (grant.handler,) in self._seconds else grant.handler

    def _expected(self, attempt: Attempt) -> float:
        grant = attempt.grant
        with self._lock:
            of_handler = self._seconds.get((grant.handler,), 0.0)
            return self._seconds.get(_step(grant), of_handler)

    def _keep(self, step: Step, seconds: float) -> None:
        if len(self._seconds) >= KEPT and step not in self._seconds:
            # Who is not known is presumed quick, and those that are soon are known again.
            slow = {known: taken for known, taken in self._seconds.items() if taken > PLANNED}
            self._seconds = slow if len(slow) < KEPT else {}
        self._seconds[step] = seconds


def _step(grant: Grant) -> Step:
    return grant.handler, grant.workflow, grant.task.partition("/")[0]
