"""How whoever looks into the outbox sleeps while nothing is there, and is woken by a commit.

A sleeper holds a shared advisory lock on each name it sleeps on and listens. SQL (`wake_sleepers`)
sends a NOTIFY only where somebody holds one, for it makes commits wait for each other. A writer
that looked before the lock was taken, and commits after the sleeper's look, wakes nobody: so looks
follow soon after the lock, and at a bounded interval for as long as it is held.
"""

import threading
import time
from collections.abc import Sequence
from typing import Any, Final, LiteralString

import psycopg

SEVERAL_REST = 0.001
"""Seconds until the next look after one that found several messages: others come, unannounced."""

RESTS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.2)
"""Seconds until the next look after falling asleep, each time nothing came; then the last."""

RELAY = "*"
"""What the relay sleeps on: every message. A worker sleeps on the names of its queues."""

LOCK: Final[LiteralString] = """
select pg_catalog.pg_advisory_lock_shared(
           pg_catalog.hashtext('onceflow.sleepers'), pg_catalog.hashtext(name))
  from unnest(%s::text[]) name"""

UNLOCK: Final[LiteralString] = """
select pg_catalog.pg_advisory_unlock_shared(
           pg_catalog.hashtext('onceflow.sleepers'), pg_catalog.hashtext(name))
  from unnest(%s::text[]) name"""


class Sleeper:
    """Sleeps on names, over a connection in autocommit. For one thread.

    Its methods raise what psycopg raises; a connection that is lost takes locks and all with it.
    """

    def __init__(
        self, conn: psycopg.Connection[Any], names: Sequence[str], stop: threading.Event
    ) -> None:
        self._conn = conn
        self._names = sorted(set(names))
        self._stop = stop
        self._looks: int | None = None
        """How often it has rested since it lay down; None while awake."""
        conn.execute("listen onceflow")

    def rest(self, found: int) -> None:
        """Return when it is time to look again, after a look that found all there was: so many.

        Where several were found it is soon: many writers are at work, and need not be made to send
        notifications. Else it is when a message is announced, and after a while.
        """
        if found > 1:
            self.wake()
            self._stop.wait(SEVERAL_REST)
        elif self._looks is None:
            self._conn.execute(LOCK, (self._names,))
            self._looks = 0  # and a look follows at once
        else:
            rest = RESTS[min(self._looks, len(RESTS) - 1)]
            self._looks += 1
            self._wait(rest)

    def wake(self) -> None:
        """Be awake: no writer need announce anything."""
        if self._looks is not None:
            self._conn.execute(UNLOCK, (self._names,))
            self._looks = None

    def _wait(self, seconds: float) -> None:
        """Wait for a notification about one of our names, at most so long."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            for notify in self._conn.notifies(timeout=left, stop_after=1):
                if notify.payload in self._names:
                    return
