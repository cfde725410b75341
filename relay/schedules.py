"""Fires schedules: computes what they have planned, and has SQL do what is still to be done.

Any number of relays may read and compute the same; SQL does it once (fire_schedules).
"""

import logging

from ..engine import failpoints
from ..engine.calls import (
    DueSchedule,
    Run,
    cancel_overlapped_runs,
    fire_schedules,
    read_schedules,
    start_queued_runs,
)
from ..engine.calls.base import Connection
from ..engine.errors import OnceflowError
from ..engine.schedules import PlanError, Turn, take_turn

log = logging.getLogger("onceflow.relay.schedules")


def fire_due_schedules(conn: Connection, limit: int, skip: int) -> int:
    """Fire what is due of schedules; return how many were looked at."""
    due = read_schedules(conn, limit, skip)
    if not due:
        return 0
    turns = [(each, _turn(each)) for each in due]
    failpoints.hit("relay.before_fire")
    runs = fire_schedules(conn, turns)
    failpoints.hit("relay.after_fire")
    for run in runs:
        _tell(run)
    return len(due)


def start_waiting_runs(conn: Connection, limit: int, skip: int) -> int:
    """Start planned times that waited, and make way for those that take another's place."""
    cancel_overlapped_runs(conn, limit)
    return start_queued_runs(conn, limit, skip)


def _turn(due: DueSchedule) -> Turn:
    """Raise OnceflowError for one that was deployed where more time zones are known than here."""
    try:
        return take_turn(due.plan, due.catch_up, due.done_until, due.now)
    except PlanError as error:
        message = f"the schedule {due.plan.name} cannot be planned by this relay: {error}"
        raise OnceflowError(message) from error


def _tell(run: Run) -> None:
    name = f"{run.workflow}/{run.trigger}"
    at = run.planned_at.isoformat()
    error = run.error or {}
    if run.state == "refused":
        log.warning("the schedule %s started nothing for %s: %s", name, at, error.get("message"))
    elif run.state == "skipped":
        log.info("the schedule %s skipped %s: an instance of it is under way", name, at)
    elif run.state == "missed":
        count = error.get("count") or "more than can be counted"
        log.warning(
            "the schedule %s has missed %s planned times, from %s until %s: they lie further back "
            "than its catch_up; `onceflow schedule backfill` starts them",
            name,
            count,
            at,
            error.get("until"),
        )
