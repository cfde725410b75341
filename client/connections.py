"""Where the clients over SQL get their connection: a string, a pool, or the caller's own.

Of SQLAlchemy and Django the psycopg connection beneath is taken, with the transaction that they
have open: what is started there is committed with what the caller does, or not at all.
"""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

import psycopg
from psycopg_pool import AsyncConnectionPool, ConnectionPool, PoolTimeout

from ..engine.errors import BadArgument, Refused, ServerError
from ..engine.pool import conninfo_of, limits_of, place_of
from ..engine.sessions import OWN_PATH, steady, steady_async
from ..engine.sessions import AsyncConnection as OurAsyncConnection
from ..engine.sessions import Connection as OurConnection

Connection: TypeAlias = psycopg.Connection[Any]
AsyncConnection: TypeAlias = psycopg.AsyncConnection[Any]
Pool: TypeAlias = ConnectionPool[Any]
AsyncPool: TypeAlias = AsyncConnectionPool[Any]

SIZE: Final = 4
"""Connections of a client's own pool, at most."""
PATIENCE: Final = 15.0
"""Seconds in which a connection of a pool of ours must be had."""
STATEMENT_TIMEOUT: Final = 30.0


@dataclass(frozen=True, slots=True)
class Lent:
    """A connection, and whether its transactions are the client's: what failed may be repeated."""

    conn: Connection
    ours: bool = False

    @contextmanager
    def steady(self) -> Generator[None]:
        """Have one question in a transaction of its own, wherever that is the client's."""
        if self.ours and not self.conn.autocommit:
            with self.conn.transaction():
                yield
        else:
            with steady(self.conn):
                yield


@dataclass(frozen=True, slots=True)
class LentAsync:
    """Like ``Lent``, of an asynchronous connection."""

    conn: AsyncConnection
    ours: bool = False

    @asynccontextmanager
    async def steady(self) -> AsyncGenerator[None]:
        """Have one question in a transaction of its own, wherever that is the client's."""
        if self.ours and not self.conn.autocommit:
            async with self.conn.transaction():
                yield
        else:
            async with steady_async(self.conn):
                yield


class Source:
    """Lends connections."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self._pool: Pool | None = given if isinstance(given, ConnectionPool) else None
        if isinstance(given, str):
            self._pool = ConnectionPool(
                **_options(given),
                connection_class=OurConnection,
                configure=_configure,
                check=ConnectionPool.check_connection,
                open=True,
            )
        elif self._pool is None:
            _require(_psycopg_of(given), psycopg.Connection)

    @contextmanager
    def lend(self, apart: bool) -> Generator[Lent]:
        """Lend a connection, in the caller's transaction where it is his; or ``apart`` from any.

        Raises Refused where his is open and it is to be apart, ServerError.
        """
        if self._pool is not None:
            try:
                conn = self._pool.getconn()
            except PoolTimeout as error:
                raise _away(self._given, error) from error
            try:
                with conn:
                    yield Lent(conn, ours=True)
            finally:
                self._pool.putconn(conn)
        elif apart:
            conn = _psycopg_of(self._given)
            _require_idle(conn)
            with conn.transaction():
                yield Lent(conn)
        else:
            _begin(self._given)
            yield Lent(_psycopg_of(self._given))

    def close(self) -> None:
        """Close a pool of our own; what the caller gave is his."""
        if self._pool is not None and isinstance(self._given, str):
            self._pool.close()


class AsyncSource:
    """Like ``Source``, of asynchronous connections."""

    def __init__(self, given: Any) -> None:
        self._given = given
        self._pool: AsyncPool | None = given if isinstance(given, AsyncConnectionPool) else None
        if isinstance(given, str):
            self._pool = AsyncConnectionPool(
                **_options(given),
                connection_class=OurAsyncConnection,
                configure=_configure_async,
                check=AsyncConnectionPool.check_connection,
                open=False,
            )
        elif self._pool is None and not _is_async_sqlalchemy(given):
            _require(given, psycopg.AsyncConnection)

    @asynccontextmanager
    async def lend(self, apart: bool) -> AsyncGenerator[LentAsync]:
        """Lend a connection, in the caller's transaction where it is his; or ``apart`` from any.

        Raises Refused where his is open and it is to be apart, ServerError.
        """
        if self._pool is not None:
            if isinstance(self._given, str):
                await self._pool.open()  # in the loop that uses it; once open it does nothing
            try:
                conn = await self._pool.getconn()
            except PoolTimeout as error:
                raise _away(self._given, error) from error
            try:
                async with conn:
                    yield LentAsync(conn, ours=True)
            finally:
                await self._pool.putconn(conn)
        elif apart:
            conn = await _async_psycopg_of(self._given)
            _require_idle(conn)
            async with conn.transaction():
                yield LentAsync(conn)
        else:
            yield LentAsync(await _async_psycopg_of(self._given, begin=True))

    async def close(self) -> None:
        """Close a pool of our own; what the caller gave is his."""
        if self._pool is not None and isinstance(self._given, str):
            await self._pool.close()


def _options(dsn: str) -> dict[str, Any]:
    """Return what pools of both kinds are made with."""
    return {
        "conninfo": conninfo_of(dsn, "client"),
        "kwargs": {"autocommit": True, "prepare_threshold": None},
        "min_size": 0,
        "max_size": SIZE,
        "timeout": PATIENCE,
    }


def _psycopg_of(given: Any) -> Any:
    """Return the psycopg connection beneath what the caller gave."""
    if hasattr(given, "ensure_connection"):  # django.db.connection
        given.ensure_connection()
        return given.connection
    if _is_session(given):
        given = given.connection()
    if hasattr(given, "exec_driver_sql"):  # SQLAlchemy's Connection
        return given.connection.driver_connection
    return given


def _begin(given: Any) -> None:
    """Have SQLAlchemy begin a transaction, as any statement of its own would.

    Else it would not know of one, and its commit would not commit what is done beneath it.
    """
    if not _is_session(given) and hasattr(given, "exec_driver_sql") and not given.in_transaction():
        given.begin()


async def _async_psycopg_of(given: Any, *, begin: bool = False) -> Any:
    if not _is_async_sqlalchemy(given):
        return given
    if _is_session(given):
        given = await given.connection()
    elif begin and not given.in_transaction():
        await given.begin()
    found = (await given.get_raw_connection()).driver_connection
    _require(found, psycopg.AsyncConnection)
    return found


def _is_session(given: Any) -> bool:
    """Whether it is SQLAlchemy's Session or AsyncSession, or a scoped one."""
    return hasattr(given, "get_bind") and hasattr(given, "connection")


def _is_async_sqlalchemy(given: Any) -> bool:
    return _is_session(given) or hasattr(given, "get_raw_connection")


def _require(given: Any, wanted: type[Any]) -> None:
    if not isinstance(given, wanted):
        raise BadArgument(
            f"a client cannot use a {type(given).__module__}.{type(given).__qualname__}",
            hint=f"give a connection string, a pool of psycopg_pool, a psycopg.{wanted.__name__}, "
            "or a connection of SQLAlchemy (postgresql+psycopg://) or Django that uses psycopg 3",
        )


def _require_idle(conn: Connection | AsyncConnection) -> None:
    if conn.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
        raise Refused(
            "the connection has a transaction open, and what was started in it begins only when it "
            "is committed",
            hint="commit, then wait",
        )


def _configure(conn: OurConnection) -> None:
    conn.set_up(OWN_PATH, limits_of(STATEMENT_TIMEOUT))


async def _configure_async(conn: OurAsyncConnection) -> None:
    await conn.set_up(OWN_PATH, limits_of(STATEMENT_TIMEOUT))


def _away(given: object, error: Exception) -> ServerError:
    place = f"Postgres at {place_of(given)}" if isinstance(given, str) else "the pool"
    return ServerError(
        f"{place} gave no connection: {error}", hint="check the address and that the server runs"
    )
