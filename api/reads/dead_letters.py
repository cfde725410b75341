"""Open dead letters. Records of those that no one can redrive any more are in their instances."""

from typing import Final, LiteralString
from uuid import UUID

from ...engine.calls import Key, reads
from ..database import Connection, Database, rows
from ..schemas.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterPage, DeadLettersQuery
from .paging import cut, read_cursor
from .workflows import find_workflow

COLUMNS: Final[
    LiteralString
] = """instance_id as instance, task, path, workflow, version, step, queue,
       attempts, input, error, died_at, takes"""


def _wanted(conn: Connection, query: DeadLetterFilter | DeadLettersQuery) -> reads.DeadLetterFilter:
    """Return the filter with the name of its workflow. Raises Problem 404."""
    return reads.DeadLetterFilter(
        instance=query.instance,
        workflow=None if query.workflow is None else find_workflow(conn, query.workflow).name,
        step=query.step,
        queue=query.queue,
        code=query.code,
    )


def list_dead_letters(database: Database, query: DeadLettersQuery) -> DeadLetterPage:
    """Return the open dead letters that match, of the youngest instances first."""
    after = read_cursor(query.cursor, tuple[UUID, str])
    with database.connection() as conn:
        asked = reads.page_dead_letters(COLUMNS, _wanted(conn, query), query.limit + 1, after)
        found = rows(conn, DeadLetter, *asked)
    items, following = cut(found, query.limit, lambda row: (row.instance, row.task))
    return DeadLetterPage(items, following)


def find_dead_letters(database: Database, wanted: DeadLetterFilter, limit: int) -> list[Key]:
    """Return the keys of the open dead letters that match, of the oldest instances first."""
    with database.connection() as conn:
        asked = reads.list_dead_letters("instance_id, task", _wanted(conn, wanted), limit)
        return rows(conn, Key, *asked)
