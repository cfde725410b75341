"""What we rely on in a session of Postgres: set, not assumed; and whether it is ours alone.

A pooler such as PgBouncer gives each transaction to any of its sessions with the server. What is
set for a session is then met by others, and not by us. So there, settings last for a transaction,
which ``steady`` begins; nothing is prepared by name; who needs a session to itself finds out.
"""

from collections.abc import AsyncGenerator, Collection, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, LiteralString, cast

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo
from psycopg.pq import TransactionStatus
from psycopg.rows import tuple_row

from .errors import SessionNeeded

OWN_PATH: Final = "pg_catalog, pg_temp"
"""Where our statements look for names: all of ours are qualified, so nobody's can be met."""

RELIED_ON: Final[Mapping[str, str]] = {
    "array_nulls": "on",
    "bytea_output": "hex",
    "datestyle": "ISO, MDY",
    "default_transaction_deferrable": "off",
    "default_transaction_isolation": "read committed",
    "default_transaction_read_only": "off",
    "extra_float_digits": "1",
    "intervalstyle": "postgres",
    "row_security": "on",
    "standard_conforming_strings": "on",
    "timezone": "UTC",
    "transform_null_equals": "off",
    "xmloption": "content",
}
KEPT_BY_POOLERS: Final = ("datestyle", "standard_conforming_strings", "timezone")
"""What a pooler sets again for each client, since the server reports it (client_encoding too)."""

AS_OURSELVES: Final = "reset session authorization; reset role; "
RESET: Final = (
    "close all; unlisten *; "
    + AS_OURSELVES
    + "reset all; deallocate all; discard sequences; discard temp; "
)
AnyConnection = psycopg.Connection[Any] | psycopg.AsyncConnection[Any]
FEW, SHORT = 2, 1000
"""How many rows, an answer and a grant, and characters of each text, a connection may still have
in its memory as it waits for its next call."""
PROBES: Final = 5
"""How often a second client is let in, to see whether it meets our session."""


class Settled:
    """What a connection knows of what is set in it.

    ``shared``: a pooler stands between, so that its session may be another one in each transaction.
    """

    shared = False
    settings: dict[str, str]

    def _set_up(self, search_path: str, limits: Mapping[str, str], pid: int) -> LiteralString:
        """Return what sets all we rely on, for good where the session is ours, and tells that."""
        self.settings = {**RELIED_ON, "search_path": search_path, **limits}
        # A pooler makes up the process id that it tells its clients.
        foreign = f"(pg_catalog.pg_backend_pid() <> {pid})"
        local = {name: "false" if name in KEPT_BY_POOLERS else foreign for name in self.settings}
        return cast(LiteralString, f"select {foreign}, {_settings_sql(self.settings, local)}")

    def _begin(self, isolation: str) -> LiteralString:
        """Return what begins a transaction, and sets in it what could not be set for good."""
        text = f"begin isolation level {isolation}"
        if self.shared:
            local = dict.fromkeys(self.settings, "true")
            text += f"; select {_settings_sql(self.settings, local)}"
        return cast(LiteralString, text)


class Connection(Settled, psycopg.Connection[Any]):
    """A connection that we open."""

    _last: psycopg.Cursor[tuple[Any, ...]]

    def set_up(self, search_path: str, limits: Mapping[str, str]) -> None:
        """Set what we rely on, in the session or, where that is shared, for each ``steady``."""
        text = self._set_up(search_path, limits, self.info.backend_pid)
        row = self.execute(text).fetchone()
        self.shared = row is not None and bool(row[0])

    def begin(self, isolation: LiteralString) -> None:
        """Begin a transaction in which all is set."""
        self.execute(self._begin(isolation))

    def rows(
        self, statement: LiteralString, parameters: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """Run one statement and return its rows, as tuples.

        By the cursor of the call before, where that has little in its memory: to make one, which
        knows nothing of types yet, is a fifth of what a call costs here. But not where nothing is
        prepared: there others have a hand in the session, a pooler's other clients or a handler,
        and what a cursor knows of it, such as its encoding, may hold no longer.
        """
        alone = self.prepare_threshold is not None
        # Not there while it is in use, so that nobody else can have it meanwhile.
        last: psycopg.Cursor[tuple[Any, ...]] | None = self.__dict__.pop("_last", None)
        cursor = last if alone and last is not None else self.cursor(row_factory=tuple_row)
        cursor.execute(statement, parameters)
        rows = cursor.fetchall()
        if alone and len(rows) <= FEW and all(map(_is_short, (parameters, *rows))):
            self._last = cursor
        return rows

    def close(self) -> None:
        """Close it; nothing waits for Python to find that it and its cursor hold each other."""
        self.__dict__.pop("_last", None)
        super().close()

    def reset(self) -> None:
        """Leave nothing in the session that whoever had it has made, set, locked or listens to.

        What Postgres has planned stays, which DISCARD ALL would throw away.
        """
        self.execute(self.cleaning())
        while self.pgconn.notifies():
            pass

    def cleaning(self) -> LiteralString:
        """Return the statements of ``reset``; within a transaction they do the same, but for locks
        and notifications that belong to that.
        """
        again = _settings_sql(self.settings, dict.fromkeys(self.settings, "false"))
        return cast(LiteralString, f"{RESET}select pg_catalog.pg_advisory_unlock_all(), {again}")

    def rely(self, **limits: str) -> None:
        """Set, for the rest of a transaction that others had a hand in, what our calls rely on.

        Not the search path: constraints of theirs may be checked, and triggers run, at its end.
        """
        settings = {**RELIED_ON, **limits}
        text = f"{AS_OURSELVES}select {_settings_sql(settings, dict.fromkeys(settings, 'true'))}"
        self.execute(cast(LiteralString, text))

    def require_session(self) -> None:
        """Raise SessionNeeded where transactions of others run in this connection's session.

        A pooler that keeps a session for each client (``pool_mode = session``) is fine: there our
        session stays the same, and a second client never meets it.
        """
        if not self.shared:
            return
        self.prepare_threshold = None
        dsn = make_conninfo(self.info.dsn, password=self.info.password or None)
        ours = {_session_of(self)}
        for _ in range(PROBES):
            with psycopg.connect(dsn, autocommit=True, prepare_threshold=None) as other:
                theirs = _session_of(other)
            ours.add(_session_of(self))
            if len(ours) > 1 or theirs in ours:
                raise SessionNeeded(
                    "ONCEFLOW_DSN leads to a pooler that gives a session to each transaction "
                    "(PgBouncer's pool_mode = transaction), and this process needs one to itself, "
                    "for locks, LISTEN and the transactions of handlers",
                    hint="give workers and relays the address of Postgres itself; the api, "
                    "commands and clients may use the pooler",
                )
        # It is ours for as long as we are connected.
        text = f"select {_settings_sql(self.settings, dict.fromkeys(self.settings, 'false'))}"
        self.execute(cast(LiteralString, text))
        self.shared = False


def limit(conn: psycopg.Connection[Any], **limits: str) -> None:
    """Set limits such as ``lock_timeout``, for as long as ``set_up`` sets what it sets."""
    if isinstance(conn, Connection):
        conn.settings |= limits
        if conn.shared:
            return
    text = f"select {_settings_sql(limits, dict.fromkeys(limits, 'false'))}"
    conn.execute(cast(LiteralString, text))


READS: Final = "repeatable read, read only"
WRITES: Final = "read committed, read write"


def _is_short(values: Collection[object]) -> bool:
    """Whether values are short texts and numbers: of what else has a length it may be any."""
    return isinstance(values, tuple) and all(
        len(value) <= SHORT if isinstance(value, str) else not hasattr(value, "__len__")
        for value in values
    )


def rows_of(
    conn: psycopg.Connection[Any],
    statement: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[tuple[Any, ...]]:
    """Run one statement on any connection and return its rows, as tuples."""
    if isinstance(conn, Connection):
        return conn.rows(statement, parameters)
    with conn.cursor(row_factory=tuple_row) as cursor:
        cursor.execute(statement, parameters)
        return cursor.fetchall()


@contextmanager
def steady(conn: psycopg.Connection[Any], *, snapshot: bool = False) -> Generator[None]:
    """Let what follows find the session as we set it up; ``snapshot``: and see one moment.

    Where a pooler stands between, or one moment is to be seen, that is one transaction.
    """
    if not (is_shared(conn) or snapshot) or not _is_idle(conn):
        yield
        return
    isolation = READS if snapshot else WRITES
    if isinstance(conn, Connection):
        conn.begin(isolation)
    else:
        conn.execute(sql.SQL("begin isolation level {}").format(sql.SQL(isolation)))
    try:
        yield
        _refuse_failed(conn)
    except BaseException:
        if not conn.closed:
            conn.rollback()
        raise
    conn.commit()


class AsyncConnection(Settled, psycopg.AsyncConnection[Any]):
    """Like ``Connection``, for asyncio."""

    async def set_up(self, search_path: str, limits: Mapping[str, str]) -> None:
        """Set what we rely on, in the session or, where that is shared, for each ``steady``."""
        text = self._set_up(search_path, limits, self.info.backend_pid)
        row = await (await self.execute(text)).fetchone()
        self.shared = row is not None and bool(row[0])

    async def begin(self, isolation: LiteralString) -> None:
        """Begin a transaction in which all is set."""
        await self.execute(self._begin(isolation))


@asynccontextmanager
async def steady_async(conn: psycopg.AsyncConnection[Any]) -> AsyncGenerator[None]:
    """Like ``steady``, of an asynchronous connection."""
    if not (isinstance(conn, AsyncConnection) and conn.shared and _is_idle(conn)):
        yield
        return
    await conn.begin(WRITES)
    try:
        yield
        _refuse_failed(conn)
    except BaseException:
        if not conn.closed:
            await conn.rollback()
        raise
    await conn.commit()


def is_shared(conn: AnyConnection) -> bool:
    """Whether a pooler stands between, so that each statement needs what ``steady`` sets."""
    return isinstance(conn, Settled) and conn.shared


def _is_idle(conn: AnyConnection) -> bool:
    return conn.info.transaction_status is TransactionStatus.IDLE


def _refuse_failed(conn: AnyConnection) -> None:
    """Raise where a statement has failed, whoever caught its error: its COMMIT would roll back."""
    if conn.info.transaction_status is TransactionStatus.INERROR:
        raise psycopg.errors.InFailedSqlTransaction("a statement of this transaction failed")


def _settings_sql(settings: Mapping[str, str], local: Mapping[str, str]) -> str:
    """Return calls of set_config; ``local`` is SQL that says of each whether it is local."""
    return ", ".join(
        f"pg_catalog.set_config({quoted(name)}, {quoted(value)}, {local[name]})"
        for name, value in settings.items()
    )


def quoted(text: str) -> str:
    """Return a text as a literal of SQL, whatever the session takes backslashes for."""
    doubled = text.replace("'", "''").replace("\\", "\\\\")
    return f" E'{doubled}'"


def _session_of(conn: psycopg.Connection[Any]) -> int:
    row = conn.execute("select pg_catalog.pg_backend_pid()").fetchone()
    return int(row[0]) if row else 0
