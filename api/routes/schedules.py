"""/triggers/…: the times of schedules, and starts by hand."""

from typing import Final

from ...engine.accounts.roles import Role
from ...engine.calls import trigger_schedules
from ...engine.calls.triggers.schedules import backfill_span
from ..operation import Call, Nothing, Operation
from ..problems import Problem, not_found
from ..reads import schedules as reads
from ..reads.triggers import require_kind
from ..schemas.schedules import (
    BackfillAnswer,
    BackfillRequest,
    PlannedTimes,
    RunsQuery,
    ScheduleRunPage,
    TriggeredAnswer,
)


def read_next(call: Call[Nothing, Nothing]) -> PlannedTimes:
    """Read what a schedule has planned."""
    with call.context.database.connection() as conn:
        return reads.read_next(conn, call.path["workflow"], call.path["trigger"])


def list_runs(call: Call[RunsQuery, Nothing]) -> ScheduleRunPage:
    """List what came of a schedule's times."""
    with call.context.database.connection() as conn:
        return reads.list_runs(conn, call.path["workflow"], call.path["trigger"], call.query)


def trigger(call: Call[Nothing, Nothing]) -> TriggeredAnswer:
    """Start an instance now."""
    workflow, trigger = call.path["workflow"], call.path["trigger"]
    with call.context.database.connection() as conn:
        require_kind(conn, workflow, trigger, "schedule")
        (made,) = trigger_schedules(conn, [workflow], [trigger])
    if made.outcome == "unknown":  # it has gone meanwhile
        raise not_found(f"trigger {workflow}/{trigger}")
    if made.outcome == "refused":
        raise Problem(409, f"{workflow}/{trigger} has started nothing: {made.detail}")
    return TriggeredAnswer(made.outcome, made.instance_id, made.detail)


def backfill(call: Call[Nothing, BackfillRequest]) -> BackfillAnswer:
    """Start what a schedule has planned in its past."""
    workflow, trigger = call.path["workflow"], call.path["trigger"]
    with call.context.database.connection() as conn:
        plan = reads.find_plan(conn, workflow, trigger)
        made = backfill_span(conn, plan, workflow, trigger, call.body.begin, call.body.end)
    return BackfillAnswer(made["queued"], made["known"], made["later"])


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/triggers/{workflow}/{trigger}/next",
        name="readPlannedTimes",
        role=Role.VIEWER,
        tag="triggers",
        summary="Read the next ten times of a schedule",
        description="Those of its plan; while it is paused they start nothing.",
        handler=read_next,
        answers={200: PlannedTimes},
        problems=(409,),
    ),
    Operation(
        method="GET",
        path="/triggers/{workflow}/{trigger}/runs",
        name="listScheduleRuns",
        role=Role.VIEWER,
        tag="triggers",
        summary="List what came of a schedule's times",
        handler=list_runs,
        query=RunsQuery,
        answers={200: ScheduleRunPage},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/triggers/{workflow}/{trigger}/trigger",
        name="triggerSchedule",
        role=Role.OPERATOR,
        tag="triggers",
        summary="Have a schedule start an instance now",
        description="As if it had been planned for now, also while it is paused. 409 where that is "
        "refused: its workflow is disabled, or its input fails or does not fit.",
        handler=trigger,
        answers={200: TriggeredAnswer},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/triggers/{workflow}/{trigger}/backfill",
        name="backfillSchedule",
        role=Role.OPERATOR,
        tag="triggers",
        summary="Start what a schedule has planned in its past",
        description="Each planned time starts once, however often it is asked for: one after the "
        "other, ten at a time with `overlap: allow`.",
        handler=backfill,
        body=BackfillRequest,
        answers={200: BackfillAnswer},
        problems=(409,),
        heavy=True,
    ),
]
