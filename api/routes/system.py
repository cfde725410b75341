"""/workers, /queues, /outbox and /quarantine: what an operator watches."""

from collections.abc import Callable, Sequence
from typing import Final

from ...engine import calls
from ...engine.accounts.roles import Role
from ..database import Connection
from ..operation import Call, Nothing, Operation
from ..problems import not_found
from ..reads import system as reads
from ..schemas.system import (
    BacklogList,
    QuarantinePage,
    Queue,
    QueueList,
    Released,
    ReleaseRequest,
    WorkerPage,
    WorkersQuery,
)
from ..schemas.workflows import PageQuery


def list_workers(call: Call[WorkersQuery, Nothing]) -> WorkerPage:
    """List workers."""
    return reads.list_workers(call.context.database, call.query)


def list_queues(call: Call[Nothing, Nothing]) -> QueueList:
    """List queues."""
    return reads.list_queues(call.context.database)


def _switching(
    switch: Callable[[Connection, Sequence[str]], list[calls.NamedDecision]],
) -> Callable[[Call[Nothing, Nothing]], Queue]:
    """Return the handler that pauses a queue, or resumes it."""

    def handler(call: Call[Nothing, Nothing]) -> Queue:
        name = call.path["name"]
        with call.context.database.connection() as conn:
            (decided,) = switch(conn, [name])
        if decided.outcome == "unknown":
            raise not_found(f"queue {name}")
        queues = reads.list_queues(call.context.database).items
        return next(queue for queue in queues if queue.name == name)

    return handler


def read_outbox(call: Call[Nothing, Nothing]) -> BacklogList:
    """Read what waits in the outbox."""
    return reads.read_outbox(call.context.database)


def list_quarantined(call: Call[PageQuery, Nothing]) -> QuarantinePage:
    """List what is in quarantine."""
    return reads.list_quarantined(call.context.database, call.query)


def release_quarantine(call: Call[Nothing, ReleaseRequest]) -> Released:
    """Put rows of the outbox that are in quarantine back into it."""
    with call.context.database.connection() as conn:
        return Released(calls.release_quarantine(conn, call.body.cell, call.body.ids))


OPERATIONS: Final = [
    Operation(
        method="GET",
        path="/workers",
        name="listWorkers",
        role=Role.VIEWER,
        tag="system",
        summary="List workers",
        description="Live ones, and for a day those that stopped or were declared dead.",
        handler=list_workers,
        query=WorkersQuery,
        answers={200: WorkerPage},
    ),
    Operation(
        method="GET",
        path="/queues",
        name="listQueues",
        role=Role.VIEWER,
        tag="system",
        summary="List queues: what waits on them and who serves them",
        handler=list_queues,
        answers={200: QueueList},
    ),
    Operation(
        method="POST",
        path="/queues/{name}/pause",
        name="pauseQueue",
        role=Role.OPERATOR,
        tag="system",
        summary="Give nothing of a queue out to workers",
        description="What runs goes on, what comes due waits.",
        handler=_switching(calls.pause_queues),
        answers={200: Queue},
    ),
    Operation(
        method="POST",
        path="/queues/{name}/resume",
        name="resumeQueue",
        role=Role.OPERATOR,
        tag="system",
        summary="Give out again what waits on a queue",
        handler=_switching(calls.resume_queues),
        answers={200: Queue},
    ),
    Operation(
        method="GET",
        path="/outbox",
        name="readOutbox",
        role=Role.VIEWER,
        tag="system",
        summary="Read what waits in the outbox",
        handler=read_outbox,
        answers={200: BacklogList},
    ),
    Operation(
        method="GET",
        path="/quarantine",
        name="listQuarantine",
        role=Role.VIEWER,
        tag="system",
        summary="List messages that could not be read or shipped",
        handler=list_quarantined,
        query=PageQuery,
        answers={200: QuarantinePage},
    ),
    Operation(
        method="POST",
        path="/quarantine/release",
        name="releaseQuarantine",
        role=Role.OPERATOR,
        tag="system",
        summary="Ship messages from quarantine again",
        description="Rows that came from the outbox go back into it. A message that could not be "
        "read stays: where it named a task, the search for lost messages ships that again.",
        handler=release_quarantine,
        body=ReleaseRequest,
        answers={200: Released},
    ),
]
