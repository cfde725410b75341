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

from .. import Context, PermanentError, RetryableError, UnknownOutcome, task
from ..registration.retrying_connection import Trouble, judge

STATEMENTS = "ONCEFLOW_SQL_STATEMENTS"
"""Names the YAML or JSON file of the statements."""
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
    return _run_elsewhere(os.path.expandvars(found.dsn), found.sql, values)


def _run_elsewhere(dsn: str, sql: str, values: dict[str, Any]) -> dict[str, Any]:
    try:
        conn = psycopg.connect(dsn, connect_timeout=10, application_name="onceflow sql.execute")
    except psycopg.OperationalError as error:
        raise RetryableError(str(error), code="sql.unreachable") from error
    try:
        result = _run(conn, sql, values)
    except psycopg.Error as error:
        raise _meaning(error) from error
    else:
        try:
            conn.commit()
        except psycopg.Error as error:
            if judge(error) is not Trouble.LOST:
                raise _meaning(error) from error
            raise UnknownOutcome(
                f"the connection was lost at COMMIT: {error}", code="sql.lost_commit"
            ) from error
        return result
    finally:
        conn.close()


def _run(conn: psycopg.Connection[Any], sql: str, values: dict[str, Any]) -> dict[str, Any]:
    with conn.cursor(row_factory=dict_row) as cursor:
        # Its text is an operator's, out of a file; what an instance brings are parameters.
        cursor.execute(cast("LiteralString", sql), values)
        if cursor.description is None:
            return {"rows": [], "count": cursor.rowcount}
        rows = cursor.fetchmany(MOST_ROWS + 1)
        if len(rows) > MOST_ROWS:
            raise PermanentError(
                f"the statement returned more than {MOST_ROWS} rows", code="sql.too_many_rows"
            )
        return {"rows": rows, "count": len(rows)}


def _meaning(error: psycopg.Error) -> Exception:
    """Return the failure of the task that a refusal means."""
    code = f"sql.{error.sqlstate or 'lost'}"
    message = " ".join(str(error).split())
    trouble = judge(error)
    refused = trouble is Trouble.DATA or (error.sqlstate or "")[:2] in ("42", "25", "28", "0A")
    if refused:
        return PermanentError(message, code=code)
    return RetryableError(message, code=code)


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
    except (yaml.YAMLError, msgspec.ValidationError) as error:
        raise RetryableError(f"{STATEMENTS}={name}: {error}", code="sql.no_statements") from error
    return {n: Statement(s) if isinstance(s, str) else s for n, s in given.items()}
