"""/workflows/{id}/start and /workflows/{id}/instances: starting instances."""

from collections.abc import Sequence
from typing import Any, Final, cast

import msgspec
from starlette.concurrency import run_in_threadpool

from ...engine import calls
from ...engine.definition import check_input
from ..operation import Answer, Call, Nothing, Operation
from ..problems import Fault, invalid
from ..reads.instances import find_instance
from ..reads.workflows import find_startable
from ..schemas.instances import (
    BatchAnswer,
    BatchRequest,
    BatchStarted,
    Instance,
    StartHeaders,
    StartQuery,
    StartRequest,
)
from ..schemas.words import given

BATCH_BODY_LIMIT: Final = 16 << 20


async def start_instance(call: Call[StartQuery, StartRequest]) -> Answer:
    """Start an instance and, if asked to, wait for its end."""
    answer = await run_in_threadpool(_start_one, call)
    started: Instance = answer.body
    if call.query.wait and started.ended_at is None:
        await call.context.waiting.until_ended(started.id, call.query.wait)
        body = await run_in_threadpool(_read, call, started)
        answer = Answer(answer.status, body, answer.headers)
    return answer


def _start_one(call: Call[StartQuery, StartRequest]) -> Answer:
    headers: StartHeaders = call.headers
    key = headers.idempotency_key
    (started,) = _start(call, [given(call.body.input, b"{}")], [key], call.body.version, ["/input"])
    if started.outcome == "conflict":
        fault = Fault(
            "header.Idempotency-Key",
            f"was used with another input, for instance {started.instance_id}: "
            "send that input again, or another key",
        )
        raise invalid([fault])
    with call.context.database.connection() as conn:
        instance = find_instance(conn, started.instance_id)
    location = f"/workflows/{instance.workflow}/instances/{instance.id}"
    return Answer(201 if started.outcome == "started" else 200, instance, {"Location": location})


def _read(call: Call[StartQuery, StartRequest], started: Instance) -> Instance:
    with call.context.database.connection() as conn:
        return find_instance(conn, started.id)


def start_instances(call: Call[Nothing, BatchRequest]) -> BatchAnswer:
    """Start a set of instances, all or none."""
    items = call.body.instances
    started = _start(
        call,
        [given(item.input, b"{}") for item in items],
        [item.key for item in items],
        call.body.version,
        [f"/instances/{n}/input" for n in range(len(items))],
    )
    return BatchAnswer(
        [BatchStarted(of.instance_id, cast(Any, of.state), of.outcome) for of in started]
    )


def _start(
    call: Call[StartQuery, StartRequest] | Call[Nothing, BatchRequest],
    inputs: Sequence[msgspec.Raw],
    keys: Sequence[str | None],
    version: int | None,
    places: Sequence[str],
) -> list[calls.Started]:
    """Check inputs against the schema of the version, then start. Raises Problem 404, 422."""
    database = call.context.database
    with database.connection() as conn:
        startable = find_startable(conn, call.path["id"], version)
    faults = [
        Fault(place + fault.place, fault.message)
        for place, text in zip(places, inputs, strict=True)
        for fault in check_input(startable.input_schema, text)
    ]
    if faults:
        raise invalid(faults)
    with database.connection() as conn:
        return calls.start_instances(conn, startable.name, inputs, keys, startable.version)


OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/workflows/{id}/start",
        name="startInstance",
        tag="instances",
        summary="Start an instance",
        description="With the header `Idempotency-Key` the same request can be sent again: it "
        "starts nothing more and answers with the instance that it started (200). The same key "
        "with another input is refused (422). With `wait` the answer comes when it has ended.",
        handler=start_instance,
        query=StartQuery,
        headers=StartHeaders,
        body=StartRequest,
        body_required=False,
        answers={201: Instance, 200: Instance},
    ),
    Operation(
        method="POST",
        path="/workflows/{id}/instances",
        name="startInstances",
        tag="instances",
        summary="Start a set of instances at once",
        description="All in one transaction: where one input is wrong, none is started. What "
        "became of each stands in the answer, in the order of the request.",
        handler=start_instances,
        body=BatchRequest,
        body_limit=BATCH_BODY_LIMIT,
        answers={200: BatchAnswer},
    ),
]
