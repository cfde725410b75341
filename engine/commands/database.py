"""What the operator's commands read: the views, as plain values with exact numbers."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import UUID

import psycopg
from psycopg import errors

from .. import json_text
from ..calls import Key
from ..calls.base import Connection, fetch
from ..errors import BadArgument, NotFound, ServerError
from ..pool import connect, place_of
from ..settings import Settings

Row = dict[str, Any]

INSTANCES: Final[LiteralString] = """
select to_jsonb(x)::text from (
    select id, workflow, version, state, closing_as, suspended_at, suspended_by, input, output,
           error, open_tasks, deadline_at, started_at, ended_at
      from onceflow.instances
     where (%s::uuid is null or id = %s::uuid)
       and (%s::text is null or workflow = %s::text)
       and (%s::text[] is null or state = any (%s::text[]))
       and (not %s or suspended_at is not null)
       and (%s::uuid is null or id < %s::uuid)
     order by id desc
     limit %s) x"""

TASKS: Final[LiteralString] = """
select to_jsonb(x)::text from (
    select task, step, kind, state, open, queue, handler, attempts, input, output, error, reason,
           worker_id, progress, due_at, changed_at, seq
      from onceflow.tasks
     where instance_id = %s) x"""

TRANSITIONS: Final[LiteralString] = """
select to_jsonb(x)::text from (
    select t.seq, t.n, t.task, t.attempt, t.state, w.name as worker, t.worker_id, t.error, t.at
      from onceflow.transitions t
      left join onceflow.workers w on w.id = t.worker_id
     where t.instance_id = %s
     order by t.at, t.seq nulls first, t.n) x"""

DEAD_LETTERS: Final[LiteralString] = """
select to_jsonb(x)::text from (
    select instance_id, task, workflow, version, step, queue, attempts, input, error, open, died_at
      from onceflow.dead_letters
     where (open or %s)
       and (%s::uuid is null or instance_id = %s::uuid)
       and (%s::text is null or workflow = %s::text)
       and (%s::text is null or step = %s::text)
       and (%s::text is null or queue = %s::text)
       and (%s::text is null or error ->> 'code' = %s::text)
     order by died_at, instance_id, task
     limit %s) x"""

VERSION: Final[LiteralString] = """
select to_jsonb(x)::text from (
    select workflow_id, name, version, definition, input_schema
      from onceflow.workflow_versions
     where (name = %s or workflow_id::text = %s) and (%s::int is null or version = %s::int)
     order by version desc
     limit 1) x"""


@contextmanager
def open_database(settings: Settings) -> Generator[Connection]:
    """Connect for one command. Raises ServerError where there is no server, schema or right."""
    with connect(settings, "command") as conn:
        conn.execute("set timezone to 'UTC'")
        try:
            yield conn
        except (errors.InvalidSchemaName, errors.UndefinedFunction, errors.UndefinedTable) as error:
            raise ServerError(
                f"the database {place_of(settings.dsn)} has no schema of this release",
                hint="run `onceflow migrate`",
            ) from error
        except errors.DataError as error:
            raise BadArgument(f"Postgres cannot keep it: {error.diag.message_primary}") from error
        except errors.InsufficientPrivilege as error:
            raise ServerError(
                f"{error.diag.message_primary} in {place_of(settings.dsn)}",
                hint="onceflow.grant_access(role, 'operator') gives a role what this needs",
            ) from error


def list_instances(
    conn: Connection,
    *,
    workflow: str | None = None,
    states: Sequence[str] | None = None,
    suspended: bool = False,
    before: UUID | None = None,
    limit: int = 20,
) -> list[Row]:
    """Return instances, the newest first; ``before`` is the id that the last page ended with."""
    wanted = None if states is None else list(states)
    return _rows(
        conn,
        INSTANCES,
        (None, None, workflow, workflow, wanted, wanted, suspended, before, before, limit),
    )


def find_instance(conn: Connection, instance_id: UUID) -> Row:
    """Return one instance. Raises NotFound."""
    none = (None,) * 4
    rows = _rows(conn, INSTANCES, (instance_id, instance_id, *none, False, None, None, 1))
    if not rows:
        raise NotFound(
            f"there is no instance {instance_id}",
            hint="`onceflow list` shows those there are; retention drops old ones",
        )
    return rows[0]


def list_tasks(conn: Connection, instance_id: UUID) -> list[Row]:
    """Return the tasks of an instance."""
    return _rows(conn, TASKS, (instance_id,))


def list_transitions(conn: Connection, instance_id: UUID) -> list[Row]:
    """Return the task log of an instance, in the order of time."""
    return _rows(conn, TRANSITIONS, (instance_id,))


def list_dead_letters(
    conn: Connection,
    *,
    records: bool = False,
    instance_id: UUID | None = None,
    workflow: str | None = None,
    step: str | None = None,
    queue: str | None = None,
    code: str | None = None,
    limit: int = 100,
) -> list[Row]:
    """Return open dead letters (with ``records`` also those that are one no more), oldest first."""
    filters = [value for value in (instance_id, workflow, step, queue, code) for _ in range(2)]
    return _rows(conn, DEAD_LETTERS, (records, *filters, limit))


def find_version(conn: Connection, workflow: str, version: int | None = None) -> Row:
    """Return a version of a workflow, the latest unless given. Raises NotFound."""
    rows = _rows(conn, VERSION, (workflow, workflow, version, version))
    if not rows:
        which = workflow if version is None else f"{workflow} in version {version}"
        raise NotFound(f"there is no workflow {which}", hint="`onceflow deploy FILE` registers one")
    return rows[0]


def key_of(row: Row) -> Key:
    """Return the key of a dead letter."""
    return Key(UUID(row["instance_id"]), row["task"])


def _rows(
    conn: psycopg.Connection[Any], statement: LiteralString, values: Sequence[Any]
) -> list[Row]:
    return [json_text.decode_exact(text) for (text,) in fetch(conn, statement, values)]
