"""/instances and /workflows/{id}/instances: reading and steering instances."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Final
from uuid import UUID

import msgspec

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.calls.reads import MOST_DIGITS
from ..accounts.visitor import in_the_name_of
from ..database import Connection
from ..operation import Call, Nothing, Operation
from ..problems import Problem, not_found
from ..reads import instances as reads
from ..reads import scopes
from ..schemas.instances import (
    AllInstancesQuery,
    EraseRequest,
    Explanation,
    InstanceDecision,
    InstanceDetail,
    InstanceLabels,
    InstancePage,
    InstancesQuery,
    LabelsRequest,
)
from ..schemas.tasks import ScopeDetail, ScopePage, ScopesQuery

Decide = Callable[[Connection, Sequence[UUID]], list[calls.Decided]]


def list_instances(call: Call[AllInstancesQuery, Nothing]) -> InstancePage:
    """List instances of all workflows."""
    return reads.list_instances(call.context.database, call.query, call.query.workflow)


def list_instances_of(call: Call[InstancesQuery, Nothing]) -> InstancePage:
    """List instances of one workflow."""
    return reads.list_instances(call.context.database, call.query, call.path["id"])


def read_instance(call: Call[Nothing, Nothing]) -> InstanceDetail:
    """Read an instance, its tasks and its log."""
    instance = call.uuid("instanceId", "instance")
    return reads.read_instance(call.context.database, instance, call.path.get("id"))


def list_scopes(call: Call[ScopesQuery, Nothing]) -> ScopePage:
    """List scopes of an instance."""
    instance = call.uuid("instanceId", "instance")
    return scopes.list_scopes(call.context.database, instance, call.query)


def read_scope(call: Call[Nothing, Nothing]) -> ScopeDetail:
    """Read a scope."""
    instance = call.uuid("instanceId", "instance")
    text = call.path["scope"]
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise not_found(f"scope {text!r}")
    with call.context.database.snapshot() as conn:
        return scopes.read_scope(conn, instance, int(text))


def explain_instance(call: Call[Nothing, Nothing]) -> Explanation:
    """Say why an instance is not moving."""
    return reads.explain(call.context.database, call.uuid("instanceId", "instance"))


def set_labels(call: Call[Nothing, LabelsRequest]) -> InstanceLabels:
    """Give an instance labels."""
    decided = _decide(call, partial(calls.set_labels, labels=call.body.labels))
    labels = msgspec.json.decode(decided.detail, type=dict[str, str])
    return InstanceLabels(decided.id, "done", labels)


def _deciding(decide: Decide) -> Callable[[Call[Nothing, Nothing]], InstanceDecision]:
    """Return the handler that carries out an operator's decision about one instance."""

    def handler(call: Call[Nothing, Nothing]) -> InstanceDecision:
        return _decide(call, decide)

    return handler


def _decide(call: Call[Nothing, Any], decide: Decide) -> InstanceDecision:
    instance = call.uuid("instanceId", "instance")
    with call.context.database.connection() as conn:
        (decided,) = decide(conn, [instance])
    if decided.outcome == "unknown":
        raise not_found(f"instance {instance}")
    if decided.outcome == "refused":
        raise Problem(409, f"Refused: {decided.detail}.")
    return InstanceDecision(instance, "done", decided.detail)


def erase_instance(call: Call[Nothing, EraseRequest]) -> InstanceDecision:
    """Erase the payloads of an ended instance."""
    return _decide(call, partial(calls.erase_instances, by=in_the_name_of(call.body.by)))


def _decision(verb: str, summary: str, description: str, decide: Decide) -> Operation:
    return Operation(
        method="POST",
        path=f"/instances/{{instanceId}}/{verb}",
        name=f"{verb}Instance",
        role=Role.OPERATOR,
        tag="instances",
        summary=summary,
        description=description,
        handler=_deciding(decide),
        answers={200: InstanceDecision},
        problems=(409,),
    )


READ: Final[dict[str, Any]] = {
    "role": Role.VIEWER,
    "method": "GET",
    "tag": "instances",
    "summary": "Read an instance, its tasks and its log",
    "description": "Blocks tell how many of their scopes are in which state; "
    "`/instances/{instanceId}/scopes` has these with their tasks, page by page.",
    "handler": read_instance,
    "answers": {200: InstanceDetail},
}

OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/workflows/{id}/instances",
        name="listInstancesOfWorkflow",
        role=Role.VIEWER,
        tag="instances",
        summary="List the instances of a workflow",
        handler=list_instances_of,
        query=InstancesQuery,
        answers={200: InstancePage},
    ),
    Operation(path="/workflows/{id}/instances/{instanceId}", name="readInstanceOfWorkflow", **READ),
    Operation(
        method="GET",
        path="/instances",
        name="listInstances",
        role=Role.VIEWER,
        tag="instances",
        summary="List instances",
        handler=list_instances,
        query=AllInstancesQuery,
        answers={200: InstancePage},
        problems=(404,),
    ),
    Operation(path="/instances/{instanceId}", name="readInstance", **READ),
    Operation(
        method="GET",
        path="/instances/{instanceId}/scopes",
        name="listScopes",
        role=Role.VIEWER,
        tag="instances",
        summary="List the scopes of an instance, or of one block of it",
        description="The branches of a parallel, the items of a for_each, the one list of other "
        "blocks, each with its tasks: what failed, or holds an open dead letter, comes first, then "
        "what is under way.",
        handler=list_scopes,
        query=ScopesQuery,
        answers={200: ScopePage},
    ),
    Operation(
        method="GET",
        path="/instances/{instanceId}/scopes/{scope}",
        name="readScope",
        role=Role.VIEWER,
        tag="instances",
        summary="Read a scope and its tasks",
        handler=read_scope,
        answers={200: ScopeDetail},
    ),
    Operation(
        method="GET",
        path="/instances/{instanceId}/explain",
        name="explainInstance",
        role=Role.VIEWER,
        tag="instances",
        summary="Say why an instance is not moving",
        handler=explain_instance,
        answers={200: Explanation},
    ),
    _decision(
        "cancel",
        "Cancel an instance",
        "Nothing more of it is started, what runs is told to stop and awaited, what was done is "
        "compensated; then it ends CANCELLED.",
        calls.cancel_instances,
    ),
    _decision(
        "suspend",
        "Suspend an instance",
        "What runs goes on and is recorded; nothing new is given out until it is resumed.",
        calls.suspend_instances,
    ),
    _decision(
        "resume",
        "Resume a suspended instance",
        "What has become due meanwhile is given out.",
        calls.resume_instances,
    ),
    Operation(
        method="POST",
        path="/instances/{instanceId}/labels",
        name="setLabels",
        role=Role.OPERATOR,
        tag="instances",
        summary="Give an instance labels, or take them away",
        description="Those that are not named stay. It may run or have ended; whose payloads are "
        "erased takes none. The answer has all its labels.",
        handler=set_labels,
        body=LabelsRequest,
        answers={200: InstanceLabels},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/instances/{instanceId}/erase",
        name="eraseInstance",
        role=Role.OPERATOR,
        tag="instances",
        summary="Erase the payloads of an instance that has ended",
        description="Its inputs and outputs and those of its tasks, and of errors all but code and "
        "type, are gone for good. Its idempotency key still finds it. With the first of a family "
        "all of it is erased; a child is refused.",
        handler=erase_instance,
        body=EraseRequest,
        body_required=False,
        answers={200: InstanceDecision},
        problems=(409,),
    ),
]
