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
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.pq import DiagnosticField, ExecStatus

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
from ..registration.grants import Call
from ..registration.retrying_connection import STATEMENT_TIMEOUT, RetryingConnection, Trouble, judge
from .attempt import Attempt
from .traced import of_grant

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
    """A completion inside the transaction was not accepted, so all of it was rolled back."""

    def __init__(self, refused: Sequence[Answer]) -> None:
        super().__init__(", ".join(sorted({one.answer for one in refused})))
        self.keys = {f"{one.instance_id}/{one.task}" for one in refused}


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
        names = {"onceflow.fence": marker, **self.limits(limit)}
        statements: list[sql.Composable] = [sql.SQL("begin isolation level read committed")]
        for name, value in names.items():
            identifier = sql.SQL(".").join(sql.Identifier(part) for part in name.split("."))
            statements.append(sql.SQL("set local {} = {}").format(identifier, sql.Literal(value)))
        self.sync.execute(sql.SQL("; ").join(statements))  # one trip

    def limits(self, limit: float) -> dict[str, str]:
        """Return the settings by which Postgres ends a transaction after ``limit`` seconds."""
        by_server = milliseconds(limit + MARGIN)
        names = {
            "statement_timeout": by_server,
            "idle_in_transaction_session_timeout": by_server,
        }
        if self.sync.info.server_version >= 170_000:
            names["transaction_timeout"] = by_server
        return names

    def run(self, statements: str) -> str | None:
        """Run statements of ours in one trip, and return the last one's first value.

        Raises what Postgres says against the one that fails; those behind it are not run.
        """
        result = self.sync.pgconn.exec_(statements.encode())
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            state = result.error_field(DiagnosticField.SQLSTATE)
            kind = psycopg.errors.lookup(state.decode()) if state else psycopg.OperationalError
            raise kind(result.error_message.decode(errors="replace").strip())
        value = result.get_value(0, 0) if result.ntuples else None
        return None if value is None else value.decode()

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

    def open(self, stop: threading.Event, begin: Callable[[Session], None]) -> Session:
        """Return a session in which ``begin`` has begun a transaction; raises as ``take`` does."""
        while True:
            session = self.take(stop)
            try:
                begin(session)
            except BaseException as error:
                session.close()
                # One that was kept over a restart of Postgres: take another.
                if session.fresh or not isinstance(error, psycopg.OperationalError):
                    raise
            else:
                return session

    def end(self, session: Session) -> None:
        """Roll back whatever is left open and take the session back; raises nothing."""
        try:
            with suppress(psycopg.Error):
                if not session.sync.closed and not session.reusable:
                    session.sync.execute("rollback")
            self.put(session)
        except Exception:
            log.exception("the connection of a handler could not be taken back")

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
        limit = attempt.grant.timeout or LIMIT
        self.session = sessions.open(
            attempt.context.stop_event, lambda session: session.begin(self._marker, limit)
        )

    def complete(self, output: bytes | Later, room: int) -> list[Grant]:
        """Record the output, or that it comes later, and commit; see ``complete_together``."""
        self.session.require_own(self._marker)
        return complete_together(self.session, self._settings, [(self._attempt, output)], room)

    def end(self) -> None:
        """Roll back whatever is left open and let the connection go; raises nothing."""
        self._sessions.end(self.session)


def complete_together(
    session: Session,
    settings: Settings,
    answered: Sequence[tuple[Attempt, bytes | Later]],
    room: int,
    **limits: str,
) -> list[Grant]:
    """Record what attempts of one registration have answered, in their transaction, and commit.

    Returns the tasks that were handed off, at most ``room``. ``limits`` are of this transaction.

    The attempts are settled already. Raises NotAccepted where the engine knows better of one, and
    what Postgres said against the handlers' transaction: then nothing of it stands.
    """
    registration = answered[0][0].registration
    call = registration.grants.open()
    grants: list[Grant] = []
    try:
        # The completion has the worker's own limits. From here on rows of the engine are
        # locked: a worker that freezes before its COMMIT must not hold them for long.
        session.sync.rely(
            statement_timeout=milliseconds(STATEMENT_TIMEOUT),
            idle_in_transaction_session_timeout=milliseconds(IDLE_AT_COMMIT),
            **limits,
        )
        if events := [event for attempt, _ in answered for event in attempt.context.take_events()]:
            publish_events(session.sync, events)
        failpoints.hit("worker.before_complete")
        granted = _record(session.sync, answered, registration.worker_id, call, room)
        _commit(session, settings, [attempt for attempt, _ in answered])
        grants = granted
    finally:
        registration.grants.close(call.token, len(grants))
    failpoints.hit("worker.after_complete")
    return grants


def _record(
    conn: Connection,
    answered: Sequence[tuple[Attempt, bytes | Later]],
    worker_id: UUID,
    call: Call,
    room: int,
) -> list[Grant]:
    later = [
        Deferral(a.grant.instance_id, a.grant.task, a.grant.fence, output.seconds)
        for a, output in answered
        if isinstance(output, Later)
    ]
    now = [
        Completion(a.grant.instance_id, a.grant.task, a.grant.fence, output)
        for a, output in answered
        if isinstance(output, bytes)
    ]
    deferred = defer_tasks(conn, later) if later else []
    # Whoever had the token was faster: with the task, what this has done is to stand.
    refused = [
        one
        for one in deferred
        if one.answer != "accepted" and (one.answer, one.state) != ("repeated", "SUCCEEDED")
    ]
    answers = complete_tasks(conn, worker_id, now, call.token, call.number, room) if now else []
    refused += [one for one in answers[: len(now)] if one.answer != "accepted"]
    if refused:
        conn.execute("rollback")
        raise NotAccepted(refused)
    return [one.grant for one in answers[len(now) :] if one.grant is not None]


def _commit(session: Session, settings: Settings, attempts: Sequence[Attempt]) -> None:
    try:
        session.sync.execute("commit")
    except psycopg.Error as error:
        if judge(error) is not Trouble.LOST and not session.sync.closed:
            raise  # Postgres has answered: a deferred constraint, for example
        grant = attempts[0].grant
        told = of_grant(grant)
        log.warning("%s: the answer to COMMIT was lost: %s", grant.key, error, extra=told)
        session.close()
        outcomes = _read_outcomes(settings, attempts)
        if any(one.answer == "running" for one in outcomes):
            raise RetryableError(
                "the connection was lost at COMMIT, and the transaction was rolled back",
                code="transaction.lost",
            ) from error
        if unknown := [one for one in outcomes if one.answer != "repeated"]:
            raise NotAccepted(unknown) from error


def _read_outcomes(settings: Settings, attempts: Sequence[Attempt]) -> list[Answer]:
    """Ask, for as long as the worker lives, whether their transaction was committed."""
    registration, connection = (
        attempts[0].registration,
        RetryingConnection(settings, "worker outcome"),
    )
    try:
        return connection.call(
            f"reading the outcome of {', '.join(attempt.grant.key for attempt in attempts)}",
            lambda conn: read_outcomes(conn, [attempt.fenced for attempt in attempts]),
            lambda: not registration.lost.is_set(),
        )
    finally:
        connection.close()


def _cancel(cancel: psycopg.pq.abc.PGcancel) -> None:
    with suppress(psycopg.Error, OSError):
        cancel.cancel()


def milliseconds(seconds: float) -> str:
    """Return a time as Postgres takes it."""
    return f"{max(1, round(seconds * 1000))}ms"
