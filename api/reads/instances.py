"""Instances, their tasks and their log."""

from collections.abc import Mapping
from typing import Final, LiteralString
from uuid import UUID

from ...engine import calls
from ...engine.calls import logs, reads, scopes, waiting
from ...engine.calls.lists import instances as lists
from ...engine.calls.search import by_labels, not_listed
from ..database import Connection, Database, rows
from ..problems import Fault, invalid, not_found
from ..schemas.instances import (
    Advice,
    Explanation,
    Instance,
    InstanceDetail,
    InstancePage,
    InstancesQuery,
    InstanceSummary,
    Reason,
)
from ..schemas.tasks import LogEntry, NotReached, Task
from ..schemas.waiting import KeptSignal
from .paging import cut, read_cursor, write_cursor
from .scopes import MOST_TASKS, FoundId, with_blocks
from .workflows import Named, find_workflow

MOST_LOG_ENTRIES: Final = 5000
"""How many an instance's answer has at most; `truncated` says that there are more."""
MOST_OF_SCOPES: Final = 1000
"""How many where there are scopes, whose log may be of any length."""


LOG_ENTRY: Final[LiteralString] = (
    f"t.seq, t.task, {logs.PATH}, t.attempt, t.state, t.worker_id, t.error, t.at"
)


def find_instance(conn: Connection, instance: UUID, workflow: str | None = None) -> Instance:
    """Return an instance, of this workflow (id or name) where one is named. Raises Problem 404."""
    named = None if workflow is None else find_workflow(conn, workflow).name
    found = rows(conn, Instance, *reads.find_instance(f"{reads.SUMMARY}, input, output", instance))
    if not found:
        raise not_found(f"instance {instance}; it may have been dropped when its time was over")
    if named is not None and found[0].workflow != named:
        raise not_found(f"instance {instance} of workflow {named}")
    return found[0]


def read_instance(
    database: Database,
    instance: UUID,
    workflow: str | None = None,
    most_of_scopes: int = MOST_OF_SCOPES,
) -> InstanceDetail:
    """Return an instance with its tasks and log. Raises Problem 404.

    ``most_of_scopes``: of how many entries the log is read where it may be of any length.
    """
    with database.snapshot() as conn:  # so that state, tasks and log tell the same story
        head = find_instance(conn, instance, workflow)
        tasks = rows(conn, Task, *scopes.list_tasks(scopes.TASK, instance, MOST_TASKS + 1))
        tasks = with_blocks(conn, instance, tasks)
        log, cut_off = _read_log(conn, head, most_of_scopes)
        missing = rows(conn, NotReached, *scopes.list_not_reached(instance))
        kept = rows(conn, KeptSignal, *waiting.list_kept_signals(waiting.KEPT_SIGNAL, instance))
    return InstanceDetail(
        **{name: getattr(head, name) for name in Instance.__struct_fields__},
        tasks=tasks[:MOST_TASKS],
        not_reached=[each.step for each in missing],
        kept_signals=kept,
        log=log,
        truncated=len(tasks) > MOST_TASKS or cut_off,
    )


def _read_log(conn: Connection, head: Instance, most: int) -> tuple[list[LogEntry], bool]:
    """Return the log of an instance, and whether there is more of it.

    With scopes it may be of any length: what is not read whole is read from its end, along its
    index, which claims are not in.
    """
    if not head.scopes:
        asked = logs.list_transitions(LOG_ENTRY, head.id, MOST_LOG_ENTRIES + 1)
        log = rows(conn, LogEntry, *asked)
        return log[:MOST_LOG_ENTRIES], len(log) > MOST_LOG_ENTRIES
    if rows(conn, FoundId, *logs.find_further(head.id, MOST_OF_SCOPES)):
        log = rows(conn, LogEntry, *logs.last_transitions(LOG_ENTRY, head.id, most))
        return log, True
    log = rows(conn, LogEntry, *logs.first_transitions(LOG_ENTRY, head.id, MOST_OF_SCOPES))
    # They come by their seq, the claims last: by time, each claim is before what followed it.
    return sorted(log, key=lambda entry: (entry.at, entry.seq or 0)), False


def list_instances(
    database: Database, query: InstancesQuery, workflow: str | None = None
) -> InstancePage:
    """Return the instances that match, the youngest first. Raises Problem 404, 422.

    ``workflow`` is an id or name; None: of all workflows.
    """
    before = read_cursor(query.cursor, tuple[UUID])
    with database.connection() as conn:
        wanted = reads.InstanceFilter(
            workflow=None if workflow is None else find_workflow(conn, workflow).name,
            states=[query.status] if query.status else None,
            suspended=query.suspended,
            key=query.key,
            parent=query.parent,
            fields={**query.fields, **by_labels(query.labels)},
            id=query.id,
            started_after=query.started_after,
            started_before=query.started_before,
            before=before[0] if before else None,
        )
        if not lists.is_served(wanted):
            return _look(conn, wanted, query.limit)
        asked = reads.list_instances(reads.SUMMARY, wanted, query.limit + 1)
        if reads.by_fields_alone(wanted):
            ids = rows(conn, FoundId, *reads.list_found_ids(wanted, query.limit + 1))
            asked = reads.list_these(reads.SUMMARY, [each.id for each in ids])
        found = rows(conn, InstanceSummary, *asked)
        if not found and query.fields:
            _require_listed(conn, query.fields)
    items, following = cut(found, query.limit, lambda row: (row.id,))
    return InstancePage(items, following)


def _look(conn: Connection, wanted: reads.InstanceFilter, limit: int) -> InstancePage:
    """Return the page of those that match among so many, and how many these are."""
    ids = [each.id for each in rows(conn, FoundId, *lists.find_looked_at(wanted, limit + 1))]
    last = rows(conn, FoundId, *lists.last_looked_at(wanted))
    if last:  # further down not every version was looked at
        ids = [each for each in ids if each >= last[0].id]
    found = rows(conn, InstanceSummary, *reads.list_these(reads.SUMMARY, ids[:limit]))
    if len(ids) > limit:
        return InstancePage(found, write_cursor((ids[limit - 1],)))
    if last:
        return InstancePage(found, write_cursor((last[0].id,)), reads.LOOKED_AT)
    return InstancePage(found, None)


def _require_listed(conn: Connection, fields: Mapping[str, str]) -> None:
    """Raise Problem 422 for fields that no workflow lists: by these nothing is ever found."""
    known = [each.name for each in rows(conn, Named, *reads.list_fields())]
    faults = [
        Fault(f"query.input.{field}", fault)
        for field in fields
        if (fault := not_listed([field], known))
    ]
    if faults:
        raise invalid(faults)


def explain(database: Database, instance: UUID) -> Explanation:
    """Say why an instance is not moving. Raises NotFound."""
    with database.connection() as conn:
        because = calls.explain_instance(conn, instance)
    reasons = [
        Reason(reason.task, reason.because, Advice(**reason.advice) if reason.advice else None)
        for reason in because
    ]
    return Explanation(instance, reasons)
