"""Instances, their tasks and their log."""

from datetime import datetime
from typing import Any, Final, LiteralString
from uuid import UUID

from ...engine import calls
from ..database import Connection, Database, rows
from ..problems import not_found
from ..schemas.instances import (
    Explanation,
    Instance,
    InstanceDetail,
    InstancePage,
    InstancesQuery,
    InstanceSummary,
    LogEntry,
    Reason,
    Task,
)
from .paging import cut, read_cursor
from .workflows import find_workflow

MOST_TASKS: Final = 1000
SLACK: Final = 60_000
"""Milliseconds by which a start may differ from the time in its instance's id."""
MOST_LOG_ENTRIES: Final = 5000
"""How many an instance's answer has at most; `truncated` says that there are more."""

SUMMARY: Final[LiteralString] = """id, workflow, version, state as status, closing_as, suspended_by,
       suspended_at, open_tasks, seq, error, started_at, deadline_at, ended_at"""

TASKS: Final[LiteralString] = """
select task, step, kind, state, open, handler, queue, attempts, input, output, error, reason,
       progress, worker_id, due_at, changed_at, seq
  from onceflow.tasks
 where instance_id = %(id)s
 order by open, seq, changed_at, task
 limit %(limit)s"""

# A claim has no seq: its time puts it between the transitions.
LOG: Final[LiteralString] = """
select seq, task, attempt, state, worker_id, error, at
  from onceflow.transitions
 where instance_id = %(id)s
 order by at, seq, n, task, attempt
 limit %(limit)s"""


def find_instance(conn: Connection, instance: UUID, workflow: str | None = None) -> Instance:
    """Return an instance, of this workflow (id or name) where one is named. Raises Problem 404."""
    query: LiteralString = (
        f"select {SUMMARY}, input, output from onceflow.instances where id = %(id)s"  # noqa: S608  literals
    )
    named = None if workflow is None else find_workflow(conn, workflow).name
    found = rows(conn, Instance, query, {"id": instance})
    if not found:
        raise not_found(f"instance {instance}; it may have been dropped when its time was over")
    if named is not None and found[0].workflow != named:
        raise not_found(f"instance {instance} of workflow {named}")
    return found[0]


def read_instance(
    database: Database, instance: UUID, workflow: str | None = None
) -> InstanceDetail:
    """Return an instance with its tasks and log. Raises Problem 404."""
    with database.connection() as conn, conn.transaction():
        # One snapshot, so that state, tasks and log tell the same story.
        conn.execute("set transaction isolation level repeatable read, read only")
        head = find_instance(conn, instance, workflow)
        tasks = rows(conn, Task, TASKS, {"id": instance, "limit": MOST_TASKS + 1})
        log = rows(conn, LogEntry, LOG, {"id": instance, "limit": MOST_LOG_ENTRIES + 1})
    return InstanceDetail(
        **{name: getattr(head, name) for name in Instance.__struct_fields__},
        tasks=tasks[:MOST_TASKS],
        log=log[:MOST_LOG_ENTRIES],
        truncated=len(tasks) > MOST_TASKS or len(log) > MOST_LOG_ENTRIES,
    )


def list_instances(
    database: Database, query: InstancesQuery, workflow: str | None = None
) -> InstancePage:
    """Return the instances that match, the youngest first. Raises Problem 404, 422.

    ``workflow`` is an id or name; None: of all workflows.
    """
    where: list[LiteralString] = ["true"]
    parameters: dict[str, Any] = {"limit": query.limit + 1}
    before = read_cursor(query.cursor, tuple[UUID])
    if before:
        where.append("id < %(before)s")
        parameters["before"] = before[0]
    if query.status:
        where.append("state = %(status)s")
        parameters["status"] = query.status
    if query.suspended is not None:
        where.append("suspended_at is not null" if query.suspended else "suspended_at is null")
    # An id carries the time of the start, to the millisecond: its bounds, a little wider, keep the
    # search within the partitions of that time. (A child's id would carry its root's time.)
    if query.started_after:
        where.append("started_at > %(after)s and id >= %(after_id)s")
        parameters |= {
            "after": query.started_after,
            "after_id": first_id(query.started_after, -SLACK),
        }
    if query.started_before:
        where.append("started_at < %(until)s and id <= %(until_id)s")
        parameters |= {
            "until": query.started_before,
            "until_id": first_id(query.started_before, SLACK),
        }
    with database.connection() as conn:
        matching: LiteralString = " and ".join(where)
        text: LiteralString = (
            f"select {SUMMARY} from onceflow.instances where {matching}"  # noqa: S608
            " order by id desc limit %(limit)s"
        )
        if workflow is not None:
            # Version by version, each along its own index: a workflow that rarely runs is found as
            # fast among millions of others' instances.
            parameters["workflow"] = find_workflow(conn, workflow).name
            text = (
                "select i.* from onceflow.workflow_versions v cross join lateral ("  # noqa: S608
                f"select {SUMMARY} from onceflow.instances"
                f" where version_id = v.version_id and {matching}"
                " order by id desc limit %(limit)s) i"
                " where v.name = %(workflow)s order by i.id desc limit %(limit)s"
            )
        found = rows(conn, InstanceSummary, text, parameters)
    items, following = cut(found, query.limit, lambda row: (row.id,))
    return InstancePage(items, following)


def first_id(time: datetime, milliseconds: int) -> UUID:
    """Return the smallest UUIDv7 so long after a time: they begin with 48 bits of milliseconds."""
    milliseconds += int(time.timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)


def explain(database: Database, instance: UUID) -> Explanation:
    """Say why an instance is not moving. Raises NotFound."""
    with database.connection() as conn:
        because = calls.explain_instance(conn, instance)
    return Explanation(instance, [Reason(reason.task, reason.because) for reason in because])
