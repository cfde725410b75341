"""Types of forms, in which people are asked for a decision."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from .words import Cursor, Json, JsonOrNull, Limit, LookedAt, Next, Time

By: TypeAlias = Annotated[
    str, msgspec.Meta(min_length=1, max_length=255, description="Who does it.")
]
People: TypeAlias = Annotated[
    list[Annotated[str, msgspec.Meta(min_length=1, max_length=255)]],
    msgspec.Meta(min_length=1, max_length=100, description="People or groups."),
]


class Form(msgspec.Struct, frozen=True):
    """An open form: what is asked of whom, and by when."""

    instance: UUID
    task: str
    workflow: str
    version: int
    step: str
    title: str
    to: Annotated[list[str], msgspec.Meta(description="Who is asked; any of them answers.")]
    decisions: Annotated[list[str], msgspec.Meta(description="What may be decided.")]
    schema: Annotated[Json, msgspec.Meta(description="The JSON Schema that the answer must fit.")]
    claimed_by: Annotated[
        str | None, msgspec.Meta(description="Who has taken it: nobody else answers it then.")
    ]
    claimed_at: Time | None
    opened_at: Time
    due_at: Annotated[Time | None, msgspec.Meta(description="When it fails, unanswered.")]


class FormPage(msgspec.Struct, frozen=True):
    """Open forms, the oldest first."""

    items: list[Form]
    next: Next
    looked_at: LookedAt = None


class FormsQuery(msgspec.Struct, frozen=True):
    """Which open forms."""

    to: Annotated[
        str | None,
        msgspec.Meta(description="People or groups, with commas between: asked of any of them."),
    ] = None
    workflow: Annotated[str | None, msgspec.Meta(description="A workflow's id or name.")] = None
    instance: UUID | None = None
    task: str | None = None
    claimed_by: str | None = None
    limit: Limit = 50
    cursor: Cursor = ""


class FormKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Names a form."""

    instance: UUID
    task: str


class AnswerRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A decision, and the answer that the form asks for."""

    instance: UUID
    task: str
    decision: str
    by: By
    answer: Annotated[
        Json | msgspec.UnsetType,
        msgspec.Meta(description="An object that fits the form's schema; {} if absent."),
    ] = msgspec.UNSET
    key: Annotated[
        Annotated[str, msgspec.Meta(min_length=1, max_length=255)] | None,
        msgspec.Meta(description="Under one key an answer is taken once, however often sent."),
    ] = None


class FormAnswered(msgspec.Struct, frozen=True):
    """What became of an answer."""

    outcome: Annotated[
        Literal["accepted", "repeated"],
        msgspec.Meta(description="repeated: it came before, under its key."),
    ]
    detail: str


class ClaimRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Forms, and who claims or releases them."""

    forms: Annotated[list[FormKey], msgspec.Meta(min_length=1, max_length=1000)]
    by: By


class ReassignRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Forms, who reassigns them, and to whom."""

    forms: Annotated[list[FormKey], msgspec.Meta(min_length=1, max_length=1000)]
    by: By
    to: People


class FormDecision(msgspec.Struct, frozen=True):
    """What became of one form."""

    instance: UUID
    task: str
    outcome: Annotated[
        Literal["done", "refused", "unknown"],
        msgspec.Meta(description="refused: detail says why."),
    ]
    detail: str


class FormDecisions(msgspec.Struct, frozen=True):
    """What became of the forms."""

    decided: list[FormDecision]


class FormEntry(msgspec.Struct, frozen=True):
    """What somebody has done with a form."""

    task: str
    step: str
    what: Literal["claim", "release", "reassign", "answer"]
    by: Annotated[str | None, msgspec.Meta(description="Null once the payloads are erased.")]
    at: Time
    payload: Annotated[
        JsonOrNull, msgspec.Meta(description="Of an answer decision and answer, else to whom.")
    ]


class FormLog(msgspec.Struct, frozen=True):
    """What people have done with the forms of an instance, in order."""

    items: list[FormEntry]
