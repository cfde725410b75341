"""Calls on sets in which expressions of definitions are evaluated: a slow one fails its own step.

Within a call Postgres fails the step whose expression the statement timeout strikes (code
``expression.timeout``). But no clock runs then, so where another instance has something to evaluate
too, all is rolled back and the slow instance named. The call is repeated here, in which that one's
expressions are failed at once: nothing of the others is lost, and none of them waits long.
"""

import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Final, LiteralString, TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from ..sessions import steady, steady_async
from .base import Connection, fetch

T = TypeVar("T")

ALL = "*"
"""The expressions of all instances."""

SHORTEST = 2000
"""Milliseconds that a repetition has at least: of what its call has, each has half as many."""

SLOW_AT_MOST = 3
"""How many are found one by one: of a set with more, the expressions of all are failed."""

PATIENCE = 2
"""How often it may strike where no expression had most of the time, until all are failed."""

GATHERING = "function onceflow.step_context("

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_BOUND: Final[LiteralString] = """
select pg_catalog.set_config('onceflow.late', %s, true), pg_catalog.set_config('statement_timeout',
       greatest(least(%s, s.setting::int), s.setting::int >> least(%s, 20))::text, true)
  from pg_catalog.pg_settings s where s.name = 'statement_timeout'"""


def struck_by(error: Exception) -> str | None:
    """Return the id of the instance whose expression was slow; None where the timeout was not one
    of expressions, and an empty text where it was, and none had most of the time.
    """
    if not isinstance(error, psycopg.errors.QueryCanceled):
        return None
    detail = error.diag.message_detail
    if not detail:
        # Between two expressions, while it was gathered what the next one sees.
        return "" if GATHERING in (error.diag.context or "") else None
    return detail if _ID.fullmatch(detail) else ""


@contextmanager
def unevaluated(conn: Connection, late: str, halved: int = 0) -> Generator[None]:
    """Let calls in this block, a transaction, fail the expressions of those that are ``late``: ids
    with commas between them, or ALL. The statement timeout is halved so often.
    """
    with steady(conn), conn.transaction():
        fetch(conn, _BOUND, _bounds(late, halved))
        yield


@asynccontextmanager
async def _unevaluated_async(
    conn: psycopg.AsyncConnection[Any], late: str, halved: int
) -> AsyncGenerator[None]:
    async with steady_async(conn), conn.transaction():
        await conn.execute(_BOUND, _bounds(late, halved))
        yield


def _bounds(late: str, halved: int) -> tuple[str, int, int]:
    return (late if late == ALL else f"={late}", SHORTEST, halved)


class _Tries:
    """Of one call, which expressions its next repetition is to fail."""

    def __init__(
        self,
        conn: Connection | psycopg.AsyncConnection[Any],
        first: psycopg.errors.QueryCanceled,
    ) -> None:
        self._conn = conn
        self._late: list[str] = []
        self._strikes = 0
        self.note(first)

    @property
    def bounds(self) -> tuple[str, int]:
        """What ``unevaluated`` is told."""
        late = ALL if self._everything else ",".join(self._late)
        return late, len(self._late) + self._strikes

    @property
    def _everything(self) -> bool:
        return self._strikes >= PATIENCE or len(self._late) > SLOW_AT_MOST

    def note(self, error: psycopg.errors.QueryCanceled) -> None:
        """Note what was too slow; raises the error where a repetition would be of no use.

        Nor can anything be repeated in a transaction of the caller's own.
        """
        slow = struck_by(error)
        mine = self._conn.info.transaction_status is TransactionStatus.IDLE
        if not mine or slow is None or slow in self._late or self._everything:
            raise error
        if slow:
            self._late.append(slow)
        else:
            self._strikes += 1


def in_time(conn: Connection, call: Callable[[], T]) -> T:
    """Return what ``call`` gives, repeated without the expressions that were too slow.

    In a transaction of the caller's own it is called once: what failed there cannot be repeated.
    """
    try:
        return call()
    except psycopg.errors.QueryCanceled as error:
        tries = _Tries(conn, error)
    while True:
        try:
            with unevaluated(conn, *tries.bounds):
                return call()
        except psycopg.errors.QueryCanceled as error:
            tries.note(error)


async def in_time_async(conn: psycopg.AsyncConnection[Any], call: Callable[[], Awaitable[T]]) -> T:
    """Like ``in_time``, of an asynchronous connection."""
    try:
        return await call()
    except psycopg.errors.QueryCanceled as error:
        tries = _Tries(conn, error)
    while True:
        try:
            async with _unevaluated_async(conn, *tries.bounds):
                return await call()
        except psycopg.errors.QueryCanceled as error:
            tries.note(error)
