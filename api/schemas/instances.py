"""Types of instances, and of what starts and explains them."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from ..problems import Fault
from .tasks import LogEntry, Task
from .waiting import KeptSignal, SignalRequest
from .words import (
    ClosingAs,
    Cursor,
    ErrorOrNull,
    InstanceState,
    Json,
    JsonOrNull,
    Limit,
    LookedAt,
    Next,
    SuspendedBy,
    Time,
)

IdempotencyKey: TypeAlias = Annotated[
    str,
    msgspec.Meta(
        min_length=1,
        max_length=255,
        description="The same key starts one instance of the workflow, however often it is sent.",
    ),
]
VersionNumber: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, le=2**31 - 1, description="The version to run; the latest if absent.")
]
Input: TypeAlias = Annotated[
    Json | msgspec.UnsetType,
    msgspec.Meta(
        description="Fits the JSON Schema of the workflow; {} if absent.",
        extra_json_schema={"type": "object"},
    ),
]


InstanceId: TypeAlias = Annotated[
    UUID | None,
    msgspec.Meta(
        description="A UUID version 7 that the client made within the hour: the same id starts one "
        "instance, however often it is sent. One is made here if absent."
    ),
]


Labels: TypeAlias = Annotated[
    Json | msgspec.UnsetType,
    msgspec.Meta(
        description="Names and values by which it is found, over those that its definition gives; "
        "null takes one of these away. 32 at most; a name is a small letter, then up to 63 small "
        "letters, digits, ., _ or -; a value is a text, a number or a boolean, of 255 bytes.",
        extra_json_schema={"type": "object"},
    ),
]


StartAt: TypeAlias = Annotated[
    Time | None,
    msgspec.Meta(description="When its first steps come due; at once if absent."),
]


class StartSignal(SignalRequest, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A signal to the instance that is started, or found by its key or id."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_.-]{0,127}$")]


class StartRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an instance is started with."""

    input: Input = msgspec.UNSET
    version: VersionNumber | None = None
    key: Annotated[
        IdempotencyKey | None, msgspec.Meta(description="In place of the header Idempotency-Key.")
    ] = None
    id: InstanceId = None
    start_at: StartAt = None
    labels: Labels = msgspec.UNSET
    signal: Annotated[
        StartSignal | None,
        msgspec.Meta(description="Sent to it in the same transaction, also where it exists."),
    ] = None


class StartHeaders(msgspec.Struct, frozen=True):
    """Headers of a start."""

    idempotency_key: IdempotencyKey | None = msgspec.field(name="Idempotency-Key", default=None)


class StartQuery(msgspec.Struct, frozen=True):
    """Whether a start waits for the end."""

    wait: Annotated[
        float,
        msgspec.Meta(
            ge=0,
            le=60,
            description="Seconds to wait for the instance's end; then it is answered as it stands.",
        ),
    ] = 0


class BatchItem(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One instance of a set."""

    # Of any type here: what is no object is invalid, and keeps no other from being started.
    input: Annotated[
        Json | msgspec.UnsetType,
        msgspec.Meta(description="An object that fits the workflow's schema; {} if absent."),
    ] = msgspec.UNSET
    key: IdempotencyKey | None = None
    id: InstanceId = None
    start_at: StartAt = None
    labels: Annotated[
        Json | msgspec.UnsetType, msgspec.Meta(description="As of a single start.")
    ] = msgspec.UNSET


class BatchRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A set of instances to start."""

    instances: Annotated[list[BatchItem], msgspec.Meta(min_length=1, max_length=1000)]
    version: VersionNumber | None = None


class BatchStarted(msgspec.Struct, frozen=True):
    """What became of one instance of a set."""

    id: Annotated[UUID | None, msgspec.Meta(description="Null where it is invalid.")]
    status: InstanceState | None
    outcome: Annotated[
        Literal["started", "exists", "conflict", "invalid", "disabled"],
        msgspec.Meta(
            description="exists: its key or id had started this instance before; conflict: with "
            "another input, and nothing was started; invalid, or disabled (none of the workflow "
            "may start): nothing was started, and `faults` say why."
        ),
    ]
    faults: list[Fault]


class BatchAnswer(msgspec.Struct, frozen=True):
    """What became of a set of instances, in the order of the request."""

    instances: list[BatchStarted]


class InstanceSummary(msgspec.Struct, frozen=True):
    """An instance, as lists show it."""

    id: UUID
    key: Annotated[
        str | None, msgspec.Meta(description="The idempotency key that it was started with.")
    ]
    workflow: str
    version: int
    status: InstanceState
    closing_as: Annotated[
        ClosingAs | None, msgspec.Meta(description="Which end it is bound for, or has reached.")
    ]
    suspended_by: SuspendedBy | None
    suspended_at: Time | None
    open_tasks: int
    scopes: Annotated[int, msgspec.Meta(description="How many its blocks have made so far.")]
    seq: Annotated[int, msgspec.Meta(description="How many transitions it has made.")]
    error: ErrorOrNull
    started_at: Time
    start_at: Annotated[
        Time | None, msgspec.Meta(description="When its first steps come due, if not at once.")
    ]
    deadline_at: Time | None
    ended_at: Time | None
    erased_at: Annotated[
        Time | None, msgspec.Meta(description="Since when its payloads are gone, for good.")
    ]
    erased_by: Annotated[str | None, msgspec.Meta(description="Who had them erased.")]
    trigger: Annotated[
        str | None, msgspec.Meta(description="The entry of the definition's `on` that started it.")
    ]
    scheduled_at: Annotated[
        Time | None, msgspec.Meta(description="The time that a schedule had planned it for.")
    ]
    parent: Annotated[
        UUID | None, msgspec.Meta(description="The instance of which a step has started it.")
    ]
    parent_task: Annotated[
        str | None, msgspec.Meta(description="The task of its parent that waits for it.")
    ]
    root: Annotated[
        UUID | None, msgspec.Meta(description="The first of its family; null of that one.")
    ]
    trace: Annotated[
        str,
        msgspec.Meta(
            description="The id of the trace that its attempts are in, if they are traced."
        ),
    ]
    labels: Annotated[
        Json,
        msgspec.Meta(
            description="Texts by which it is found, by their names.",
            extra_json_schema={"type": "object", "additionalProperties": {"type": "string"}},
        ),
    ]


class Instance(InstanceSummary, frozen=True):
    """An instance with what went in and what came out."""

    input: Json
    output: JsonOrNull


class InstanceDetail(Instance, frozen=True):
    """An instance with its tasks and its log."""

    tasks: Annotated[
        list[Task],
        msgspec.Meta(
            description="In the order of the definition: those that lie in no scope of a block."
        ),
    ]
    not_reached: Annotated[
        list[str], msgspec.Meta(description="Steps that have no task, in the same order.")
    ]
    kept_signals: Annotated[
        list[KeptSignal],
        msgspec.Meta(
            description="Signals that came and that no step has taken, in the order in which they "
            "came: kept for one that begins to wait for their name, 1,000 at most."
        ),
    ]
    log: Annotated[
        list[LogEntry],
        msgspec.Meta(
            description="Where it has scopes, and more than 1,000 entries: the last of these, "
            "without claims."
        ),
    ]
    truncated: Annotated[
        bool, msgspec.Meta(description="Whether there are more tasks or log entries than these.")
    ]


class InstancePage(msgspec.Struct, frozen=True):
    """Instances, the youngest first."""

    items: list[InstanceSummary]
    next: Next
    looked_at: LookedAt = None


class InstancesQuery(msgspec.Struct, frozen=True):
    """Which instances."""

    status: InstanceState | None = None
    suspended: bool | None = None
    key: Annotated[
        str | None, msgspec.Meta(description="The idempotency key that it was started with.")
    ] = None
    id: (
        Annotated[
            str,
            msgspec.Meta(pattern="^[0-9A-Fa-f-]{1,36}$", description="What its id begins with."),
        ]
        | None
    ) = None
    parent: (
        Annotated[UUID, msgspec.Meta(description="Children of this instance, in no order.")] | None
    ) = None
    fields: Annotated[
        dict[str, str],
        msgspec.Meta(
            description="What a field of the input is, as `input.order=O-36`: of fields that the "
            "workflow lists under `search`."
        ),
    ] = msgspec.field(name="input.*", default_factory=dict[str, str])
    labels: Annotated[
        dict[str, str], msgspec.Meta(description="What a label is, as `label.customer=ACME`.")
    ] = msgspec.field(name="label.*", default_factory=dict[str, str])
    started_after: Time | None = None
    started_before: Time | None = None
    limit: Limit = 50
    cursor: Cursor = ""


class AllInstancesQuery(InstancesQuery, frozen=True):
    """Which instances of which workflow."""

    workflow: Annotated[str | None, msgspec.Meta(description="A workflow's id or name.")] = None


class Advice(msgspec.Struct, frozen=True):
    """What to do."""

    verb: Annotated[
        str,
        msgspec.Meta(
            description="relay: start one; worker: start one for queue and task; resume; resend: "
            "suspend and resume; redrive the dead letter task; correct: redrive it with another "
            "input; value: with what its expression should have given; skip it with an output; "
            "signal: send it to the instance; event: send it with its key; "
            "enable the workflow; resume_queue; transport: switch to transport; answer the form "
            "task, with such a decision."
        ),
    ]
    args: dict[str, str]


class Reason(msgspec.Struct, frozen=True):
    """Why an instance (task null) or one of its tasks is not moving."""

    task: str | None
    because: str
    advice: Advice | None


class Explanation(msgspec.Struct, frozen=True):
    """Why an instance is not moving; nothing stands in its way where the list is empty."""

    id: UUID
    because: list[Reason]


class EraseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who wants payloads to be erased."""

    by: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=200,
                description="Who wants it, which the instance keeps; the server's login if absent.",
            ),
        ]
        | None
    ) = None


class InstanceDecision(msgspec.Struct, frozen=True):
    """What an operator's request did with an instance."""

    id: UUID
    outcome: Literal["done"]
    detail: str


class LabelsRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Labels that an instance is given, beside those it has."""

    labels: Annotated[
        Json,
        msgspec.Meta(
            description="Names and values, as at a start; null takes one away.",
            extra_json_schema={"type": "object"},
        ),
    ]


class InstanceLabels(msgspec.Struct, frozen=True):
    """All labels that an instance has."""

    id: UUID
    outcome: Literal["done"]
    labels: dict[str, str]
