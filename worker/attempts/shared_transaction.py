"""A transaction that several handlers share, one after the other, each in a savepoint.

Nothing of one handler reaches the next: after each its session is cleaned as between transactions,
its deferred constraints are checked, so that the blame is its own, and constraints are deferred
again as they were declared. What cannot be taken back piece by piece must not happen: a COMMIT of a
handler's own would let the effects of others stand without their completions. So a cursor is held
whose query fails, and which Postgres would run at a COMMIT: that fails, and all is rolled back.
"""

import logging
import threading
from collections.abc import Mapping
from typing import Final

import psycopg
from psycopg.pq import TransactionStatus

from .transactions import Session, Sessions, milliseconds

log = logging.getLogger("onceflow.worker")

LOCK_PATIENCE: Final = 0.5
"""Seconds that a handler waits for a lock while it may keep others waiting: less than Postgres
takes to look for deadlocks, so that none of these ends whoever waits for us."""
END_LIMIT: Final = 20.0
"""Seconds that the checks at a handler's end may take."""

_GUARD: Final = (
    "declare onceflow_guard no scroll cursor with hold for select"
    " pg_catalog.current_setting('onceflow.commit_and_rollback_belong_to_the_worker')"
)
_DEFERRED: Final = (
    "select pg_catalog.string_agg(distinct pg_catalog.format('%I.%I', n.nspname, c.conname), ', ')"
    " from pg_catalog.pg_constraint c join pg_catalog.pg_namespace n"
    " on n.oid operator(pg_catalog.=) c.connamespace where c.condeferred"
    " and not pg_catalog.starts_with(n.nspname::pg_catalog.text, 'pg_')"
    " and pg_catalog.has_schema_privilege(n.oid, 'usage')"
)
"""Constraints that are INITIALLY DEFERRED: Postgres tells no other way back to how they began."""


class Broken(Exception):
    """The transaction is gone, or cannot go on: nothing of it stands. ``ended``: by the handler."""

    def __init__(self, reason: str, *, ended: bool = False) -> None:
        super().__init__(reason)
        self.ended = ended


class SharedTransaction:
    """One transaction, from BEGIN until it is ready to be completed; used by one thread."""

    def __init__(self, sessions: Sessions, limit: float, stop: threading.Event) -> None:
        self._sessions = sessions
        self._limit = limit
        self._number = 1
        self._deferred = ""
        self.session = sessions.open(stop, self._begin)

    def leave(self, *, keep: bool) -> bool:
        """End the handler that had the session, and let the next one begin.

        Returns whether what it did is kept: not where its transaction has failed, whatever it
        says, nor where a deferred constraint does not hold. Raises Broken.
        """
        session = self.session
        session.take_back()
        if self._status() not in (TransactionStatus.INTRANS, TransactionStatus.INERROR):
            raise self._broken("a handler has ended the transaction")
        clean = f"{session.sync.cleaning()}; {_GUARD}"
        name = f"onceflow_{self._number}"
        if keep and self._status() is TransactionStatus.INTRANS:
            following = f"onceflow_{self._number + 1}"
            deferred = f"set constraints {self._deferred} deferred; " if self._deferred else ""
            try:
                session.run(
                    f"{_local({'statement_timeout': milliseconds(END_LIMIT)})}; reset role; "
                    f"set constraints all immediate; {deferred}{clean}; "
                    f"release savepoint {name}; savepoint {following}; {self._limits(session)}"
                )
            except psycopg.Error as error:
                if self._status() is not TransactionStatus.INERROR:
                    raise self._broken(str(error)) from error
                log.debug("what a handler did is rolled back: %s", error)
            else:
                self._number += 1
                return True
        try:
            session.run(f"rollback to savepoint {name}; {clean}; {self._limits(session)}")
        except psycopg.Error as error:
            raise self._broken(str(error)) from error
        return False

    def close_guard(self) -> None:
        """Let the transaction be committed, by us. Raises psycopg.Error."""
        self.session.run(f"close onceflow_guard; release savepoint onceflow_{self._number}")

    def end(self) -> None:
        """Roll back whatever is left open and let the connection go; raises nothing."""
        self._sessions.end(self.session)

    def _begin(self, session: Session) -> None:
        self._deferred = (
            session.run(
                f"begin isolation level read committed; {_GUARD}; savepoint onceflow_1; "
                f"{self._limits(session)}; {_DEFERRED}"
            )
            or ""
        )

    def _limits(self, session: Session) -> str:
        limits = session.limits(self._limit)
        return _local({**limits, "lock_timeout": milliseconds(LOCK_PATIENCE)})

    def _status(self) -> TransactionStatus:
        return self.session.sync.info.transaction_status

    def _broken(self, reason: str) -> Broken:
        lost = self.session.sync.closed or self._status() is TransactionStatus.UNKNOWN
        return Broken("the connection was lost" if lost else reason, ended=not lost)


def _local(settings: Mapping[str, str]) -> str:
    return "; ".join(f"set local {name} = '{value}'" for name, value in settings.items())
