"""The transaction in which a transactional handler works and its task completes.

The handler's own effects, its events, the completion and what follows from it commit together or
not at all. Whatever the engine answers to the completion but "accepted" rolls all of it back. When
the COMMIT's answer is lost, the outcome is read by the task's fence under the row's lock; the
completion is never repeated outside of its transaction.
"""

import logging
import os
import socket
import threading
from contextlib import suppress
from typing import Any

import psycopg
from psycopg import sql

from ...engine import failpoints
from ...engine.calls import (
    Answer,
    Completion,
    Deferral,
    Grant,
    complete_tasks,
    defer_tasks,
    publish_events,
    read_outcomes,
)
from ...engine.errors import ServerError
from ...engine.pool import connect
from ...engine.sessions import Connection
from ...engine.settings import Settings
from ..handlers.errors import PermanentError, RetryableError
from ..handlers.later import Later
from ..registration.retrying_connection import STATEMENT_TIMEOUT, RetryingConnection, Trouble, judge
from .attempt import Attempt

log = logging.getLogger("onceflow.worker")

LIMIT = 300.0
"""Seconds that a handler's transaction may take where its step has no timeout."""
MARGIN = 2.0
"""Seconds after our own limit at which Postgres ends the transaction by itself."""
IDLE_AT_COMMIT = 5.0
"""Seconds after which Postgres ends a completion whose worker does not come to its COMMIT."""
CONNECT_PATIENCE = 30.0
"""Seconds that a handler waits for its connection before the attempt fails."""

CLOSED = psycopg.pq.PGconn.connect_start(b"host=127.0.0.1")
CLOSED.finish()

SyncConnection = psycopg.Connection[Any]
AsyncConnection = psycopg.AsyncConnection[Any]


class NotAccepted(Exception):
    """The completion inside the transaction was not accepted, so all of it was rolled back."""


class Session:
    """One connection for handlers, one at a time; ``sync`` is how we see it ourselves.

    Each handler has a view of its own on the same libpq connection, sync or async, and never while
    we use ours. What it has changed of it (row factory, adapters), or kept, is of no use later.
    """

    def __init__(self, conn: Connection) -> None:
        self.sync = conn
        # Two views must not both number prepared statements on one connection.
        conn.prepare_threshold = None
        self._lent: SyncConnection | AsyncConnection | None = None
        self._lock = threading.Lock()
        self._closed = False
        self.fresh = True
        """Whether no handler has had it yet."""

    def begin(self, marker: str, limit: float) -> None:
        """Begin a transaction that Postgres itself ends some time after ``limit`` seconds."""
        by_server = _milliseconds(limit + MARGIN)
        names = {
            "onceflow.fence": marker,
            "statement_timeout": by_server,
            "idle_in_transaction_session_timeout": by_server,
        }
        if self.sync.info.server_version >= 170_000:
            names["transaction_timeout"] = by_server
        statements: list[sql.Composable] = [sql.SQL("begin isolation level read committed")]
        for name, value in names.items():
            identifier = sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
            statements.append(sql.SQL("set local {} = {}").format(identifier, sql.Literal(value)))
        self.sync.execute(sql.SQL("; ").join(statements))  # one trip

    def lend(self, *, asynchronous: bool) -> SyncConnection | AsyncConnection:
        """Return the view of one handler."""
        kind = psycopg.AsyncConnection[Any] if asynchronous else psycopg.Connection[Any]
        view = self._lent = kind(self.sync.pgconn)
        view.prepare_threshold = None
        return view

    def take_back(self) -> None:
        """Leave the handler's view on a connection that is closed, whoever may have kept it."""
        view, self._lent = self._lent, None
        if view is not None:
            view.pgconn = CLOSED

    def require_own(self, marker: str) -> None:
        """Raise PermanentError unless the transaction is still the one that ``begin`` began."""
        if self.sync.info.transaction_status is psycopg.pq.TransactionStatus.INTRANS:
            row = self.sync.execute(
                "select pg_catalog.current_setting('onceflow.fence', true)"
            ).fetchone()
            if row is not None and row[0] == marker:
                return
        raise PermanentError(
            "the handler has ended the transaction that was to complete its task; what it did "
            "there may stand. Leave commit and rollback to the worker; for a part that may fail "
            "use `with connection.transaction():`",
            code="transaction.ended",
            unknown=True,
        )

    def abort(self) -> None:
        """End the transaction from another thread, whatever the handler is doing with it.

        First the socket is shut, so that no further statement can reach Postgres, then the one
        under way is cancelled; Postgres rolls back as it finds the client gone. Where the handler's
        thread finds the connection lost in this very moment, there is nothing left to end.
        """
        with self._lock:
            if self._closed or self.sync.closed:
                return
            try:
                # First, for it names the session: with the socket shut it may be too late.
                cancel = self.sync.pgconn.get_cancel()
                with socket.socket(fileno=os.dup(self.sync.fileno())) as twin:
                    twin.shutdown(socket.SHUT_RDWR)
            except (OSError, psycopg.Error):
                return
        # It opens a connection of its own, which may take long: not in the caller's thread.
        threading.Thread(target=_cancel, args=(cancel,), name="cancel", daemon=True).start()

    def close(self) -> None:
        """Close the connection, which rolls an open transaction back."""
        with self._lock:
            self._closed = True
            self.sync.close()

    @property
    def reusable(self) -> bool:
        """Whether another handler may have it: open, and outside of any transaction."""
        if self.sync.closed:
            return False
        return self.sync.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


class Sessions:
    """The connections of transactional handlers: opened as needed, kept for the next handler."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._idle: list[Session] = []

    def take(self, stop: threading.Event) -> Session:
        """Return a session. Raises RetryableError where none can be had for a while."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        try:
            conn = connect(
                self._settings,
                "handler",
                own_session=True,
                search_path=self._settings.sql_search_path,
                statement_timeout=STATEMENT_TIMEOUT,
                wait=CONNECT_PATIENCE,
                stop=stop,
            )
        except ServerError as error:
            raise RetryableError(str(error), code="transaction.unavailable") from error
        return Session(conn)

    def put(self, session: Session) -> None:
        """Take a session back; nothing of the handler stays in it."""
        session.take_back()
        with suppress(psycopg.Error):
            if session.reusable:
                session.sync.reset()
                session.fresh = False
        if session.reusable and not session.fresh:
            with self._lock:
                self._idle.append(session)
        else:
            session.close()

    def close(self) -> None:
        """Close what is idle."""
        with self._lock:
            for session in self._idle:
                session.close()
            self._idle.clear()


class Transaction:
    """One attempt of a transactional handler, from BEGIN to a known outcome."""

    def __init__(self, sessions: Sessions, settings: Settings, attempt: Attempt) -> None:
        self._sessions = sessions
        self._settings = settings
        self._attempt = attempt
        self._marker = str(attempt.grant.fence)
        self._limit = attempt.grant.timeout or LIMIT
        self.session = sessions.take(attempt.context.stop_event)

    def begin(self) -> None:
        """Begin it and give its connection to the handler's context."""
        handler, context = self._attempt.handler, self._attempt.context
        while True:
            try:
                self.session.begin(self._marker, self._limit)
                break
            except psycopg.OperationalError:  # kept over a restart of Postgres: take another
                if self.session.fresh:
                    raise
                self.session.close()
                self.session = self._sessions.take(context.stop_event)
        is_async = handler is not None and handler.is_async
        context.enter_transaction(self.session.lend(asynchronous=is_async))

    def complete(self, output: bytes | Later, room: int) -> list[Grant]:
        """Record the output, or that it comes later, and commit.

        Returns the tasks that were handed off, at most ``room``.

        The attempt is settled already. Raises NotAccepted where the engine knows better, and what
        Postgres said against the handler's transaction: then nothing of it stands.
        """
        attempt = self._attempt
        grant, registration = attempt.grant, attempt.registration
        self.session.require_own(self._marker)
        call = registration.grants.open()
        grants: list[Grant] = []
        try:
            conn = self.session.sync
            # The completion has the worker's own limits. From here on rows of the engine are
            # locked: a worker that freezes before its COMMIT must not hold them for long.
            conn.rely(
                statement_timeout=_milliseconds(STATEMENT_TIMEOUT),
                idle_in_transaction_session_timeout=_milliseconds(IDLE_AT_COMMIT),
            )
            if events := attempt.context.take_events():
                publish_events(conn, events)
            failpoints.hit("worker.before_complete")
            if isinstance(output, Later):
                deferral = Deferral(grant.instance_id, grant.task, grant.fence, output.seconds)
                answer, *others = defer_tasks(conn, [deferral])
            else:
                completion = Completion(grant.instance_id, grant.task, grant.fence, output)
                answer, *others = complete_tasks(
                    conn, registration.worker_id, [completion], call.token, call.number, room
                )
            # Whoever had the token was faster: with the task, what this has done is to stand.
            early = isinstance(output, Later) and answer.state == "SUCCEEDED"
            if answer.answer != "accepted" and not (early and answer.answer == "repeated"):
                conn.execute("rollback")
                raise NotAccepted(answer.answer)
            grants = self._commit([other.grant for other in others if other.grant is not None])
        finally:
            registration.grants.close(call.token, len(grants))
        failpoints.hit("worker.after_complete")
        return grants

    def _commit(self, grants: list[Grant]) -> list[Grant]:
        try:
            self.session.sync.execute("commit")
        except psycopg.Error as error:
            if judge(error) is not Trouble.LOST and not self.session.sync.closed:
                raise  # Postgres has answered: a deferred constraint, for example
            log.warning("%s: the answer to COMMIT was lost: %s", self._attempt.grant.key, error)
            outcome = self._read_outcome().answer
            if outcome == "running":
                raise RetryableError(
                    "the connection was lost at COMMIT, and the transaction was rolled back",
                    code="transaction.lost",
                ) from error
            if outcome != "repeated":
                raise NotAccepted(outcome) from error
        return grants

    def _read_outcome(self) -> Answer:
        """Ask, for as long as the worker lives, whether the transaction was committed."""
        self.session.close()
        attempt, connection = self._attempt, RetryingConnection(self._settings, "worker outcome")
        try:
            (answer,) = connection.call(
                f"reading the outcome of {attempt.grant.key}",
                lambda conn: read_outcomes(conn, [attempt.fenced]),
                lambda: not attempt.registration.lost.is_set(),
            )
        finally:
            connection.close()
        return answer

    def end(self) -> None:
        """Roll back whatever is left open and let the connection go; raises nothing."""
        try:
            with suppress(psycopg.Error):
                if not self.session.sync.closed and not self.session.reusable:
                    self.session.sync.execute("rollback")
            self._sessions.put(self.session)
        except Exception:
            log.exception("the connection of a handler could not be taken back")


def _cancel(cancel: psycopg.pq.abc.PGcancel) -> None:
    with suppress(psycopg.Error, OSError):
        cancel.cancel()


def _milliseconds(seconds: float) -> str:
    return f"{max(1, round(seconds * 1000))}ms"
