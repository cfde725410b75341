"""Checks of inputs against strangers' schemas, off the event loop and out of each other's way.

A check runs in a thread and shares the interpreter with all else, so few run at once. Each first
gets a moment, which is enough for nearly all; what takes longer waits its turn in a lane of its
own, where it keeps no other start from going on.
"""

import time
from collections.abc import Sequence

from anyio import CapacityLimiter, to_thread

from ..engine.definition import TooMuchWork, find_faults
from ..engine.errors import Fault
from ..engine.json_text import Json

MOMENT = 0.05
LONGEST = 1.0
"""Seconds that the check of one request may take, at once and in its turn."""

ABREAST = 4
"""Checks in their first moment."""


class Checks:
    """The two lanes of one app."""

    def __init__(self) -> None:
        self._fast = CapacityLimiter(ABREAST)
        self._slow = CapacityLimiter(1)

    async def faults(
        self, schema: Json, inputs: Sequence[Json], *, complete: bool
    ) -> list[list[Fault]]:
        """Return what is wrong with each of the inputs.

        Where ``complete`` is false Postgres checks all of the schema anyway, so that what takes too
        long here is left to it.
        """
        if schema is None:
            return [[] for _ in inputs]
        for limiter, seconds in ((self._fast, MOMENT), (self._slow, LONGEST)):
            try:
                return await to_thread.run_sync(_check, schema, inputs, seconds, limiter=limiter)
            except TooMuchWork:
                continue
        message = (
            f"could not be checked within {LONGEST:g} s; give a smaller input, or make the schema "
            "of the workflow simpler"
        )
        return [[Fault("", message)] if complete else [] for _ in inputs]


def _check(schema: Json, inputs: Sequence[Json], seconds: float) -> list[list[Fault]]:
    deadline = time.monotonic() + seconds
    return [find_faults(schema, given, deadline - time.monotonic()) for given in inputs]
