"""Types of triggers: what starts instances by itself."""

from typing import Annotated, Literal, TypeAlias

import msgspec

from .words import Cursor, Limit, Next, Time

TriggerKind: TypeAlias = Literal["schedule", "kafka", "webhook"]


class Trigger(msgspec.Struct, frozen=True):
    """An entry of `on` of the latest version of a workflow."""

    workflow: str
    trigger: Annotated[str, msgspec.Meta(description="Its id.")]
    kind: TriggerKind
    version: int
    hears: Annotated[str, msgspec.Meta(description="What it waits for, in words.")]
    paused_at: Annotated[
        Time | None, msgspec.Meta(description="Since when an operator lets it start nothing.")
    ]
    disabled_at: Annotated[
        Time | None, msgspec.Meta(description="Since when nothing of its workflow may start.")
    ]
    next_at: Annotated[
        Time | None, msgspec.Meta(description="Of a schedule the next time that it has planned.")
    ]
    failed: Annotated[
        int, msgspec.Meta(description="How often it has heard what it could make nothing of.")
    ]
    failed_at: Time | None


class TriggersQuery(msgspec.Struct, frozen=True):
    """Which triggers."""

    workflow: Annotated[str | None, msgspec.Meta(description="A workflow's name.")] = None
    kind: TriggerKind | None = None
    limit: Limit = 50
    cursor: Cursor = ""


class TriggerPage(msgspec.Struct, frozen=True):
    """Triggers, by workflow and id."""

    items: list[Trigger]
    next: Next


class TriggerFailure(msgspec.Struct, frozen=True):
    """What a trigger has heard and could make nothing of, with others of the same words."""

    id: int
    code: str
    message: str
    key: Annotated[str | None, msgspec.Meta(description="What tells the last of them from others.")]
    times: int
    first_at: Time
    last_at: Time


class TriggerFailures(msgspec.Struct, frozen=True):
    """The failures of a trigger, the latest first: at most fifty."""

    items: list[TriggerFailure]
