"""Types of workers, queues, the outbox, quarantine, health and version."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from .words import Cursor, Json, Limit, Next, Time


class Worker(msgspec.Struct, frozen=True):
    """A worker process."""

    id: UUID
    name: str
    queues: list[str]
    tasks: list[str]
    state: Annotated[
        Literal["live", "silent", "stopped", "dead"],
        msgspec.Meta(description="silent: its lease is over, and it is not declared dead yet."),
    ]
    lease_until: Time
    running: Annotated[int, msgspec.Meta(description="Tasks that it runs now.")]
    stats: Json
    registered_at: Time


class WorkersQuery(msgspec.Struct, frozen=True):
    """Which workers."""

    state: Literal["live", "silent", "stopped", "dead"] | None = None
    limit: Limit = 50
    cursor: Cursor = ""


class WorkerPage(msgspec.Struct, frozen=True):
    """Workers, the youngest first."""

    items: list[Worker]
    next: Next


class Queue(msgspec.Struct, frozen=True):
    """A queue of tasks."""

    name: str
    queued: Annotated[int, msgspec.Meta(description="Tasks that no worker has claimed yet.")]
    live_workers: int
    paused_at: Annotated[
        Time | None, msgspec.Meta(description="Since when nothing of it is given out.")
    ]


class QueueList(msgspec.Struct, frozen=True):
    """All queues."""

    items: list[Queue]


class Backlog(msgspec.Struct, frozen=True):
    """Messages of one kind and topic that wait in the outbox."""

    kind: Literal["task", "event", "dead_letter"]
    topic: str
    rows: int
    oldest_at: Time | None
    deferred: Annotated[int, msgspec.Meta(description="Of these, how many wait to be tried again.")]
    last_error: str | None


class BacklogList(msgspec.Struct, frozen=True):
    """What waits in the outbox."""

    items: list[Backlog]


class Quarantined(msgspec.Struct, frozen=True):
    """A message that could not be read, or one that could not be shipped."""

    cell: Annotated[int, msgspec.Meta(description="The database that it is in; names it with id.")]
    id: int
    source: Literal["message", "outbox"]
    topic: str
    partition: int | None
    offset: int | None
    payload: Annotated[str | None, msgspec.Meta(description="Its bytes as text, where they are.")]
    reason: str
    at: Time


class QuarantinePage(msgspec.Struct, frozen=True):
    """What is in quarantine, the youngest first."""

    items: list[Quarantined]
    next: Next


class ReleaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to take out of quarantine: rows of the outbox are shipped again, messages dropped."""

    cell: Annotated[int, msgspec.Meta(ge=0, le=4095)]
    ids: Annotated[
        list[Annotated[int, msgspec.Meta(ge=1, le=2**63 - 1)]],
        msgspec.Meta(min_length=1, max_length=1000),
    ]


class Released(msgspec.Struct, frozen=True):
    """How many were taken out of quarantine."""

    released: int


class Health(msgspec.Struct, frozen=True, omit_defaults=True):
    """The process is well."""

    status: Literal["ok"]
    warnings: Annotated[
        list[str], msgspec.Meta(description="What others lack, so that tasks may wait, in words.")
    ] = []


class MissingHandler(msgspec.Struct, frozen=True):
    """A task that no live worker of a queue has a handler for, and how many wait for one."""

    handler: str
    queue: str
    waiting: int

    def __str__(self) -> str:
        """Say it."""
        many = "1 waits" if self.waiting == 1 else f"{self.waiting} wait"
        return f"No live worker has the task {self.handler}, on queue {self.queue}: {many} for it."


class MissingSecret(msgspec.Struct, frozen=True):
    """A secret that tasks of a queue wait for, and how many of them."""

    secret: str
    queue: str
    waiting: int

    def __str__(self) -> str:
        """Say it."""
        many = "1 task waits" if self.waiting == 1 else f"{self.waiting} tasks wait"
        return (
            f"A worker of queue {self.queue} lacks the secret {self.secret}: {many} for one that "
            "has it."
        )


class MissingHookSecret(msgspec.Struct, frozen=True):
    """A webhook one of whose secrets the api lacks, and in words how it gets that."""

    workflow: str
    trigger: str
    why: str

    def __str__(self) -> str:
        """Say it."""
        return (
            f"The webhook {self.workflow}/{self.trigger} cannot tell who sends to it: {self.why}."
        )


class Heartbeat(msgspec.Struct, frozen=True):
    """When a relay last turned the clock, and which."""

    turns: bool
    turned_at: Time | None
    turned_by: str | None

    def __str__(self) -> str:
        """Say since when nothing moves by itself, where that is so."""
        when = f"since {self.turned_at:%Y-%m-%d %H:%M:%S} UTC" if self.turned_at else "yet"
        who = f" (it was {self.turned_by})" if self.turned_by else ""
        return f"No relay has turned the clock {when}{who}: start one with `onceflow relay`."


class IdleWorker(msgspec.Struct, frozen=True):
    """A live worker that has had no partition in Kafka for longer than its lease."""

    name: str
    without_partitions: int

    def __str__(self) -> str:
        """Say it."""
        return (
            f"Worker {self.name} has had no partition in Kafka for {self.without_partitions} s: it "
            "joins its group anew by itself; is the broker well, or are there more workers than "
            "partitions?"
        )


class VersionAnswer(msgspec.Struct, frozen=True):
    """Which release this is."""

    version: str
