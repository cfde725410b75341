"""What is drawn of an instance, read at one moment: never more of a block than a page of scopes."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from ...calls import logs, scopes, waiting
from ...calls.base import Connection
from ...calls.reads import json_rows
from ...calls.scopes import BLOCK, FIRST, KINDS, SCOPE, TASK, TaskKey, read_task_key
from ...errors import NotFound
from ...sessions import steady
from ..bodies import body
from ..database import TRANSITION, Row, find_instance, find_version, list_transitions

MOST_OPENED: Final = 10
"""Blocks whose scopes are drawn."""
MOST_ENTRIES: Final = 1000
"""Entries of the log that are read where there are scopes, and nobody asks for all."""


NONE: Final[dict[str, int]] = {}


@dataclass(frozen=True, slots=True)
class Page:
    """Scopes of a block, each with its ``tasks``; whether more follow."""

    scopes: Sequence[Row]
    more: bool


@dataclass(frozen=True, slots=True)
class Picture:
    """All that a drawing needs of an instance.

    ``tasks`` are those of no block, or of ``scope``; ``opened`` has scopes of blocks, by the
    block's task. ``whole_log``: nothing of the log was left out.
    """

    instance: Row
    definition: dict[str, Any]
    tasks: Sequence[Row]
    not_reached: Sequence[str]
    log: Sequence[Row]
    kept_signals: Sequence[Row] = ()
    opened: Mapping[str, Page] = field(default_factory=dict[str, Page])
    scope: Row | None = None
    whole_log: bool = True

    def log_by_task(self) -> dict[str, list[Row]]:
        """Return the entries of each task, in the order of time."""
        found: dict[str, list[Row]] = defaultdict(list)
        for entry in self.log:
            if entry["task"] is not None:
                found[entry["task"]].append(entry)
        return found


def read_picture(
    conn: Connection, instance_id: UUID, scope: int | None = None, *, whole_log: bool = False
) -> Picture:
    """Read an instance, or one scope of it. Raises NotFound."""
    with steady(conn, snapshot=True):
        instance = find_instance(conn, instance_id)
        version = find_version(conn, instance["workflow"], instance["version"])
        found = None if scope is None else find_scope(conn, instance_id, scope)
        if found is None:
            tasks = json_rows(conn, scopes.list_tasks(TASK, instance_id))
            tasks = _with_blocks(conn, instance_id, tasks)
        else:
            tasks = found["tasks"]
        missing = json_rows(conn, scopes.list_not_reached(instance_id, scope or 0))
        log, whole = _read_log(conn, instance, whole=whole_log)
        kept = json_rows(conn, waiting.list_kept_signals(waiting.KEPT_SIGNAL, instance_id))
        return Picture(
            instance,
            version["definition"],
            tasks,
            [row["step"] for row in missing],
            log,
            kept,
            _open_blocks(conn, instance_id, tasks),
            found,
            whole,
        )


def _read_log(conn: Connection, instance: Row, *, whole: bool) -> tuple[list[Row], bool]:
    """Return the log, and whether it is whole: with scopes it may be of any length."""
    instance_id = UUID(instance["id"])
    if whole or not instance["scopes"]:
        has_scopes = bool(instance["scopes"])
        return list_transitions(conn, instance_id, scopes=has_scopes), True
    asked = logs.first_transitions(TRANSITION, instance_id, MOST_ENTRIES + 1)
    log = json_rows(conn, asked)
    if len(log) > MOST_ENTRIES:
        asked = logs.last_transitions(TRANSITION, instance_id, MOST_ENTRIES)
        return json_rows(conn, asked), False
    return sorted(log, key=lambda entry: (entry["at"], entry["seq"] or 0)), True


def read_page(
    conn: Connection,
    instance_id: UUID,
    block: TaskKey,
    *,
    state: str | None = None,
    page: int = 1,
) -> Page:
    """Return a page of the scopes of a block, each with its tasks; the first is 1."""
    asked = scopes.page_scopes(
        SCOPE, instance_id, FIRST + 1, block=block, state=state, offset=FIRST * (page - 1)
    )
    found = json_rows(conn, asked)
    rows = found[:FIRST]
    _add_tasks(conn, instance_id, rows)
    return Page(rows, len(found) > FIRST)


def find_scope(conn: Connection, instance_id: UUID, scope: int) -> Row:
    """Return a scope with its tasks, and those ``around`` it. Raises NotFound."""
    around = json_rows(conn, scopes.list_around(SCOPE, instance_id, scope))
    if not around:
        raise NotFound(
            f"instance {instance_id} has no scope {scope}",
            hint=f"`onceflow show {instance_id}` shows its blocks",
        )
    found = around.pop()
    _add_tasks(conn, instance_id, [found])
    return {**found, "around": around}


def find_block(conn: Connection, instance_id: UUID, task: str) -> Row:
    """Return the task of a block that has begun. Raises NotFound."""
    rows = json_rows(conn, scopes.find_task(TASK, instance_id, task))
    (found,) = _with_blocks(conn, instance_id, rows) or [None]
    if found is None or found["block"] is None:
        raise NotFound(
            f"instance {instance_id} has no block {task} that has begun",
            hint=f"`onceflow show {instance_id}` shows its blocks; one in a scope is BLOCK/SCOPE",
        )
    return found


def key_of(task: Row) -> TaskKey:
    """Return the key of a task."""
    key = read_task_key(task["task"])
    assert key is not None, task
    return key


def _with_blocks(conn: Connection, instance_id: UUID, tasks: list[Row]) -> list[Row]:
    """Return tasks, those of blocks with how far they are; no statement where there is none."""
    keys = [key_of(task) for task in tasks if task["kind"] in KINDS]
    rows = json_rows(conn, scopes.list_blocks(BLOCK, instance_id, keys)) if keys else []
    blocks = {row.pop("task"): row for row in rows}
    told: list[Row] = []
    block: Row | None
    for task in tasks:
        row = blocks.get(task["task"])
        block = None
        if row is not None:
            task = {**task, "output": row.pop("output")}
            block = body({**row, "by_state": row["by_state"] or NONE})
        told.append({**task, "block": block})
    return told


def _add_tasks(conn: Connection, instance_id: UUID, rows: Sequence[Row]) -> None:
    """Give each scope its tasks."""
    if not rows:
        return
    numbers = [row["scope"] for row in rows]
    blocks = [row["block"].partition("/")[0] for row in rows]
    asked = scopes.list_tasks(TASK, instance_id, scopes=numbers, blocks=blocks)
    tasks = _with_blocks(conn, instance_id, json_rows(conn, asked))
    for row in rows:
        row["tasks"] = [task for task in tasks if task["scope"] == row["scope"]]


def _open_blocks(conn: Connection, instance_id: UUID, tasks: Sequence[Row]) -> dict[str, Page]:
    """Return the first scopes of blocks; beneath them only what has one scope is opened."""
    opened: dict[str, Page] = {}
    waiting = [task for task in tasks if task["block"]]
    while waiting and len(opened) < MOST_OPENED:
        task = waiting.pop(0)
        page = opened[task["task"]] = read_page(conn, instance_id, key_of(task))
        beneath = [inner for scope in page.scopes for inner in scope["tasks"]]
        waiting += [inner for inner in beneath if inner["block"] and inner["block"]["total"] == 1]
    return opened
