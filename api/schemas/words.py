"""The words and small types that requests and answers share."""

from datetime import datetime
from typing import Annotated, Literal, TypeAlias

import msgspec

InstanceState: TypeAlias = Literal[
    "RUNNING", "CLOSING", "COMPENSATING", "SUCCEEDED", "FAILED", "COMPENSATED", "CANCELLED"
]
TaskState: TypeAlias = Literal[
    "WAITING",
    "READY",
    "QUEUED",
    "RUNNING",
    "RETRYING",
    "SUCCEEDED",
    "FAILED",
    "DEAD_LETTER",
    "SKIPPED",
    "CANCELLED",
]
ScopeState: TypeAlias = Literal[
    "WAITING", "OPEN", "CLOSING", "COMPENSATING", "SUCCEEDED", "FAILED", "CANCELLED"
]
ClosingAs: TypeAlias = Literal["FAILED", "COMPENSATED", "CANCELLED"]
SuspendedBy: TypeAlias = Literal["operator", "dead_letter"]

# JSON as Postgres holds it: embedded as text, so that numbers keep every digit.
Json: TypeAlias = msgspec.Raw
JsonOrNull: TypeAlias = msgspec.Raw | None

ErrorOrNull: TypeAlias = Annotated[
    JsonOrNull,
    msgspec.Meta(
        description="`code` and `message`; of a handler's exception also `type`, `traceback`, "
        "`cause` (what led to it), `fingerprint` (of failures of one kind the same), `detail`."
    ),
]

Time: TypeAlias = Annotated[datetime, msgspec.Meta(tz=True)]

Limit: TypeAlias = Annotated[
    int, msgspec.Meta(ge=1, le=200, description="How many items the answer may have.")
]
Cursor: TypeAlias = Annotated[
    str, msgspec.Meta(description="`next` of the page before; the first page needs none.")
]
Next: TypeAlias = Annotated[
    str | None,
    msgspec.Meta(description="The cursor of the page that follows; null on the last one."),
]

LookedAt: TypeAlias = Annotated[
    int | None,
    msgspec.Meta(
        description="Where no index serves the filters, and among so many rows there is no whole "
        "page that they fit: how many were looked at. `next` goes on behind these."
    ),
]


def given(json: msgspec.Raw | msgspec.UnsetType, otherwise: bytes) -> msgspec.Raw:
    """Return the JSON of a member, or what stands in for it where it is absent."""
    return msgspec.Raw(otherwise) if isinstance(json, msgspec.UnsetType) else json
