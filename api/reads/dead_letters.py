"""Open dead letters. Records of those that no one can redrive any more are in their instances."""

from typing import Any, Final, LiteralString
from uuid import UUID

from ...engine.calls import Key
from ..database import Connection, Database, rows
from ..schemas.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterPage, DeadLettersQuery
from .paging import cut, read_cursor
from .workflows import find_workflow

COLUMNS: Final[LiteralString] = """instance_id as instance, task, workflow, version, step, queue,
       attempts, input, error, died_at"""


def _matching(
    conn: Connection, wanted: DeadLetterFilter | DeadLettersQuery
) -> tuple[list[LiteralString], dict[str, Any]]:
    """Return the conditions of a filter and their parameters. Raises Problem 404."""
    where: list[LiteralString] = ["open"]
    parameters: dict[str, Any] = {}
    if wanted.workflow is not None:
        where.append("workflow = %(workflow)s")
        parameters["workflow"] = find_workflow(conn, wanted.workflow).name
    if wanted.instance is not None:
        where.append("instance_id = %(instance)s")
        parameters["instance"] = wanted.instance
    if wanted.step is not None:
        where.append("step = %(step)s")
        parameters["step"] = wanted.step
    if wanted.queue is not None:
        where.append("queue = %(queue)s")
        parameters["queue"] = wanted.queue
    return where, parameters


def list_dead_letters(database: Database, query: DeadLettersQuery) -> DeadLetterPage:
    """Return the open dead letters that match, of the youngest instances first."""
    after = read_cursor(query.cursor, tuple[UUID, str])
    with database.connection() as conn:
        where, parameters = _matching(conn, query)
        parameters["limit"] = query.limit + 1
        if after:
            where.append("instance_id <= %(after)s")
            where.append("(instance_id < %(after)s or task > %(after_task)s)")
            parameters["after"], parameters["after_task"] = after
        matching: LiteralString = " and ".join(where)
        text: LiteralString = (
            f"select {COLUMNS} from onceflow.dead_letters where {matching}"  # noqa: S608
            " order by instance_id desc, task limit %(limit)s"
        )
        found = rows(conn, DeadLetter, text, parameters)
    items, following = cut(found, query.limit, lambda row: (row.instance, row.task))
    return DeadLetterPage(items, following)


def find_dead_letters(database: Database, wanted: DeadLetterFilter, limit: int) -> list[Key]:
    """Return the keys of the open dead letters that match, of the oldest instances first."""
    with database.connection() as conn:
        where, parameters = _matching(conn, wanted)
        parameters["limit"] = limit
        matching: LiteralString = " and ".join(where)
        text: LiteralString = (
            f"select instance_id, task from onceflow.dead_letters where {matching}"  # noqa: S608
            " order by instance_id, task limit %(limit)s"
        )
        return rows(conn, Key, text, parameters)
