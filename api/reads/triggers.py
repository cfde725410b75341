"""Triggers, where they stand in topics, and what they could make nothing of."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from ...engine.calls import triggers as asks
from ..database import Connection, Database, rows
from ..problems import Problem, not_found
from ..schemas.schedules import RunState
from ..schemas.triggers import (
    StalledTrigger,
    TopicPosition,
    TopicPositions,
    Trigger,
    TriggerFailure,
    TriggerFailures,
    TriggerKind,
    TriggerPage,
    TriggersQuery,
)
from .paging import cut, read_cursor

STALLED: Final[LiteralString] = "workflow, trigger, kind, due_since, problem, lag, stuck, taken_at"
KINDS: Final = {"schedule": "a schedule", "kafka": "of a topic", "webhook": "a webhook"}
FAILURE: Final[LiteralString] = "id, code, message, key, times, first_at, last_at"


class _Row(msgspec.Struct, frozen=True):
    workflow: str
    trigger: str
    kind: TriggerKind
    version: int
    spec: msgspec.Raw
    paused_at: datetime | None
    disabled_at: datetime | None
    next_at: datetime | None
    due_at: datetime | None
    late: float | None
    last_planned_at: datetime | None
    last_state: RunState | None
    last_instance: UUID | None
    problem: str | None
    lag: int | None
    failed: int
    failed_at: datetime | None


def list_triggers(database: Database, query: TriggersQuery) -> TriggerPage:
    """Return triggers, by workflow and id."""
    after = read_cursor(query.cursor, tuple[str, str])
    asked = asks.list_triggers(asks.TRIGGER, query.workflow, query.kind, after, query.limit + 1)
    with database.connection() as conn:
        found = [_trigger(row) for row in rows(conn, _Row, *asked)]
    items, following = cut(found, query.limit, lambda row: (row.workflow, row.trigger))
    return TriggerPage(items, following)


def find_trigger(conn: Connection, workflow: str, trigger: str) -> Trigger:
    """Return one trigger. Raises Problem 404."""
    found = rows(conn, _Row, *asks.find_trigger(asks.TRIGGER, workflow, trigger))
    if not found:
        raise not_found(f"trigger {workflow}/{trigger}")
    return _trigger(found[0])


def require_kind(conn: Connection, workflow: str, trigger: str, kind: TriggerKind) -> Trigger:
    """Return a trigger of that kind. Raises Problem 404, and 409 where it is of another."""
    found = find_trigger(conn, workflow, trigger)
    if found.kind != kind:
        is_one, asked = KINDS[found.kind], KINDS[kind]
        raise Problem(409, f"The trigger {workflow}/{trigger} is {is_one}, not {asked}.")
    return found


def read_positions(conn: Connection, workflow: str, trigger: str) -> TopicPositions:
    """Return where a trigger stands in its topic. Raises Problem 404 or 409."""
    found = require_kind(conn, workflow, trigger, "kafka")
    asked = asks.list_positions(asks.POSITION, workflow, trigger)
    return TopicPositions(rows(conn, TopicPosition, *asked), found.problem)


def stalled_triggers(conn: Connection) -> list[StalledTrigger]:
    """Return schedules that are due and that nobody starts, and topics that nobody can read."""
    return rows(conn, StalledTrigger, *asks.list_stalled(STALLED))


def read_failures(conn: Connection, workflow: str, trigger: str) -> TriggerFailures:
    """Return what a trigger could make nothing of. Raises Problem 404."""
    find_trigger(conn, workflow, trigger)
    return TriggerFailures(
        rows(conn, TriggerFailure, *asks.list_failures(FAILURE, workflow, trigger))
    )


def _trigger(row: _Row) -> Trigger:
    spec = msgspec.json.decode(row.spec)
    return Trigger(
        workflow=row.workflow,
        trigger=row.trigger,
        kind=row.kind,
        version=row.version,
        hears=asks.hears(row.workflow, row.trigger, row.kind, spec),
        paused_at=row.paused_at,
        disabled_at=row.disabled_at,
        next_at=row.next_at,
        due_at=row.due_at,
        late=row.late,
        last_planned_at=row.last_planned_at,
        last_state=row.last_state,
        last_instance=row.last_instance,
        problem=row.problem,
        lag=row.lag,
        failed=row.failed,
        failed_at=row.failed_at,
    )
