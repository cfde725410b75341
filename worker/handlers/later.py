"""What a handler returns whose task somebody else is to complete."""

from dataclasses import dataclass
from datetime import timedelta

LONGEST = 10 * 365 * 86400.0
"""Seconds that an answer may take, at most."""


@dataclass(frozen=True, slots=True)
class Later:
    """Returned by a handler in place of an output: the answer comes from outside.

    Hand ``Context.token`` on before: whoever has it completes or fails the task, once, through the
    API, a client or SQL. After ``timeout`` (seconds, or a timedelta) without an answer the attempt
    has failed, and is tried again as its policy says. Raises ValueError for a timeout that is not
    above 0, or above ten years.
    """

    timeout: float | timedelta

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= LONGEST:  # NaN too
            raise ValueError(
                f"Later(timeout={self.timeout!r}): give seconds above 0, ten years at most"
            )

    @property
    def seconds(self) -> float:
        """The timeout in seconds."""
        given = self.timeout
        return given.total_seconds() if isinstance(given, timedelta) else float(given)
