"""/workflows/{id}/start and /workflows/{id}/instances: starting instances."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, cast
from uuid import UUID, uuid4

import msgspec
import psycopg
from starlette.concurrency import run_in_threadpool

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.ids import make_ids
from ...engine.json_text import Json
from ...engine.traces.spans import note
from ...engine.tracing import Trace
from ..database import Connection, Database
from ..operation import Answer, Call, Nothing, Operation
from ..problems import ANOTHER_INPUT, MOST_FAULTS, Fault, Problem, invalid
from ..reads.instances import find_instance
from ..reads.signals import payload_faults_at_start
from ..reads.workflows import Startable, find_startable
from ..schemas.instances import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    BatchStarted,
    Instance,
    StartHeaders,
    StartQuery,
    StartRequest,
    StartSignal,
)
from ..schemas.words import given

BATCH_BODY_LIMIT: Final = 16 << 20
PLACES: Final = {
    "invalid_key": "/key",
    "invalid_id": "/id",
    "invalid_start_at": "/start_at",
    "labels": "/labels",
}


async def start_instance(call: Call[StartQuery, StartRequest]) -> Answer:
    """Start an instance and, if asked to, wait for its end."""
    answer = await _start_one(call)
    started: Instance = answer.body
    if call.query.wait and started.ended_at is None:
        await call.context.waiting.until_ended(started.id, call.query.wait)
        body = await run_in_threadpool(_read, call, started.id)
        answer = Answer(answer.status, body, answer.headers)
    return answer


async def _start_one(call: Call[StartQuery, StartRequest]) -> Answer:
    headers: StartHeaders = call.headers
    body = call.body
    key = headers.idempotency_key or body.key
    sent = BatchItem(
        input=body.input, key=key, id=body.id, start_at=body.start_at, labels=body.labels
    )
    sender = None if body.signal is None else Sender(body.signal)
    (item,) = await _start(call, [sent], [""], body.version, sender)
    if item.outcome == "disabled":
        raise Problem(409, f"Refused: {item.faults[0].message}.")
    if item.faults:
        raise invalid([_with_header(fault, headers) for fault in item.faults])
    if item.outcome == "conflict":
        fault = Fault(
            "/key" if key else "/id",
            f"was used with another input, for instance {item.id}: "
            "send that input again, or another one of these",
        )
        raise invalid([_with_header(fault, headers)], kind=ANOTHER_INPUT)
    if sender is not None and sender.refused:
        raise Problem(409, f"Refused: instance {item.id}: {sender.refused}.")
    instance = await run_in_threadpool(_read, call, cast(UUID, item.id))
    note(instance=str(instance.id), workflow=instance.workflow, outcome=item.outcome)
    location = f"/workflows/{instance.workflow}/instances/{instance.id}"
    return Answer(201 if item.outcome == "started" else 200, instance, {"Location": location})


class Sender:
    """Starts as ``calls.start_instances`` does, one instance, and sends it a signal."""

    def __init__(self, signal: StartSignal) -> None:
        # A key of its own makes it harmless to call again where the reply was lost.
        key = signal.key or uuid4().hex
        self._signal = calls.StartSignal(signal.name, given(signal.payload, b"null"), key)
        self.refused = ""
        """Why the instance, which exists, does not take the signal."""

    def __call__(
        self,
        conn: Connection,
        workflow: str,
        inputs: Sequence[Json],
        keys: Sequence[str | None],
        version: int,
        ids: Sequence[UUID],
        start_at: Sequence[datetime | None] | None,
        traces: Sequence[Trace | None] | None,
        labels: Sequence[calls.Labels | None] | None,
    ) -> list[calls.Started]:
        if not inputs:
            return []
        if faults := payload_faults_at_start(
            conn, workflow, version, keys[0], ids[0], self._signal
        ):
            raise _wrong_signal(faults)
        at = None if start_at is None else start_at[0]
        both = calls.signal_with_start(
            conn,
            workflow,
            inputs[0],
            keys[0],
            self._signal,
            version,
            ids[0],
            at,
            None if traces is None else traces[0],
            None if labels is None else labels[0],
        )
        if both.sent is not None and both.sent.outcome == "invalid":
            told = [Fault(of["place"], of["message"]) for of in both.sent.faults or []]
            raise _wrong_signal(told or [Fault("", both.sent.detail)])
        if both.sent is not None and both.sent.outcome not in ("accepted", "repeated"):
            self.refused = both.sent.detail
        return [both.started]


def _wrong_signal(faults: Sequence[Fault]) -> Problem:
    return invalid([Fault(f"/signal{fault.place}", fault.message) for fault in faults])


def _with_header(fault: Fault, headers: StartHeaders) -> Fault:
    from_header = fault.place == "/key" and headers.idempotency_key
    return Fault("header.Idempotency-Key", fault.message) if from_header else fault


def _read(call: Call[StartQuery, StartRequest], instance_id: UUID) -> Instance:
    with call.context.database.connection() as conn:
        return find_instance(conn, instance_id)


async def start_instances(call: Call[Nothing, BatchRequest]) -> BatchAnswer:
    """Start a set of instances, each on its own."""
    items = call.body.instances
    places = [f"/instances/{n}" for n in range(len(items))]
    return BatchAnswer(await _start(call, items, places, call.body.version))


async def _start(
    call: Call[StartQuery, StartRequest] | Call[Nothing, BatchRequest],
    items: Sequence[BatchItem],
    places: Sequence[str],
    version: int | None,
    sender: "Sender | None" = None,
) -> list[BatchStarted]:
    """Start those items whose input fits the schema of the version. Raises Problem 404."""
    database = call.context.database
    startable = await run_in_threadpool(_find, database, call.path["id"], version)
    inputs = [given(item.input, b"{}") for item in items]
    found = await call.context.checks.faults(
        startable.input_schema, inputs, complete=startable.input_unchecked is not None
    )
    answers: list[BatchStarted | None] = [None] * len(items)
    fit: list[int] = []
    for n, faults in enumerate(found):
        if faults:
            told = [Fault(f"{places[n]}/input{fault.place}", fault.message) for fault in faults]
            answers[n] = BatchStarted(None, None, "invalid", told[:MOST_FAULTS])
        else:
            fit.append(n)
    at_once = all(items[n].start_at is None for n in fit)
    labels = [None if (of := items[n].labels) is msgspec.UNSET else of for n in fit]
    started = await run_in_threadpool(
        _repeated,
        database,
        partial(
            sender or calls.start_instances,
            workflow=startable.name,
            inputs=[inputs[n] for n in fit],
            keys=[items[n].key for n in fit],
            version=startable.version,
            ids=[items[n].id or made for n, made in zip(fit, make_ids(len(fit)), strict=True)],
            start_at=None if at_once else [items[n].start_at for n in fit],
            traces=None if call.trace is None else [call.trace] * len(fit),
            labels=cast("list[calls.Labels | None]", labels) if any(labels) else None,
        ),
    )
    for n, of in zip(fit, started, strict=True):
        error = of.error or {}
        place = PLACES.get(error.get("code", ""), "/input")
        listed = error.get("faults") or [{"place": "", **error}] if error else []
        if of.outcome == "disabled":
            place = ""
        told = [Fault(places[n] + place + one["place"], one["message"]) for one in listed]
        outcome = of.outcome
        if outcome == "exists" and items[n].key is None and items[n].id is None:
            outcome = "started"  # under an id of ours, by the try whose reply was lost
        answers[n] = BatchStarted(of.found, cast(Any, of.state), outcome, told)
    return [answer for answer in answers if answer is not None]


def _find(database: Database, workflow: str, version: int | None) -> Startable:
    with database.connection() as conn:
        return find_startable(conn, workflow, version)


def _repeated(
    database: Database, start: Callable[[Connection], list[calls.Started]]
) -> list[calls.Started]:
    """Start, and once more where the connection broke: the ids are the same, so it does no harm."""
    with database.connection() as conn:
        try:
            return start(conn)
        except psycopg.Error:
            if not conn.broken:
                raise
    with database.connection() as conn:
        return start(conn)


OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/workflows/{id}/start",
        name="startInstance",
        role=Role.STARTER,
        tag="instances",
        summary="Start an instance",
        description="With the header `Idempotency-Key` the same request can be sent again: it "
        "starts nothing more and answers with the instance that it started (200). The same key "
        "with another input is refused (422). An `id` of the client's own does the same. "
        "With `wait` the answer comes when it has ended. With `signal` it is sent that signal, in "
        "the same transaction, also where it was started before; one that takes none any more "
        "answers 409, a payload that does not fit its schema 422. A key of the signal's makes it "
        "harmless to send the request again.",
        handler=start_instance,
        query=StartQuery,
        headers=StartHeaders,
        body=StartRequest,
        body_required=False,
        answers={201: Instance, 200: Instance},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/workflows/{id}/instances",
        name="startInstances",
        role=Role.STARTER,
        tag="instances",
        summary="Start a set of instances at once",
        description="What became of each stands in the answer, in the order of the request: one "
        "that is invalid keeps no other from being started.",
        handler=start_instances,
        body=BatchRequest,
        body_limit=BATCH_BODY_LIMIT,
        answers={200: BatchAnswer},
    ),
]
