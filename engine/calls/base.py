"""What all calls share: running one statement, and the rows that several functions take or give."""

from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Final, Literal, LiteralString, TypeAlias, TypeVar, cast
from uuid import UUID

import msgspec
import psycopg
from psycopg.rows import tuple_row

from .. import json_text, meters
from ..errors import OnceflowError, translated, unwritten
from ..sessions import is_shared, rows_of, steady
from ..tracing import Trace

Connection: TypeAlias = psycopg.Connection[Any]
Row: TypeAlias = tuple[Any, ...]
_Word = TypeVar("_Word", bound=str)


class Record(msgspec.Struct, frozen=True, gc=False):
    """What calls take and give: made by the thousand, and never part of a cycle of references."""


class Actor(Record, frozen=True):
    """Who acts through this process, as it claims in the audit beside its login: ``person ann``.

    ``address`` is from where. Where either is empty, it is what Postgres knows.
    """

    name: str
    address: str = ""


_ACTING: Final[ContextVar[Callable[[], Actor] | None]] = ContextVar("onceflow_acting", default=None)

CLAIM: Final[LiteralString] = """
select pg_catalog.set_config('onceflow.actor', %s, true),
       pg_catalog.set_config('onceflow.address', %s, true)"""


@contextmanager
def acting(find: Callable[[], Actor]) -> Generator[None]:
    """Make calls in this block that change something in the name of an actor, found out then."""
    token = _ACTING.set(find)
    try:
        yield
    finally:
        _ACTING.reset(token)


class Key(Record, frozen=True):
    """A task: its instance and its text, such as ``render/17``, that only SQL reads."""

    instance_id: UUID
    task: str


class Decided(Record, frozen=True):
    """What an operator's call did with one instance (task None) or one dead letter.

    ``detail`` says in words why it was refused, or what follows from it; it may be empty.
    """

    instance_id: UUID
    task: str | None
    outcome: str
    detail: str


class NamedDecision(Record, frozen=True):
    """What an operator's call did with something that has a name: ``done``, or ``unknown``."""

    name: str
    outcome: str
    detail: str


def fetch(
    conn: Connection,
    statement: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    """Run one statement and return its rows; errors come as those of ``engine.errors``."""
    return _run(conn, statement, parameters, None)


def change(
    conn: Connection,
    statement: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any] = (),
) -> list[Row]:
    """Like ``fetch``, of what the audit tells: in the name of ``acting``, where one is known.

    The claim and the statement travel together, and are one transaction.
    """
    find = _ACTING.get()
    return _run(conn, statement, parameters, None if find is None else find())


def _run(
    conn: Connection,
    statement: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any],
    actor: Actor | None,
) -> list[Row]:
    if meters.measured():
        with meters.timed(statement):
            return _send(conn, statement, parameters, actor)
    return _send(conn, statement, parameters, actor)


def _send(
    conn: Connection,
    statement: LiteralString,
    parameters: Sequence[Any] | Mapping[str, Any],
    actor: Actor | None,
) -> list[Row]:
    with translated():
        if actor is None and not is_shared(conn):
            return rows_of(conn, statement, parameters)
        with steady(conn), conn.cursor(row_factory=tuple_row) as cursor:
            with claiming(conn, actor):
                cursor.execute(statement, parameters)
            return cursor.fetchall()


@contextmanager
def claiming(conn: Connection, actor: Actor | None) -> Generator[None]:
    """Have what is run in this block travel with the claim of an actor, in one transaction."""
    if actor is None:
        yield
        return
    with conn.pipeline():
        conn.execute(CLAIM, claims_of(actor))
        yield


def claims_of(actor: Actor) -> tuple[str, str]:
    """Return the parameters of CLAIM."""
    return as_kept(actor.name), as_kept(actor.address)


def as_kept(text: str) -> str:
    """Return a claim of a stranger as Postgres takes it; it makes the rest of it safe itself."""
    return text.replace("\0", " ").encode("utf-8", "replace").decode("utf-8")[:1000]


def fetch_value(conn: Connection, statement: LiteralString, parameters: Sequence[Any] = ()) -> Any:
    """Run a statement that gives one row of one column and return that."""
    rows = fetch(conn, statement, parameters)
    if len(rows) != 1 or len(rows[0]) != 1:
        raise OnceflowError(f"one value was expected from: {statement.strip()}")
    return rows[0][0]


def word(value: object, *known: _Word) -> _Word:
    """Return ``value``, one of the ``known`` words; a newer schema may know others."""
    if value not in known:
        raise OnceflowError(
            f"the database answered {value!r} where this release knows {', '.join(known)}: "
            "its schema is newer than this process; upgrade the process"
        )
    return cast("_Word", value)


def uuid_array(values: Iterable[UUID]) -> str:
    """Return the values as the text of a Postgres array, for a parameter cast to uuid[].

    A list would do, here and below; psycopg takes several times as long over it, which workers do
    all day.
    """
    return array_of([value.hex for value in values])


def array_of(texts: Sequence[str]) -> str:
    """Return the text of a Postgres array of texts in which nothing need be quoted."""
    return "{" + ",".join(texts) + "}"


def text_array(values: Iterable[str]) -> str:
    """Return the values as the text of a Postgres array, for a parameter cast to text[]."""
    quoted = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(quoted) + '"}' if quoted else "{}"


def json_of(value: json_text.Json) -> str:
    """Return a value as the text of JSON. Raises BadArgument for text that is not UTF-8."""
    try:
        return json_text.encode(value)
    except (UnicodeEncodeError, UnicodeDecodeError) as error:
        raise unwritten(error) from error


def json_array(values: Iterable[json_text.Json]) -> str:
    """Return the values as the text of an array of JSON, for a parameter cast to jsonb[].

    None is JSON null. Raises BadArgument for text that is not UTF-8.
    """
    return text_array([json_of(value) for value in values])


def trace_of(trace: Trace | None) -> str | None:
    """Return a trace context as the text of JSON, for a parameter cast to jsonb."""
    return None if trace is None else json_of(dict(trace))


DecidedWord: TypeAlias = Literal["done", "refused", "unknown"]


def decided(rows: list[Row]) -> list[Decided]:
    """Read rows (instance_id, task or null, outcome, detail)."""
    return [
        Decided(instance_id, task, word(outcome, "done", "refused", "unknown"), detail or "")
        for instance_id, task, outcome, detail in rows
    ]
