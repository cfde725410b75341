"""What the engine has of an instance, in one statement, as the interpreter tells it."""

from dataclasses import dataclass
from typing import Any, TypeAlias
from uuid import UUID

from ...sql.play import Connection
from ..interpreter import End, RowView

Json = Any
Key: TypeAlias = tuple[tuple[str, int, int], ...]

BLOCKS = ("steps", "switch", "parallel", "race", "for_each")

READ = """
select array[i.state, i.error ->> 'code', i.error ->> 'task', i.suspended_by], i.output,
    i.open_tasks,
    (select jsonb_agg(jsonb_build_array(onceflow.task_name(t.step, t.scope, t.visit), t.step,
            t.scope, t.visit, s.kind, t.state, t.error ->> 'code', t.seq, t.attempt, t.output))
        from onceflow.task t
        left join onceflow.step s on s.version_id = i.version_id and s.step = t.step
        where t.instance_id = i.id)
from onceflow.instance i where i.id = %s"""


@dataclass(frozen=True)
class TaskRow:
    """A row of onceflow.task; ``key`` sorts it from the outside in."""

    task: str
    path: str
    key: Key
    kind: str
    seq: int | None
    view: RowView


class Snapshot:
    """An instance between two calls. Paths are the interpreter's."""

    def __init__(self, conn: Connection, instance_id: UUID) -> None:
        row = conn.execute(READ, (instance_id,)).fetchone()
        assert row is not None
        (state, code, task, suspended_by), output, self.open_tasks, tasks = row
        self.tasks = [_task_row(*columns) for columns in tasks]
        self.tasks.sort(key=lambda row: row.key)
        self.paths = {row.task: row.path for row in self.tasks}
        self.names = {row.path: row.task for row in self.tasks}
        where = None if task is None else self.paths.get(task, task)
        self.end = End(state, output, code, where, suspended_by)

    @property
    def rows(self) -> dict[str, RowView]:
        """All rows by path, but for those by which blocks are undone."""
        return {row.path: row.view for row in self.tasks if row.kind != "undo"}

    @property
    def due(self) -> list[str]:
        """What a worker may claim."""
        return [path for path, row in self.rows.items() if row.state == "QUEUED"]

    @property
    def undone(self) -> list[str]:
        """What was undone, in that order."""
        found = [
            (row.seq, row.key, row.path.removesuffix(".compensate"))
            for row in self.tasks
            if row.kind == "compensation" and row.view.state in ("SUCCEEDED", "SKIPPED")
        ]
        return [path for _, _, path in sorted(found)]

    def check(self) -> None:
        """Assert that the counters are what the rows say."""
        open_rows = sum(1 for row in self.tasks if row.view.open)
        assert self.open_tasks == open_rows, f"open_tasks is {self.open_tasks}, not {open_rows}"


def _task_row(
    task: str,
    step: str,
    scope: int,
    visit: int,
    kind: str,
    state: str,
    code: str | None,
    seq: int | None,
    attempt: int,
    output: Json,
) -> TaskRow:
    path = step + (f"#{visit}" if visit else "")
    # A compensation is sorted as what it undoes.
    own = step.removesuffix(".compensate") if kind == "compensation" else step
    view = RowView(state, output, code, seq is None, attempt)
    return TaskRow(task, path, ((own, visit, -1),), kind, seq, view)
