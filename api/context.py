"""What every request of one app shares."""

from dataclasses import dataclass, field

from anyio import CapacityLimiter

from .checks import Checks
from .database import Database
from .waiting import Waiting


@dataclass(frozen=True, slots=True)
class Context:
    """The database, and the waiting room of requests that await the end of an instance."""

    database: Database
    waiting: Waiting
    checks: Checks = field(default_factory=Checks)
    heavy: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(2))
    """For what computes long: definitions are compiled two at a time."""
