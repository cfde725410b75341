"""Calls on sets in which expressions of definitions are evaluated: a slow one fails its own step.

Within a call Postgres fails the step whose expression the statement timeout strikes (code
``expression.timeout``). But no clock runs then, so where another instance has something to evaluate
too, all is rolled back and the slow instance named. The call is repeated here, in which that one's
expressions are failed at once: nothing of the others is lost, and none of them waits long.
"""

import re
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from psycopg.pq import TransactionStatus

from ..sessions import steady
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

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

_BOUND = """
select pg_catalog.set_config('onceflow.late', %s, true), pg_catalog.set_config('statement_timeout',
       greatest(least(%s, s.setting::int), s.setting::int >> least(%s, 20))::text, true)
  from pg_catalog.pg_settings s where s.name = 'statement_timeout'"""


def struck_by(error: Exception) -> str | None:
    """Return the id of the instance whose expression was slow; None where the timeout was not one
    of expressions, and an empty text where it was, and none had most of the time.
    """
    if not isinstance(error, psycopg.errors.QueryCanceled) or not error.diag.message_detail:
        return None
    detail = error.diag.message_detail
    return detail if _ID.fullmatch(detail) else ""


@contextmanager
def unevaluated(conn: Connection, late: str, halved: int = 0) -> Generator[None]:
    """Let calls in this block, a transaction, fail the expressions of those that are ``late``: ids
    with commas between them, or ALL. The statement timeout is halved so often.
    """
    with steady(conn), conn.transaction():
        told = late if late == ALL else f"={late}"
        fetch(conn, _BOUND, (told, SHORTEST, halved))
        yield


def in_time(conn: Connection, call: Callable[[], T]) -> T:
    """Return what ``call`` gives, repeated without the expressions that were too slow.

    In a transaction of the caller's own it is called once: what failed there cannot be repeated.
    """
    if conn.info.transaction_status is not TransactionStatus.IDLE:
        return call()
    late: list[str] = []
    strikes = 0
    while True:
        everything = strikes >= PATIENCE or len(late) > SLOW_AT_MOST
        try:
            if not late and not strikes:
                return call()
            with unevaluated(conn, ALL if everything else ",".join(late), len(late) + strikes):
                return call()
        except psycopg.errors.QueryCanceled as error:
            slow = struck_by(error)
            if slow is None or slow in late or everything:
                raise
            if slow:
                late.append(slow)
            else:
                strikes += 1
