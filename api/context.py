"""What every request of one app shares."""

from dataclasses import dataclass

from .database import Database
from .waiting import Waiting


@dataclass(frozen=True, slots=True)
class Context:
    """The database, and the waiting room of requests that await the end of an instance."""

    database: Database
    waiting: Waiting
