"""The clients over SQL."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.rows import scalar_row

from ..engine.calls.base import CLAIM, Actor, claiming, claims_of
from ..engine.calls.slow_expressions import in_time, in_time_async
from ..engine.errors import BadArgument, translated
from .connections import AsyncSource, Lent, LentAsync, Source
from .interface import SyncInterface
from .interface_async import AsyncInterface
from .sql_operations import SqlOperations
from .statements import Statement


class Client(SyncInterface[Statement]):
    """Asks Postgres itself; use it as a context manager, or close it.

    ``database`` is a connection string, a ``psycopg_pool.ConnectionPool``, or the caller's own
    connection: psycopg's, SQLAlchemy's (Connection or Session) or Django's. On the caller's own,
    what is started is part of the transaction that is open there.

    ``actor``: who acts, as the audit tells it beside the login; in the caller's own transaction it
    stands until that ends.
    """

    _operations = SqlOperations()

    def __init__(self, database: Any, *, actor: str = "") -> None:
        self._source = Source(database)
        self._actor = Actor(actor) if actor else None

    def close(self) -> None:
        """Close the client's own connections."""
        self._source.close()

    def _ask(self, question: Statement, *, apart: bool = False) -> list[str]:
        with _told(), self._source.lend(apart) as lent:
            return in_time(lent.conn, lambda: _rows(lent, question, self._actor))


class AsyncClient(AsyncInterface[Statement]):
    """Like ``Client``, for asyncio: it takes the asynchronous ones of pools and connections."""

    _operations = SqlOperations()

    def __init__(self, database: Any, *, actor: str = "") -> None:
        self._source = AsyncSource(database)
        self._actor = Actor(actor) if actor else None

    async def close(self) -> None:
        """Close the client's own connections."""
        await self._source.close()

    async def _ask(self, question: Statement, *, apart: bool = False) -> list[str]:
        with _told():
            async with self._source.lend(apart) as lent:
                return await in_time_async(
                    lent.conn, lambda: _rows_async(lent, question, self._actor)
                )


def _rows(lent: Lent, question: Statement, actor: Actor | None) -> list[str]:
    with lent.steady(), lent.conn.cursor(row_factory=scalar_row) as cursor:
        with claiming(lent.conn, actor):
            cursor.execute(*question)
        return cursor.fetchall()


async def _rows_async(lent: LentAsync, question: Statement, actor: Actor | None) -> list[str]:
    async with lent.steady(), lent.conn.cursor(row_factory=scalar_row) as cursor:
        if actor is None:
            await cursor.execute(*question)
            return await cursor.fetchall()
        async with lent.conn.pipeline():
            await lent.conn.execute(CLAIM, claims_of(actor))
            await cursor.execute(*question)
        return await cursor.fetchall()


@contextmanager
def _told() -> Generator[None]:
    """Raise our errors; what Postgres cannot hold, such as a NUL, is a wrong argument."""
    try:
        with translated():
            yield
    except psycopg.DataError as error:
        raise BadArgument(f"this cannot be stored: {error}") from error
