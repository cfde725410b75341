"""Triggers, and what they could make nothing of."""

from datetime import datetime
from typing import Final, LiteralString

import msgspec

from ...engine.calls import triggers as asks
from ..database import Connection, Database, rows
from ..problems import not_found
from ..schemas.triggers import (
    Trigger,
    TriggerFailure,
    TriggerFailures,
    TriggerKind,
    TriggerPage,
    TriggersQuery,
)
from .paging import cut, read_cursor

COLUMNS: Final[LiteralString] = (
    "workflow, trigger, kind, version, spec, paused_at, disabled_at, next_at, failed, failed_at"
)
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
    failed: int
    failed_at: datetime | None


def list_triggers(database: Database, query: TriggersQuery) -> TriggerPage:
    """Return triggers, by workflow and id."""
    after = read_cursor(query.cursor, tuple[str, str])
    asked = asks.list_triggers(COLUMNS, query.workflow, query.kind, after, query.limit + 1)
    with database.connection() as conn:
        found = [_trigger(row) for row in rows(conn, _Row, *asked)]
    items, following = cut(found, query.limit, lambda row: (row.workflow, row.trigger))
    return TriggerPage(items, following)


def find_trigger(conn: Connection, workflow: str, trigger: str) -> Trigger:
    """Return one trigger. Raises Problem 404."""
    found = rows(conn, _Row, *asks.find_trigger(COLUMNS, workflow, trigger))
    if not found:
        raise not_found(f"trigger {workflow}/{trigger}")
    return _trigger(found[0])


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
        failed=row.failed,
        failed_at=row.failed_at,
    )
