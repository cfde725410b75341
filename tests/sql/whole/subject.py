"""What a cell of the table is about."""

from dataclasses import dataclass
from uuid import UUID

DEADLINE = 100 * 86400.0
RETRY = {"attempts": 3, "backoff": 10, "jitter": 0}


@dataclass(frozen=True)
class Subject:
    """The task that a cell of the table is about; None: the instance itself."""

    instance: UUID
    task: str | None = None
