"""What the engine has of an instance, in one statement, as the interpreter tells it."""

from collections import Counter
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID

from ...sql.play import Connection
from ..interpreter import End, RowView

Json = Any
Key: TypeAlias = tuple[tuple[str, int, int], ...]

READ = """
select array[i.state, i.error ->> 'code', i.error ->> 'task', i.suspended_by], i.output,
    i.open_tasks, i.seq,
    (select jsonb_agg(jsonb_build_array(onceflow.task_name(t.step, t.scope, t.visit), t.step,
            t.scope, t.visit, s.kind, t.state, t.error ->> 'code', t.seq, t.attempt,
            case when t.seq is null or t.seq <= %(known)s then t.output
                else onceflow.seen_output(t.instance_id, i.version_id, t.step, t.scope, t.visit,
                    t.state, t.output) end))
        from onceflow.task t
        left join onceflow.step s on s.version_id = i.version_id and s.step = t.step
        where t.instance_id = i.id),
    (select jsonb_agg(jsonb_build_array(s.scope, s.parent, s.block, s.visit, s.ordinal, s.state,
            s.ends_as, s.settled, s.open, s.live) order by s.scope)
        from onceflow.scope s where s.instance_id = i.id),
    (select jsonb_agg(jsonb_build_array(b.step, b.scope, b.visit, b.total, b.opened, b.under_way,
            b.ended, b.succeeded, b.failed, b.live))
        from onceflow.block b where b.instance_id = i.id),
    (select jsonb_agg(jsonb_build_array(onceflow.task_name(w.step, w.scope, w.visit), w.name,
            w.key))
        from onceflow.wait w where w.instance_id = i.id and w.kind in ('signal', 'event')),
    (select jsonb_agg(jsonb_build_array(d.name, d.payload) order by d.id)
        from onceflow.delivery d where d.instance_id = i.id and d.state = 'kept'),
    (select jsonb_agg(jsonb_build_array(onceflow.task_name(w.step, w.scope, w.visit),
            to_jsonb(w.people), w.claimed_by, extract(epoch from w.remind_at)))
        from onceflow.wait w where w.instance_id = i.id and w.kind = 'form')
from onceflow.instance i where i.id = %(id)s"""
"""Rows that ended by ``known`` are not asked what they give, which of a block is not kept."""


class TaskRow(NamedTuple):
    """A row of onceflow.task."""

    task: str
    step: str
    scope: int
    visit: int
    kind: str | None
    state: str
    code: str | None
    seq: int | None
    attempt: int
    output: Json


class ScopeRow(NamedTuple):
    """A row of onceflow.scope."""

    scope: int
    parent: int
    block: str
    visit: int
    ordinal: int
    state: str
    ends_as: str | None
    settled: bool
    open: int
    live: int


class BlockRow(NamedTuple):
    """A row of onceflow.block."""

    step: str
    scope: int
    visit: int
    total: int
    opened: int
    under_way: int
    ended: int
    succeeded: int
    failed: int
    live: int


@dataclass(frozen=True)
class Place:
    """Where a scope lies: ``key`` sorts from the outside in."""

    path: str
    key: Key


class Snapshot:
    """An instance between two calls. Paths are the interpreter's.

    What a block gives is put together where it is read, at a cost: ``before`` tells of those that
    had ended then.
    """

    def __init__(
        self,
        conn: Connection,
        instance_id: UUID,
        before: "Snapshot | None" = None,
        prefix: str = "",
    ) -> None:
        known = 0 if before is None else before.seq
        row = conn.execute(READ, {"id": instance_id, "known": known}).fetchone()
        assert row is not None
        (state, code, task, suspended_by), output, self.open_tasks, self.seq, *parts = row
        tasks, scopes, blocks, waits, kept, forms = parts
        self.kept = [(name, payload) for name, payload in kept or ()]
        self.scope_rows = [ScopeRow(*columns) for columns in scopes or ()]
        self.block_rows = [BlockRow(*columns) for columns in blocks or ()]
        self.places = {0: Place(prefix, ())}
        # A scope is made after the one around it, so that its number is greater.
        for scope in self.scope_rows:
            outer = self.places[scope.parent]
            block = f"{outer.path}{_visited(scope.block, scope.visit)}[{scope.ordinal}]/"
            step = (scope.block, scope.visit, scope.ordinal)
            self.places[scope.scope] = Place(block, (*outer.key, step))
        told = {} if before is None else before.outputs
        read = [TaskRow(*columns) for columns in tasks]
        read = [row._replace(output=told.get(row.task, row.output)) for row in read]
        rows = sorted(read, key=self._key)
        self.outputs = {row.task: row.output for row in rows if row.seq is not None}
        self.task_rows = {self._path(row): row for row in rows}
        self.names = {path: row.task for path, row in self.task_rows.items()}
        paths = {row.task: path for path, row in self.task_rows.items()}
        self.waits = {paths[row]: (name, key) for row, name, key in waits or ()}
        self.forms = {paths[row]: tuple(told) for row, *told in forms or ()}
        where = None if task is None else paths.get(task, prefix + task)
        self.end = End(state, output, code, where, suspended_by)

    def _path(self, row: TaskRow) -> str:
        return self.places[row.scope].path + _visited(row.step, row.visit)

    def _key(self, row: TaskRow) -> Key:
        return (*self.places[row.scope].key, (row.step, row.visit, -1))

    @property
    def rows(self) -> dict[str, RowView]:
        """All rows by path, but for those by which blocks are undone."""
        return {
            path: RowView(row.state, row.output, row.code, row.seq is None, _attempt(row))
            for path, row in self.task_rows.items()
            if row.kind != "undo"
        }

    @property
    def scopes(self) -> dict[str, str]:
        """The states of scopes by path, without scope 0."""
        return {
            self.places[scope.scope].path.removesuffix("/"): scope.state
            for scope in self.scope_rows
        }

    @property
    def due(self) -> list[str]:
        """What a worker may claim."""
        return [path for path, row in self.task_rows.items() if row.state == "QUEUED"]

    @property
    def undone(self) -> list[str]:
        """What was undone, in that order; what was undone by one call in the order of its rows."""
        undone = [
            row._replace(step=row.step.removesuffix(".compensate"))
            for row in self.task_rows.values()
            if row.kind in ("compensation", "undo_child") and row.state in ("SUCCEEDED", "SKIPPED")
        ]
        return [self._path(row) for row in sorted(undone, key=lambda r: (r.seq, self._key(r)))]

    def check(self) -> None:
        """Assert that the counters are what the rows say."""
        rows = self.task_rows.values()
        open_in = Counter(row.scope for row in rows if row.seq is None)
        assert self.open_tasks == open_in.total(), f"open_tasks is {self.open_tasks}: {open_in}"
        live_in = Counter(block.scope for block in self.block_rows if block.live)
        for scope in self.scope_rows:
            counted = (open_in[scope.scope], live_in[scope.scope])
            assert (scope.open, scope.live) == counted, f"{scope} has {counted} open and live"
        for block in self.block_rows:
            self._check_block(block)

    def _check_block(self, block: BlockRow) -> None:
        scopes = [
            scope
            for scope in self.scope_rows
            if (scope.block, scope.parent, scope.visit) == (block.step, block.scope, block.visit)
        ]
        states = Counter(scope.state for scope in scopes)
        under_way = states["OPEN"] + states["CLOSING"] + states["COMPENSATING"]
        failed = sum(1 for scope in scopes if "FAILED" in (scope.state, scope.ends_as))
        expected = {
            "total": len(scopes),
            "under_way": under_way,
            "ended": len(scopes) - under_way - states["WAITING"],
            "succeeded": states["SUCCEEDED"],
            "failed": failed,
            "live": sum(1 for scope in scopes if scope.state != "WAITING" and not scope.settled),
        }
        told = {name: getattr(block, name) for name in expected}
        assert told == expected, f"{block} counts {told}, its rows are {expected}"


def _attempt(row: TaskRow) -> int:
    """Return how often a worker has tried it; what waits for an instance counts otherwise."""
    return 0 if row.kind in ("workflow", "undo_child") else row.attempt


def _visited(step: str, visit: int) -> str:
    return f"{step}#{visit}" if visit else step
