"""Types of dead letters and of what operators do with them."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from .words import Cursor, ErrorOrNull, Json, JsonOrNull, Limit, LookedAt, Next, Time

Step: TypeAlias = Annotated[
    str | None, msgspec.Meta(description="Its step, or a block around that.")
]
Code: TypeAlias = Annotated[
    str | None, msgspec.Meta(description="Of its error: http.503, or http.* for all that begin so.")
]
Takes: TypeAlias = Annotated[
    Literal["input", "boolean", "array", "value", "error"] | None,
    msgspec.Meta(
        description="What it is redriven with: a task's input, as it was or another, or what the "
        "expression that failed should have given; null where it can only be skipped or discarded."
    ),
]


class DeadLetter(msgspec.Struct, frozen=True):
    """A task that failed for good and that nothing handles."""

    instance: UUID
    task: str
    workflow: str
    version: int
    path: Annotated[
        str, msgspec.Meta(description="Where it lies, as one reads it: invoices[17]/render.")
    ]
    step: str
    queue: str | None
    attempts: int
    input: JsonOrNull
    error: ErrorOrNull
    died_at: Time
    takes: Takes


class DeadLetterPage(msgspec.Struct, frozen=True):
    """Dead letters, the youngest first."""

    items: list[DeadLetter]
    next: Next
    looked_at: LookedAt = None


class DeadLettersQuery(msgspec.Struct, frozen=True):
    """Which dead letters."""

    workflow: Annotated[str | None, msgspec.Meta(description="A workflow's id or name.")] = None
    instance: UUID | None = None
    step: Step = None
    queue: str | None = None
    code: Code = None
    limit: Limit = 50
    cursor: Cursor = ""


class DeadLetterFilter(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Open dead letters that have all of this."""

    workflow: Annotated[str | None, msgspec.Meta(description="A workflow's id or name.")] = None
    instance: UUID | None = None
    step: Step = None
    queue: str | None = None
    code: Code = None


Count: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, le=1000, description="At most so many of those that match.")
]


class DeadLetterKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a dead letter."""

    instance: UUID
    task: str


Output: TypeAlias = Annotated[
    Json | msgspec.UnsetType,
    msgspec.Meta(description="What stands in for the task's own output; null if absent."),
]


class RedriveKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a dead letter to try again, with a corrected input where given."""

    instance: UUID
    task: str
    input: Annotated[
        Json | msgspec.UnsetType,
        msgspec.Meta(
            description="Takes the place of the input, as it was if absent; of a step without a "
            "worker what its expression should have given: see `takes`."
        ),
    ] = msgspec.UNSET


class SkipKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a dead letter to pass over, and the output that stands in for its own."""

    instance: UUID
    task: str
    output: Output = msgspec.UNSET


class RedriveRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `dead_letters`, or `filter`."""

    dead_letters: (
        Annotated[list[RedriveKey], msgspec.Meta(min_length=1, max_length=1000)] | None
    ) = None
    filter: DeadLetterFilter | msgspec.UnsetType = msgspec.UNSET
    limit: Count = 1000


class SkipRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `dead_letters`, or `filter` with one `output` for all."""

    dead_letters: Annotated[list[SkipKey], msgspec.Meta(min_length=1, max_length=1000)] | None = (
        None
    )
    filter: DeadLetterFilter | msgspec.UnsetType = msgspec.UNSET
    output: Output = msgspec.UNSET
    limit: Count = 1000


class DiscardRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either `dead_letters`, or `filter`."""

    dead_letters: (
        Annotated[list[DeadLetterKey], msgspec.Meta(min_length=1, max_length=1000)] | None
    ) = None
    filter: DeadLetterFilter | msgspec.UnsetType = msgspec.UNSET
    limit: Count = 1000


class DeadLetterDecision(msgspec.Struct, frozen=True):
    """What became of one dead letter."""

    instance: UUID
    task: str | None
    outcome: Annotated[
        Literal["done", "refused", "unknown"],
        msgspec.Meta(description="refused: its state does not allow it, detail says why."),
    ]
    detail: str


class DeadLetterDecisions(msgspec.Struct, frozen=True):
    """What became of the dead letters."""

    decided: list[DeadLetterDecision]
