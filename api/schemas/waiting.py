"""Types of signals and events."""

from typing import Annotated, Literal
from uuid import UUID

import msgspec

from .words import Json, Time

Payload = Annotated[
    Json | msgspec.UnsetType,
    msgspec.Meta(description="What the step that waits for it gives; null if absent."),
]


class KeptSignal(msgspec.Struct, frozen=True):
    """A signal that no step has taken."""

    name: str
    key: Annotated[str | None, msgspec.Meta(description="Under which it was sent once.")]
    sent_at: Time


class SignalRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a signal brings."""

    payload: Payload = msgspec.UNSET
    key: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=255,
                description="Under one key an instance takes one signal, however often it is sent.",
            ),
        ]
        | None
    ) = None


class SignalAnswer(msgspec.Struct, frozen=True):
    """What became of a signal."""

    instance: UUID
    outcome: Annotated[
        Literal["accepted", "repeated"],
        msgspec.Meta(description="repeated: it came before, under its key."),
    ]
    task: Annotated[
        str | None,
        msgspec.Meta(description="The task that has taken it; null: it is kept until one does."),
    ]
    detail: str


class EventRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An event."""

    name: Annotated[str, msgspec.Meta(pattern="^[A-Za-z][A-Za-z0-9_.-]{0,127}$")]
    key: Annotated[
        str,
        msgspec.Meta(
            min_length=1, max_length=255, description="What tells it from others of its name."
        ),
    ]
    payload: Payload = msgspec.UNSET
    id: (
        Annotated[
            str,
            msgspec.Meta(
                min_length=1,
                max_length=255,
                description="Under one id an event is sent once; made if absent.",
            ),
        ]
        | None
    ) = None


class EventAnswer(msgspec.Struct, frozen=True):
    """What became of an event."""

    id: str
    outcome: Annotated[
        Literal["sent", "repeated"],
        msgspec.Meta(description="repeated: it came before, under its id."),
    ]
    waited: Annotated[int, msgspec.Meta(ge=0, description="How many steps waited for it.")]
