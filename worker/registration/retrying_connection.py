"""One connection to Postgres that mends itself, and the judgement of what may be tried again.

A call whose reply was lost is repeated: every call of the protocol bears a token or fences that
make the repetition harmless. A call that failed by its own data, or that ran too long, is not: the
caller splits its batch instead, so that one poisoned item does not fail five hundred.
"""

import logging
import random
import threading
import time
from collections.abc import Callable
from enum import Enum
from typing import Any, TypeVar

import psycopg

from ...engine.errors import (
    BadArgument,
    ExpressionFailed,
    OnceflowError,
    Refused,
    ServerError,
    SessionNeeded,
    WorkerNotLive,
    WrongIsolation,
)
from ...engine.pool import connect
from ...engine.sessions import Connection, limit
from ...engine.settings import Settings

log = logging.getLogger("onceflow.worker")

T = TypeVar("T")

STATEMENT_TIMEOUT = 20.0
"""Seconds after which a call of the protocol is ended and its batch halved."""
LOCK_TIMEOUT = 5.0
"""Seconds that a call waits for a lock: less than above, so that waiting is not taken for data."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 2.0
"""Seconds between two tries, doubled from the first to the longest, give or take a third."""


class Trouble(Enum):
    """What a failed call means."""

    LOST = "the connection is gone; whether the call was carried out is not known"
    AGAIN = "rolled back for want of a lock, of resources or of a schema: the same call may succeed"
    TOO_LONG = "rolled back by the statement timeout"
    DATA = "rolled back because of the data in the call"


class Spoiled(Exception):
    """A call was rolled back because of what it was given: by its data, or as it took too long."""

    def __init__(self, error: Exception, too_long: bool) -> None:
        super().__init__(_reason(error))
        self.too_long = too_long


class Abandoned(Exception):
    """The caller's own condition to go on trying no longer holds."""


def judge(error: Exception) -> Trouble:
    """Return what ``error``, raised by a call, means for the call."""
    if isinstance(error, BadArgument | ExpressionFailed | Refused):
        return Trouble.DATA
    if isinstance(error, OnceflowError):
        return Trouble.AGAIN
    if not isinstance(error, psycopg.Error):
        return Trouble.DATA  # our own side could not even write the call: a type, a text
    state = error.sqlstate or ""
    if state == "57014":
        return Trouble.TOO_LONG
    if not state:
        data = isinstance(error, psycopg.DataError | psycopg.NotSupportedError)
        return Trouble.DATA if data else Trouble.LOST
    if state[:2] in ("08", "57") or state == "25P03":
        return Trouble.LOST
    # 21 to 23: cardinality, data, integrity · 54: limits · P0: raised · 25P02 cannot happen here
    return Trouble.DATA if state[:2] in ("21", "22", "23", "54", "P0") else Trouble.AGAIN


class RetryingConnection:
    """A connection used by one thread at a time, opened when first needed, and when it breaks.

    While ``hurried`` a call that was rolled back is not repeated, but left to the caller.
    """

    def __init__(self, settings: Settings, name: str) -> None:
        self._settings = settings
        self._name = name
        self._conn: Connection | None = None
        self.hurried = False

    def call(
        self,
        what: str,
        operation: Callable[[psycopg.Connection[Any]], T],
        go_on: Callable[[], bool],
        wake: threading.Event | None = None,
    ) -> T:
        """Return what ``operation`` gives, tried until it succeeds; ``what`` names it in the log.

        ``go_on`` is asked before each further try; ``wake``, once set, ends the pause before it.
        Raises Abandoned where ``go_on`` says no, or it is hurried, Spoiled where the data or the
        time is at fault, WorkerNotLive and SessionNeeded as they come.
        """
        pause, said = FIRST_PAUSE, ""
        while True:
            try:
                result = operation(self._connection())
            except (WorkerNotLive, WrongIsolation, SessionNeeded):
                raise
            except Exception as error:
                trouble = Trouble.LOST if isinstance(error, ServerError) else judge(error)
                hurried = self.hurried
                if trouble is Trouble.LOST or self._broken():
                    self.close()
                    hurried = False  # whoever repeats it must do so as it is
                elif trouble is not Trouble.AGAIN:
                    raise Spoiled(error, trouble is Trouble.TOO_LONG) from error
                if hurried or not go_on():
                    raise Abandoned(f"{what}: {_reason(error)}") from error
                if _reason(error) != said:
                    said = _reason(error)
                    log.warning("%s is tried again: %s", what, said)
            else:
                if said:
                    log.info("%s has succeeded", what)
                return result
            rest = pause * random.uniform(0.67, 1.33)  # noqa: S311 - no secret
            if wake is None:
                time.sleep(rest)
            else:
                wake.wait(rest)
            pause = min(pause * 2, LONGEST_PAUSE)

    def close(self) -> None:
        """Close the connection, if there is one; the next call opens another."""
        conn, self._conn = self._conn, None
        if conn is not None:
            conn.close()

    def _connection(self) -> psycopg.Connection[Any]:
        if self._conn is None or self._conn.closed:
            self._conn = connect(
                self._settings, self._name, own_session=True, statement_timeout=STATEMENT_TIMEOUT
            )
            limit(self._conn, lock_timeout=f"{round(LOCK_TIMEOUT * 1000)}ms")
        return self._conn

    def _broken(self) -> bool:
        return self._conn is not None and (self._conn.closed or self._conn.broken)


def _reason(error: Exception) -> str:
    return " ".join(str(error).split()) or type(error).__name__
