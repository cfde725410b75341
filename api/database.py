"""Reading views: each row becomes a Struct, JSON stays the text that Postgres gave."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, LiteralString, TypeVar

import msgspec
import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Loader
from psycopg.rows import class_row
from psycopg.types.datetime import TimestamptzLoader

from ..engine.errors import translated
from ..engine.pool import Pool
from ..engine.sessions import steady

T = TypeVar("T")
Connection = psycopg.Connection[Any]


class RawJsonLoader(Loader):
    """Takes jsonb as its text, so that numbers keep every digit on their way to the client."""

    def load(self, data: Buffer) -> msgspec.Raw:
        """Return the JSON text, to be embedded as it is."""
        return msgspec.Raw(bytes(data))


class UtcLoader(TimestamptzLoader):
    """Takes times in UTC, whatever the time zone of the session."""

    def load(self, data: Buffer) -> datetime:
        """Return the time in UTC."""
        return super().load(data).astimezone(UTC)


class Database:
    """The pool, and how rows are read out of it."""

    def __init__(self, pool: Pool) -> None:
        self.pool = pool

    @contextmanager
    def connection(self, timeout: float | None = None) -> Generator[Connection]:
        """Take a connection out of the pool, in autocommit; ``timeout`` seconds unless its own.

        Where a pooler stands between, what is done with it is one transaction.
        """
        with self.pool.connection(timeout) as conn, steady(conn):
            yield conn

    @contextmanager
    def snapshot(self) -> Generator[Connection]:
        """Take a connection whose queries all see one moment."""
        with self.pool.connection() as conn, steady(conn, snapshot=True):
            yield conn

    def rows(
        self, kind: type[T], query: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> list[T]:
        """Return all rows of a query; its columns are the fields of ``kind``."""
        with self.connection() as conn:
            return rows(conn, kind, query, parameters)

    def row(
        self, kind: type[T], query: LiteralString, parameters: Mapping[str, Any] | None = None
    ) -> T | None:
        """Return the first row of a query, or None."""
        found = self.rows(kind, query, parameters)
        return found[0] if found else None


def rows(
    conn: Connection,
    kind: type[T],
    query: LiteralString,
    parameters: Mapping[str, Any] | None = None,
) -> list[T]:
    """Like ``Database.rows``, on a connection at hand."""
    with translated(), conn.cursor(row_factory=class_row(kind)) as cursor:
        cursor.adapters.register_loader("jsonb", RawJsonLoader)
        cursor.adapters.register_loader("timestamptz", UtcLoader)
        return cursor.execute(query, parameters).fetchall()
