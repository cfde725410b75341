"""What the operator's commands read: the views, as plain values with exact numbers."""

import getpass
import socket
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from typing import Any, Final, LiteralString
from uuid import UUID

from psycopg import errors

from ..calls import Actor, Key, acting, logs, reads
from ..calls.base import Connection
from ..calls.lists import dead_letters
from ..calls.lists import instances as lists
from ..calls.reads import json_rows
from ..calls.search import not_listed
from ..errors import BadArgument, NotFound, ServerError, unwritten
from ..pool import connect, place_of
from ..settings import Settings
from .arguments import InstanceId
from .output import clock_text

Row = dict[str, Any]

PORTION: Final = 1000
"""Entries of a log that are read at once where it may be of any length."""
CANDIDATES: Final = 5
"""Instances that are listed where the beginning of an id is that of several."""
TRANSITION: Final[LiteralString] = f"""t.seq, t.n, t.task, {logs.PATH}, t.attempt, t.state,
       (select w.name from onceflow.workers w where w.id = t.worker_id) as worker,
       t.worker_id, t.error, t.at"""  # noqa: S608  literals
DEAD_LETTER: Final[
    LiteralString
] = """instance_id as instance, task, path, workflow, version, step, queue,
       attempts, input, error, died_at, takes, open"""
VERSION: Final[LiteralString] = "workflow_id, name, version, definition, input_schema"


@contextmanager
def open_database(settings: Settings) -> Generator[Connection]:
    """Connect for one command. Raises ServerError where there is no server, schema or right."""
    with connect(settings, "command") as conn, acting(lambda: Actor(who())):
        try:
            yield conn
        except (errors.InvalidSchemaName, errors.UndefinedFunction, errors.UndefinedTable) as error:
            raise ServerError(
                f"the database {place_of(settings.dsn)} has no schema of this release",
                hint="run `onceflow migrate`",
            ) from error
        except UnicodeEncodeError as error:
            raise unwritten(error) from error
        except errors.DataError as error:
            raise BadArgument(f"Postgres cannot keep it: {error.diag.message_primary}") from error
        except errors.InsufficientPrivilege as error:
            raise ServerError(
                f"{error.diag.message_primary} in {place_of(settings.dsn)}",
                hint="onceflow.grant_access(role, 'operator') gives a role what this needs",
            ) from error


def who() -> str:
    """Return who types the command, user@host, as he is told of where he changes something."""
    try:
        return f"{getpass.getuser()}@{socket.gethostname()}"
    except (OSError, KeyError):  # a user without a name, as in many containers
        return socket.gethostname()


def list_instances(conn: Connection, wanted: reads.InstanceFilter, limit: int) -> list[Row]:
    """Return instances, the newest first. Raises BadArgument for a field that none lists.

    Where no index serves the filters together, those of them that are found among so many;
    ``last_looked_at`` says whether these were not all.
    """
    if not lists.is_served(wanted):
        ids = [UUID(row["id"]) for row in json_rows(conn, lists.find_looked_at(wanted, limit))]
        return json_rows(conn, reads.list_these(reads.SUMMARY, ids))
    asked = reads.list_instances(reads.SUMMARY, wanted, limit)
    if reads.by_fields_alone(wanted):
        ids = [UUID(row["id"]) for row in json_rows(conn, reads.list_found_ids(wanted, limit))]
        asked = reads.list_these(reads.SUMMARY, ids)
    found = json_rows(conn, asked)
    if not found and wanted.fields:
        known = [row["name"] for row in json_rows(conn, reads.list_fields())]
        if fault := not_listed(wanted.fields, known):
            raise BadArgument(fault, hint="`onceflow deploy` a definition that lists it")
    return found


def last_looked_at(conn: Connection, wanted: reads.InstanceFilter) -> UUID | None:
    """Return the id down to which ``list_instances`` has looked; None where that is all."""
    if lists.is_served(wanted):
        return None
    found = json_rows(conn, lists.last_looked_at(wanted))
    return UUID(found[0]["id"]) if found else None


def find_instance(conn: Connection, instance_id: UUID) -> Row:
    """Return one instance. Raises NotFound."""
    rows = json_rows(conn, reads.find_instance(f"{reads.SUMMARY}, input, output", instance_id))
    if not rows:
        raise NotFound(
            f"there is no instance {instance_id}",
            hint="`onceflow list` shows those there are; retention drops old ones",
        )
    return rows[0]


def whole_id(conn: Connection, given: InstanceId) -> UUID:
    """Return the id that was given, or the one that begins so.

    Raises NotFound, and BadArgument, with those there are, where there are several.
    """
    if isinstance(given, UUID):
        return given
    columns: LiteralString = "id, workflow, state as status, started_at"
    wanted = reads.InstanceFilter(id=given)
    return only_one(given, json_rows(conn, reads.list_instances(columns, wanted, CANDIDATES + 1)))


def only_one(given: str, found: Sequence[Row]) -> UUID:
    """Return the id of the one instance that was found by what its id begins with.

    Up to CANDIDATES are told where there are several. Raises NotFound, BadArgument.
    """
    if not found:
        raise NotFound(
            f"there is no instance whose id begins with {given}",
            hint="`onceflow list` shows those there are; retention drops old ones",
        )
    if len(found) > 1:
        lines = [
            f"  {row['id']}  {row['workflow']}  {row['status']}  {clock_text(row['started_at'])}"
            for row in found[:CANDIDATES]
        ]
        more = ["  and more"] if len(found) > CANDIDATES else []
        raise BadArgument(
            "\n".join([f"several ids begin with {given}; type more of one:", *lines, *more])
        )
    return UUID(found[0]["id"])


def whole_ids(conn: Connection, given: Sequence[InstanceId]) -> list[UUID]:
    """Return whole ids. Raises NotFound, BadArgument."""
    return [whole_id(conn, each) for each in given]


def list_transitions(conn: Connection, instance_id: UUID, *, scopes: bool = False) -> list[Row]:
    """Return the whole task log of an instance, in the order of time; whether it has scopes."""
    return json_rows(conn, logs.list_transitions(TRANSITION, instance_id, scopes=scopes))


def list_further_transitions(
    conn: Connection, instance_id: UUID, above: tuple[int, int]
) -> tuple[list[Row], bool]:
    """Return entries of the log behind one, by its seq and n, and whether there may be more.

    Claims are not among them: they have no seq.
    """
    asked = logs.first_transitions(TRANSITION, instance_id, PORTION, above=above)
    found = json_rows(conn, asked)
    return found, len(found) == PORTION


def page_dead_letters(
    conn: Connection,
    wanted: dead_letters.DeadLetterFilter,
    limit: int,
    after: tuple[UUID, str] | None = None,
) -> tuple[list[Row], tuple[UUID, str] | None]:
    """Return dead letters as ``list_dead_letters`` does, among so many where no index serves.

    Then, where these are fewer than ``limit``, also the one down to which was looked.
    """
    asked = dead_letters.page_dead_letters(DEAD_LETTER, wanted, limit, after, oldest=True)
    found = json_rows(conn, asked)
    if len(found) == limit:
        return found, None
    last = json_rows(conn, dead_letters.last_dead_letter(wanted, after, oldest=True))
    return found, (UUID(last[0]["instance"]), last[0]["task"]) if last else None


def list_dead_letters(
    conn: Connection,
    wanted: dead_letters.DeadLetterFilter,
    limit: int,
    after: tuple[UUID, str] | None = None,
) -> list[Row]:
    """Return dead letters, those of the oldest instances first, ``after`` one of them."""
    return json_rows(conn, dead_letters.list_dead_letters(DEAD_LETTER, wanted, limit, after))


def find_version(conn: Connection, workflow: str, version: int | None = None) -> Row:
    """Return a version of a workflow, the latest unless given. Raises NotFound."""
    rows = json_rows(conn, reads.find_version(VERSION, workflow, version))
    if not rows:
        names = [row["name"] for row in json_rows(conn, reads.list_names())]
        if version is not None and workflow in names:
            raise NotFound(
                f"there is no version {version} of workflow {workflow}",
                hint=f"`onceflow versions {workflow}` lists them",
            )
        raise NotFound(
            reads.no_workflow(workflow, names), hint="`onceflow deploy FILE` registers one"
        )
    return rows[0]


def key_of(row: Row) -> Key:
    """Return the key of a dead letter."""
    return Key(UUID(row["instance"]), row["task"])
