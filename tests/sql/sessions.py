"""Sessions beside each other: one holds locks, another waits for them in a thread."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import psycopg

from ..support import wait_until
from .play import Play

T = TypeVar("T")
PATIENCE = 30.0


class Session:
    """A connection with a thread that runs calls on it, one after the other."""

    def __init__(self, conn: psycopg.Connection[Any], observer: psycopg.Connection[Any]) -> None:
        self.conn = conn
        self.observer = observer
        self.pid = conn.info.backend_pid
        self._thread = ThreadPoolExecutor(1)

    def begin(self, call: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Run a call in a transaction that stays open until ``commit`` or ``rollback``."""
        self.conn.autocommit = False
        return self._thread.submit(call, self.conn).result(PATIENCE)

    def commit(self) -> None:
        """Commit what ``begin`` began."""
        self._thread.submit(self.conn.commit).result(PATIENCE)

    def rollback(self) -> None:
        """Roll back what ``begin`` began."""
        self._thread.submit(self.conn.rollback).result(PATIENCE)

    def call(self, call: Callable[[psycopg.Connection[Any]], T]) -> Future[T]:
        """Run a call in the background."""
        return self._thread.submit(call, self.conn)

    def call_blocked(self, call: Callable[[psycopg.Connection[Any]], T]) -> Future[T]:
        """Run a call in the background that has to wait for a lock, and wait until it does."""
        future = self.call(call)

        def waits() -> bool:
            assert not future.done(), f"it did not wait: {future.exception() or future.result()}"
            row = self.observer.execute(
                "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s", (self.pid,)
            ).fetchone()
            return bool(row and row[0])

        wait_until(waits, "the call to wait for a lock", PATIENCE)
        return future

    def close(self) -> None:
        """End a transaction that was left open, and the thread."""
        self._thread.submit(self.conn.rollback).result(PATIENCE)
        self._thread.shutdown()


Sessions = Callable[[], Session]


def play_on(session: Session) -> Play:
    """Return a Play on the session's connection, with a worker of its own."""
    return Play(session.conn)
