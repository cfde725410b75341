"""Turns the clock: calls ``tick`` for due retries, timeouts, deadlines and dead workers.

A tick is one transaction, so one candidate that cannot be handled, or whose row somebody keeps
locked, would hold up all others. So a failing tick is tried again with half its size, down to one;
what fails alone is passed over, loudly, and tried again every RETRY_SKIPPED seconds.
"""

import logging
import threading
import time

import psycopg

from ..engine.calls import Ticked, ensure_partitions, tick
from ..engine.calls.base import Connection
from ..engine.errors import OnceflowError

log = logging.getLogger("onceflow.relay.clock")

LIMIT = 500
"""Candidates of one tick."""

REST = 0.1
"""Seconds between two ticks while nothing more is due: how late a timer may be."""

RETRY_SKIPPED = 60.0
"""Seconds until a candidate that was passed over is tried again."""

PARTITIONS_EVERY = 3600.0
"""Seconds between two looks whether partitions are made ahead."""

LOCK_TIMEOUT = 2.0
"""Seconds that a tick waits for a lock."""

# Classes of SQLSTATE that say nothing about the candidates: a lost connection, a deadlock, a
# resource that was short, a server that shuts down. All others do, our own statement_timeout too.
PASSING = ("08", "40", "53", "57", "58")
QUERY_CANCELED = "57014"


class Clock:
    """How large a tick may be now, and what it passes over. For one thread."""

    def __init__(self) -> None:
        self.limit = LIMIT
        self.skip = 0
        self._skipped_at = 0.0
        self._partitions_at = -PARTITIONS_EVERY

    def run(self, conn: Connection, stop: threading.Event) -> None:
        """Tick until ``stop`` is set. Raises what psycopg raises where the connection is lost."""
        conn.execute(
            "select pg_catalog.set_config('lock_timeout', %s, false)",
            (f"{round(LOCK_TIMEOUT * 1000)}ms",),
        )
        while not stop.is_set():
            if time.monotonic() - self._partitions_at >= PARTITIONS_EVERY:
                self._ensure_partitions(conn)
            if not self.turn(conn):
                stop.wait(REST)

    def turn(self, conn: Connection) -> bool:
        """Tick once; return whether the next tick should follow at once."""
        if self.skip and time.monotonic() - self._skipped_at >= RETRY_SKIPPED:
            self.skip = 0
        try:
            ticked = tick(conn, self.limit, self.skip)
        except (psycopg.Error, OnceflowError) as error:
            _raise_if_lost(conn, error)
            if _is_passing(error):
                log.info("a tick gave way: %s", error)
                return False
            return self._failed(error)
        return self._succeeded(ticked)

    def _succeeded(self, ticked: Ticked) -> bool:
        if ticked.lost_workers:
            log.warning("%d workers were declared dead", ticked.lost_workers)
        full = ticked.handled >= self.limit
        self.limit = min(self.limit * 2, LIMIT)
        return full

    def _failed(self, error: Exception) -> bool:
        """Find the candidate that fails by halves; pass over it once it is found."""
        if self.limit > 1:
            self.limit //= 2
            log.warning("a tick failed; it is tried again with %d: %s", self.limit, error)
            return True
        log.error(
            "the clock cannot handle candidate %d of those that are due, and passes over it for "
            "%g s: %s",
            self.skip + 1,
            RETRY_SKIPPED,
            error,
        )
        if not self.skip:
            self._skipped_at = time.monotonic()
        self.skip += 1
        self.limit = LIMIT
        return False

    def _ensure_partitions(self, conn: Connection) -> None:
        self._partitions_at = time.monotonic()
        try:
            made = ensure_partitions(conn)
        except psycopg.Error as error:
            _raise_if_lost(conn, error)
            # A long transaction may be in the way; there are others ahead, and an hour is short.
            log.warning("partitions could not be made ahead, which is tried again: %s", error)
            self._partitions_at += 60 - PARTITIONS_EVERY
        else:
            if made:
                log.info("made %d partitions ahead", made)


def _is_passing(error: psycopg.Error | OnceflowError) -> bool:
    state = error.sqlstate or ""
    return state != QUERY_CANCELED and state.startswith(PASSING)


def _raise_if_lost(conn: Connection, error: Exception) -> None:
    if conn.closed:
        raise error
