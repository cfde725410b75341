"""Schedules: what they have planned, and what came of it."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from ...engine.calls import plan_of
from ...engine.calls.triggers import find_trigger
from ...engine.calls.triggers import schedules as asks
from ...engine.schedules import Plan
from ..database import Connection, rows
from ..schemas.schedules import (
    PlannedTime,
    PlannedTimes,
    RunsQuery,
    ScheduleRun,
    ScheduleRunPage,
)
from ..schemas.words import Time
from .paging import cut, read_cursor
from .triggers import require_kind

NEXT: Final = 10


class _Row(msgspec.Struct, frozen=True):
    spec: msgspec.Raw


def find_plan(conn: Connection, workflow: str, trigger: str) -> Plan:
    """Return the plan of a schedule. Raises Problem 404 or 409."""
    require_kind(conn, workflow, trigger, "schedule")
    (row,) = rows(conn, _Row, *find_trigger("spec", workflow, trigger))
    return plan_of(workflow, trigger, msgspec.json.decode(row.spec, type=dict[str, Any])["plan"])


def read_next(conn: Connection, workflow: str, trigger: str) -> PlannedTimes:
    """Return the next times of a schedule. Raises Problem 404 or 409."""
    plan = find_plan(conn, workflow, trigger)
    planned = asks.planned_times(plan, datetime.now(UTC), NEXT)
    return PlannedTimes([PlannedTime(at, plan.due(at)) for at in planned])


def list_runs(conn: Connection, workflow: str, trigger: str, query: RunsQuery) -> ScheduleRunPage:
    """Return what came of a schedule's times, the last first. Raises Problem 404 or 409."""
    require_kind(conn, workflow, trigger, "schedule")
    before = read_cursor(query.cursor, tuple[Time])
    asked = asks.list_runs(
        asks.RUN, workflow, trigger, query.limit + 1, before[0] if before else None
    )
    found = rows(conn, ScheduleRun, *asked)
    items, following = cut(found, query.limit, lambda run: (run.planned_at,))
    return ScheduleRunPage(items, following)
