"""Types of schedules: what they have planned, and what came of it."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from .words import Cursor, ErrorOrNull, InstanceState, Limit, Next, Time

RunState: TypeAlias = Literal["queued", "started", "skipped", "missed", "refused"]


class PlannedTime(msgspec.Struct, frozen=True):
    """A time that a schedule has planned."""

    planned_at: Time
    due_at: Annotated[Time, msgspec.Meta(description="When it starts: later by its jitter.")]


class PlannedTimes(msgspec.Struct, frozen=True):
    """The next ten times of a schedule."""

    items: list[PlannedTime]


class ScheduleRun(msgspec.Struct, frozen=True):
    """What came of a planned time; of missed ones that follow each other there is one."""

    planned_at: Time
    cause: Annotated[
        Literal["schedule", "backfill", "manual"],
        msgspec.Meta(description="Who asked for it: the plan, a backfill, a person."),
    ]
    state: RunState
    instance: UUID | None
    instance_status: InstanceState | None
    until: Annotated[
        Time | None, msgspec.Meta(description="Of missed times the last; null of any other.")
    ]
    count: Annotated[
        int | None,
        msgspec.Meta(description="How many were missed; null also where they were not counted."),
    ]
    error: ErrorOrNull


class RunsQuery(msgspec.Struct, frozen=True):
    """Which runs."""

    limit: Limit = 50
    cursor: Cursor = ""


class ScheduleRunPage(msgspec.Struct, frozen=True):
    """What came of planned times, the last first."""

    items: list[ScheduleRun]
    next: Next


class TriggeredAnswer(msgspec.Struct, frozen=True):
    """What came of a start by hand."""

    outcome: Annotated[
        Literal["started", "queued", "skipped"],
        msgspec.Meta(description="As the schedule's `overlap` says while another is under way."),
    ]
    instance: UUID | None
    detail: str


class BackfillRequest(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"begin": "from", "end": "to"}
):
    """A span of a schedule's past, both ends included."""

    begin: Time
    end: Time


class BackfillAnswer(msgspec.Struct, frozen=True):
    """How many of the times that were planned in the span had which outcome."""

    queued: Annotated[int, msgspec.Meta(description="They start one after the other.")]
    known: Annotated[int, msgspec.Meta(description="They have started before, or wait already.")]
    later: Annotated[int, msgspec.Meta(description="They are still to come by themselves.")]
