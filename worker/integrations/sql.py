"""``sql.execute``: a statement that an operator has allowed, by its name."""

import os
from functools import lru_cache
from pathlib import Path
from typing import Any, LiteralString, cast

import msgspec
import psycopg
import yaml
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from ...engine.redact import keep_dsn
from .. import Context, PermanentError, RetryableError, TaskError, UnknownOutcome, task
from ..handlers.conversion import OUTPUT_LIMIT
from ..registration.retrying_connection import Trouble, judge
from .outputs import NotKept, kept, plain
from .sql_values import read_exactly

STATEMENTS = "ONCEFLOW_SQL_STATEMENTS"
"""Names the YAML or JSON file of the statements."""
PASSING = ("08", "40", "53", "57", "58", "XX", "25006", "55006", "55P03")
"""Beginnings of SQLSTATEs that another try may not meet: connections, deadlocks, resources, a
server that shuts down, a replica where the primary was, what others use or lock."""
OPERATIONAL = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError)
MOST_ROWS = 10_000
"""Rows that a statement may return; an output larger than 1 MiB is refused besides."""


class Statement(msgspec.Struct, forbid_unknown_fields=True):
    """A statement with ``%(name)s`` for parameters; without ``dsn``, for the engine's database.

    Variables of the environment in ``dsn`` (``$SALES_DSN``) are filled in.
    """

    sql: str
    dsn: str | None = None


@task("sql.execute", transactional=True)
def execute(
    statement: str,
    ctx: Context,
    parameters: dict[str, Any] = {},  # noqa: B006 - never changed
) -> dict[str, Any]:
    """Run the statement of that name and return ``{"rows": [{…}], "count": n}``.

    ``parameters`` fill the placeholders; objects and lists become jsonb, and ``%(key)s`` is the
    task's idempotency key. In the engine's own database the effect commits together with the task;
    in another it is committed first, so that it happens at least once: make it idempotent by the
    key. A statement that the server refuses is a permanent failure (``sql.<SQLSTATE>``), save for
    locks, deadlocks, resources and lost connections.
    """
    found = _statements().get(statement)
    if found is None:
        raise PermanentError(
            f"the statement {statement!r} is not among those that {STATEMENTS} allows",
            code="sql.not_allowed",
        )
    values: dict[str, Any] = {name: _adapted(value) for name, value in parameters.items()}
    values["key"] = ctx.key
    if found.dsn is None:
        try:
            return _run(ctx.connection, found.sql, values)
        except psycopg.Error as error:
            raise _meaning(error) from error
    return _run_elsewhere(statement, os.path.expandvars(found.dsn), found.sql, values)


def _run_elsewhere(name: str, dsn: str, sql: str, values: dict[str, Any]) -> dict[str, Any]:
    keep_dsn(dsn)
    try:
        conn = psycopg.connect(
            dsn,
            connect_timeout=10,
            application_name="onceflow sql.execute",
            client_encoding="utf8",  # on which what is read here rests
        )
    except psycopg.ProgrammingError:
        # libpq repeats parts of the string, which may hold a password.
        raise RetryableError(
            f"{STATEMENTS}: the dsn of {name} is no connection string that libpq can read; are the "
            "variables of the environment in it set?",
            code="sql.no_statements",
        ) from None
    except psycopg.Error as error:
        raise RetryableError(_words(error), code="sql.unreachable") from error
    try:
        result = _run(conn, sql, values)
    except psycopg.Error as error:
        raise _meaning(error) from error
    else:
        _commit(conn)
        return result
    finally:
        conn.close()


def _commit(conn: psycopg.Connection[Any]) -> None:
    try:
        conn.commit()
    except psycopg.Error as error:
        if judge(error) is not Trouble.LOST:
            raise _meaning(error) from error
        raise UnknownOutcome(
            f"the connection was lost at COMMIT: {_words(error)}", code="sql.lost_commit"
        ) from error


def _run(conn: psycopg.Connection[Any], sql: str, values: dict[str, Any]) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        read_exactly(cursor)
        # Its text is an operator's, out of a file; what an instance brings are parameters.
        cursor.execute(cast("LiteralString", sql), values)
        if cursor.description is None:
            return {"rows": [], "count": cursor.rowcount}
        _require_names([column.name for column in cursor.description])
        rows = cursor.fetchmany(MOST_ROWS + 1)
    if len(rows) > MOST_ROWS:
        raise PermanentError(
            f"the statement returned more than {MOST_ROWS} rows", code="sql.too_many_rows"
        )
    try:
        # Before the effect is final: a result that is refused later would undo nothing elsewhere.
        return {"rows": kept(rows, OUTPUT_LIMIT - 100), "count": len(rows)}
    except NotKept as error:
        raise PermanentError(
            f"the rows of the statement cannot be kept as an output: {error}", code="sql.output"
        ) from error


def _require_names(names: list[str]) -> None:
    """Raise PermanentError where a row, an object, would lose a column."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise PermanentError(
            f"the statement returns more than one column {', '.join(map(repr, twice))}: give each "
            "a name of its own (select a.id as order_id, …)",
            code="sql.columns",
        )


def _meaning(error: psycopg.Error) -> TaskError:
    """Return the failure of the task that a refusal means."""
    message = _words(error)
    if error.sqlstate is None and not isinstance(error, OPERATIONAL):
        # Nothing went wrong on the way: psycopg cannot make a query of statement and parameters.
        return PermanentError(message, code="sql.invalid")
    code = f"sql.{error.sqlstate or 'lost'}"
    if error.sqlstate is None or error.sqlstate.startswith(PASSING):
        return RetryableError(message, code=code)
    return PermanentError(message, code=code)


def _words(error: psycopg.Error) -> str:
    return plain(" ".join(str(error).split()))


def _adapted(value: Any) -> Any:
    return Jsonb(value, dumps=_dumps) if isinstance(value, dict | list) else value


def _dumps(value: Any) -> bytes:
    return _encoder.encode(value)


_encoder = msgspec.json.Encoder(decimal_format="number")


def _statements() -> dict[str, Statement]:
    """Return the allowed statements, read again when the file has changed."""
    name = os.environ.get(STATEMENTS, "")
    if not name:
        raise PermanentError(
            f"no statement is allowed: {STATEMENTS} names no file", code="sql.not_allowed"
        )
    try:
        changed = Path(name).stat().st_mtime_ns
        return _read(name, changed)
    except OSError as error:
        raise RetryableError(f"{STATEMENTS}: {error}", code="sql.no_statements") from error


@lru_cache(maxsize=4)
def _read(name: str, _changed: int) -> dict[str, Statement]:
    """Read the file: ``name: SQL`` or ``name: {sql, dsn}``."""
    try:
        document = yaml.safe_load(Path(name).read_text())
        given = msgspec.convert(document, dict[str, str | Statement])
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeError, RecursionError) as error:
        raise RetryableError(f"{STATEMENTS}={name}: {error}", code="sql.no_statements") from error
    return {n: Statement(s) if isinstance(s, str) else s for n, s in given.items()}
