"""How whoever looks into the outbox sleeps while nothing is there, and is woken by a commit.

A sleeper holds a shared advisory lock on each name it sleeps on and listens. SQL (`wake_sleepers`)
sends a NOTIFY only where somebody holds one, for it makes commits wait for each other. A writer
that looked before the lock was taken, and commits after the sleeper's look, wakes nobody: so looks
follow soon after the lock, and at a bounded interval for as long as it is held.

Lock and notification are hints, for anybody who is connected can hold the one and send the other:
a lock that another holds is not waited for, and false alarms make no busy loop.
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

LOST_RACE = 0.003
"""Seconds that whoever came too late for what was announced lets pass at the next announcement: who
won takes that too, and pays for one look instead of two; where it is busy, this one comes later."""

FALSE_ALARM, FALSE_ALARM_AT_MOST = 0.001, 0.02
"""Seconds that pass, for each false alarm in a row, until the next is heard; and at most."""

RELAY = "*"
"""What the relay sleeps on: every message. A worker sleeps on the names of its queues."""

DELIVERIES = "*deliveries"
"""What the clock sleeps on that applies what is sent to instances. (No queue has such a name.)"""

LOCK: Final[LiteralString] = """
select name from unnest(%s::text[]) name
 where pg_catalog.pg_try_advisory_lock_shared(
           pg_catalog.hashtext('onceflow.sleepers'), pg_catalog.hashtext(name))"""

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
        self._locked: list[str] = []
        self._false_alarms = 0
        self._heard = False
        """Whether the last rest was ended by an announcement."""
        self._late = False
        """Whether nothing was left of what was announced last."""
        conn.execute("listen onceflow")

    def rest(self, found: int) -> None:
        """Return when it is time to look again, after a look that found all there was: so many.

        Where several were found it is soon: many writers are at work, and need not be made to send
        notifications. Else it is when a message is announced, and after a while.
        """
        if found:
            self._false_alarms = 0
        if found or self._heard:
            self._late = not found
        self._heard = False
        if found > 1:
            self.wake()
            self._stop.wait(SEVERAL_REST)
        elif self._looks is None:
            self._locked = [name for (name,) in self._conn.execute(LOCK, (self._names,))]
            self._looks = 0  # and a look follows at once
        else:
            rest = RESTS[min(self._looks, len(RESTS) - 1)]
            self._looks += 1
            self._wait(rest)

    def wake(self) -> None:
        """Be awake: no writer need announce anything."""
        if self._looks is not None:
            self._conn.execute(UNLOCK, (self._locked,))
            self._looks = None
        self._forget_alarms()

    def _wait(self, seconds: float) -> None:
        """Wait for a notification about one of our names, at most so long."""
        deadline = time.monotonic() + seconds
        if self._false_alarms:
            rest = min(self._false_alarms * FALSE_ALARM, FALSE_ALARM_AT_MOST, seconds)
            self._stop.wait(rest)
        while (left := deadline - time.monotonic()) > 0:
            # To the end: what a loop leaves behind is kept, and would grow.
            heard = {n.payload for n in self._conn.notifies(timeout=left, stop_after=1)}
            if not heard.isdisjoint(self._names):
                self._false_alarms += 1  # until something is found
                self._heard = True
                if self._late:
                    self._stop.wait(LOST_RACE)
                return
        self._false_alarms = 0

    def _forget_alarms(self) -> None:
        """Drop what was announced while nobody listened, before it fills our memory."""
        for _ in self._conn.notifies(timeout=0):
            pass
