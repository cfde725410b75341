"""Open dead letters. Records of those that no one can redrive any more are in their instances."""

from typing import Final, LiteralString
from uuid import UUID

import msgspec

from ...engine.calls import Key, reads
from ...engine.calls.lists import dead_letters as letters
from ..database import Connection, Database, rows
from ..schemas.dead_letters import DeadLetter, DeadLetterFilter, DeadLetterPage, DeadLettersQuery
from .paging import cut, read_cursor, write_cursor
from .workflows import find_workflow

COLUMNS: Final[
    LiteralString
] = """instance_id as instance, task, path, workflow, version, step, queue,
       attempts, input, error, died_at, takes"""


class FoundLetter(msgspec.Struct, frozen=True):
    """The key of a dead letter."""

    instance: UUID
    task: str


def _wanted(
    conn: Connection, query: DeadLetterFilter | DeadLettersQuery
) -> letters.DeadLetterFilter:
    """Return the filter with the name of its workflow. Raises Problem 404."""
    return letters.DeadLetterFilter(
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
        wanted = _wanted(conn, query)
        asked = letters.page_dead_letters(COLUMNS, wanted, query.limit + 1, after)
        found = rows(conn, DeadLetter, *asked)
        items, following = cut(found, query.limit, lambda row: (row.instance, row.task))
        if following is None:
            last = rows(conn, FoundLetter, *letters.last_dead_letter(wanted, after))
            if last:
                following = write_cursor((last[0].instance, last[0].task))
                return DeadLetterPage(items, following, reads.LOOKED_AT)
    return DeadLetterPage(items, following)


def find_dead_letters(database: Database, wanted: DeadLetterFilter, limit: int) -> list[Key]:
    """Return the keys of the open dead letters that match, of the oldest instances first."""
    with database.connection() as conn:
        asked = letters.list_dead_letters("instance_id, task", _wanted(conn, wanted), limit)
        return rows(conn, Key, *asked)
