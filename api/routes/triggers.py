"""/triggers: what starts instances by itself."""

from collections.abc import Callable, Sequence
from typing import Final

from ...engine import calls
from ...engine.accounts.roles import Role
from ..database import Connection
from ..operation import Call, Nothing, Operation
from ..problems import not_found
from ..reads import triggers as reads
from ..schemas.triggers import (
    TopicPositions,
    Trigger,
    TriggerFailures,
    TriggerPage,
    TriggersQuery,
)


def list_triggers(call: Call[TriggersQuery, Nothing]) -> TriggerPage:
    """List triggers."""
    return reads.list_triggers(call.context.database, call.query)


def read_trigger(call: Call[Nothing, Nothing]) -> Trigger:
    """Read a trigger."""
    with call.context.database.connection() as conn:
        return reads.find_trigger(conn, call.path["workflow"], call.path["trigger"])


def read_failures(call: Call[Nothing, Nothing]) -> TriggerFailures:
    """Read what a trigger could make nothing of."""
    with call.context.database.connection() as conn:
        return reads.read_failures(conn, call.path["workflow"], call.path["trigger"])


def read_positions(call: Call[Nothing, Nothing]) -> TopicPositions:
    """Read where a trigger stands in its topic."""
    with call.context.database.connection() as conn:
        return reads.read_positions(conn, call.path["workflow"], call.path["trigger"])


def _switching(
    switch: Callable[[Connection, Sequence[str], Sequence[str]], list[calls.TriggerDecision]],
) -> Callable[[Call[Nothing, Nothing]], Trigger]:
    """Return the handler that pauses a trigger, or resumes it."""

    def handler(call: Call[Nothing, Nothing]) -> Trigger:
        workflow, trigger = call.path["workflow"], call.path["trigger"]
        with call.context.database.connection() as conn:
            (decided,) = switch(conn, [workflow], [trigger])
            if decided.outcome == "unknown":
                raise not_found(f"trigger {workflow}/{trigger}")
            return reads.find_trigger(conn, workflow, trigger)

    return handler


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/triggers",
        name="listTriggers",
        role=Role.VIEWER,
        tag="triggers",
        summary="List what starts instances by itself",
        description="The entries of `on` of the latest version of each workflow.",
        handler=list_triggers,
        query=TriggersQuery,
        answers={200: TriggerPage},
    ),
    Operation(
        method="GET",
        path="/triggers/{workflow}/{trigger}",
        name="readTrigger",
        role=Role.VIEWER,
        tag="triggers",
        summary="Read a trigger",
        handler=read_trigger,
        answers={200: Trigger},
    ),
    Operation(
        method="POST",
        path="/triggers/{workflow}/{trigger}/pause",
        name="pauseTrigger",
        role=Role.OPERATOR,
        tag="triggers",
        summary="Let a trigger start nothing",
        description="A webhook then asks its sender to try again.",
        handler=_switching(calls.pause_triggers),
        answers={200: Trigger},
    ),
    Operation(
        method="POST",
        path="/triggers/{workflow}/{trigger}/resume",
        name="resumeTrigger",
        role=Role.OPERATOR,
        tag="triggers",
        summary="Let a trigger that was paused start instances again",
        handler=_switching(calls.resume_triggers),
        answers={200: Trigger},
    ),
    Operation(
        method="GET",
        path="/triggers/{workflow}/{trigger}/failures",
        name="readTriggerFailures",
        role=Role.VIEWER,
        tag="triggers",
        summary="Read what a trigger has heard and could make nothing of",
        description="By code and words, the latest first: of each trigger the last fifty.",
        handler=read_failures,
        answers={200: TriggerFailures},
    ),
    Operation(
        method="GET",
        path="/triggers/{workflow}/{trigger}/positions",
        name="readTopicPositions",
        role=Role.VIEWER,
        tag="triggers",
        summary="Read where a trigger stands in its topic",
        description="Partition by partition, as far as relays have read; 409 of other kinds.",
        handler=read_positions,
        answers={200: TopicPositions},
        problems=(409,),
    ),
]
