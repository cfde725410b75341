"""The inside of instances with blocks: scopes counted and read page by page, never all of them."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

import msgspec
from msgspec.structs import replace

from ...engine.calls import reads
from ...engine.calls import scopes as asked
from ...engine.calls.scopes import BLOCK, KINDS, SCOPE, TASK, TaskKey, read_task_key
from ..database import Connection, Database, rows
from ..problems import not_found
from ..schemas.tasks import (
    Block,
    NotReached,
    Scope,
    ScopeDetail,
    ScopePage,
    ScopesQuery,
    ScopeSummary,
    Task,
)
from .paging import read_cursor, write_cursor

MOST_TASKS: Final = 1000
"""How many an answer has at most; `truncated` says that there are more."""

MOST_OPENED: Final = 10
"""Blocks whose scopes are read where all of an instance is shown."""


class BlockRow(msgspec.Struct, frozen=True):
    """A block as the view has it."""

    task: str
    total: int
    by_state: msgspec.Raw | None
    failed: int
    needed: int | None
    tolerate: int | None
    percent: float | None
    max_parallel: int | None
    fails: str | None
    caught: str | None
    timeout_at: object
    resume_at: object
    output: msgspec.Raw | None


class Ranked(ScopeSummary, frozen=True):
    """A scope, and the rank by which pages are ordered."""

    rank: int


def key_of(task: Task) -> TaskKey:
    """Return the key of the task of a block."""
    key = read_task_key(task.task)
    assert key is not None, task.task
    return key


def with_blocks(conn: Connection, instance: UUID, tasks: Sequence[Task]) -> list[Task]:
    """Return tasks, those of blocks with how far they are; no statement where there is none."""
    keys = [key_of(task) for task in tasks if task.kind in KINDS]
    if not keys:
        return list(tasks)
    found = rows(conn, BlockRow, *asked.list_blocks(BLOCK, instance, keys))
    blocks = {row.task: row for row in found}
    return [_with_block(task, blocks[task.task]) if task.task in blocks else task for task in tasks]


def _with_block(task: Task, row: BlockRow) -> Task:
    given = {name: getattr(row, name) for name in Block.__struct_fields__}
    given["by_state"] = msgspec.json.decode(row.by_state or b"{}", type=dict[str, int])
    return replace(task, output=row.output, block=Block(**given))


def read_tasks(conn: Connection, instance: UUID, scopes: Sequence[ScopeSummary]) -> list[Task]:
    """Return the tasks of scopes: one more than there may be where there are more."""
    if not scopes:
        return []
    query = asked.list_tasks(
        TASK,
        instance,
        MOST_TASKS + 1,
        scopes=[scope.scope for scope in scopes],
        blocks=[scope.block.partition("/")[0] for scope in scopes],
    )
    return with_blocks(conn, instance, rows(conn, Task, *query))


def read_page(
    conn: Connection, instance: UUID, query: ScopesQuery, block: TaskKey | None = None
) -> ScopePage:
    """Return a page of the scopes of a block, or of all, each with its tasks.

    Raises Problem 404 where there is no such block, 422.
    """
    if query.block is not None:
        block = read_task_key(query.block)
        if block is None:
            raise not_found(f"block {query.block!r}")
    after = read_cursor(query.cursor, tuple[int, int])
    found = rows(
        conn,
        Ranked,
        *asked.page_scopes(
            f"{SCOPE}, r.rank",
            instance,
            query.limit + 1,
            block=block,
            state=query.state,
            after=after,
        ),
    )
    if not found and block is not None:
        _require_block(conn, instance, block)
    following = None
    if len(found) > query.limit:
        found = found[: query.limit]
        following = write_cursor((found[-1].rank, found[-1].scope))
    tasks = read_tasks(conn, instance, found)
    return ScopePage(
        [with_tasks(scope, tasks[:MOST_TASKS]) for scope in found],
        following,
        len(tasks) > MOST_TASKS,
    )


def _require_block(conn: Connection, instance: UUID, block: TaskKey) -> None:
    """Raise Problem 404 where a block has not begun, or is none."""
    if not rows(conn, Begun, *asked.list_blocks("b.task", instance, [block])):
        raise not_found(f"block {block.step} in {instance}, or it has not begun")


class Begun(msgspec.Struct, frozen=True):
    """A block that has begun."""

    task: str


def with_tasks(scope: ScopeSummary, tasks: Sequence[Task]) -> Scope:
    """Return a scope with those of the tasks that are its own."""
    given = {name: getattr(scope, name) for name in ScopeSummary.__struct_fields__}
    return Scope(**given, tasks=[task for task in tasks if task.scope == scope.scope])


def list_scopes(database: Database, instance: UUID, query: ScopesQuery) -> ScopePage:
    """Return a page of scopes. Raises Problem 404, 422."""
    with database.snapshot() as conn:
        require_instance(conn, instance)
        return read_page(conn, instance, query)


def read_scope(conn: Connection, instance: UUID, scope: int) -> ScopeDetail:
    """Return a scope with its tasks. Raises Problem 404."""
    around = rows(conn, ScopeSummary, *asked.list_around(SCOPE, instance, scope))
    if not around:
        raise not_found(f"scope {scope} of instance {instance}")
    found = around.pop()
    tasks = read_tasks(conn, instance, [found])
    missing = rows(conn, NotReached, *asked.list_not_reached(instance, scope))
    given = {name: getattr(found, name) for name in ScopeSummary.__struct_fields__}
    return ScopeDetail(
        **given,
        tasks=tasks[:MOST_TASKS],
        around=around,
        not_reached=[each.step for each in missing],
        truncated=len(tasks) > MOST_TASKS,
    )


def open_blocks(
    conn: Connection, instance: UUID, tasks: Sequence[Task], most: int = MOST_OPENED
) -> dict[str, ScopePage]:
    """Return the first scopes of each block among tasks, by the block's task.

    Beneath them only what has one scope is opened: groups and cases. At most ``most`` blocks are.
    """
    return _open(conn, instance, [task for task in tasks if task.block], most)


def open_beneath(conn: Connection, instance: UUID, page: ScopePage) -> dict[str, ScopePage]:
    """Return the one scope of each group and case among the tasks of a page of scopes."""
    return _open(conn, instance, _groups(page), MOST_OPENED)


def _open(conn: Connection, instance: UUID, waiting: list[Task], most: int) -> dict[str, ScopePage]:
    opened: dict[str, ScopePage] = {}
    while waiting and len(opened) < most:
        task = waiting.pop(0)
        page = opened[task.task] = read_page(conn, instance, ScopesQuery(), key_of(task))
        waiting += _groups(page)
    return opened


def _groups(page: ScopePage) -> list[Task]:
    beneath = (task for scope in page.items for task in scope.tasks)
    return [task for task in beneath if task.block and task.block.total == 1]


def read_block(conn: Connection, instance: UUID, text: str) -> Task:
    """Return the task of a block. Raises Problem 404."""
    query = asked.find_task(TASK, instance, text)
    found = with_blocks(conn, instance, rows(conn, Task, *query))
    if not found or not found[0].block:
        raise not_found(f"block {text!r} of instance {instance}")
    return found[0]


class FoundId(msgspec.Struct, frozen=True):
    """The id of an instance that was found."""

    id: UUID


def require_instance(conn: Connection, instance: UUID) -> None:
    """Raise Problem 404 where there is no such instance."""
    if not rows(conn, FoundId, *reads.find_instance("id", instance)):
        raise not_found(f"instance {instance}; it may have been dropped when its time was over")
