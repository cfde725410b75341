"""Types of triggers: what starts instances by itself."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from .schedules import RunState
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
    due_at: Annotated[
        Time | None, msgspec.Meta(description="When that is due: later by its jitter.")
    ]
    late: Annotated[
        float | None,
        msgspec.Meta(description="For how many seconds it is due, and nobody has started it."),
    ]
    last_planned_at: Annotated[
        Time | None, msgspec.Meta(description="Of a schedule the last time of which anything came.")
    ]
    last_state: Annotated[RunState | None, msgspec.Meta(description="What came of that.")]
    last_instance: UUID | None
    problem: Annotated[
        str | None,
        msgspec.Meta(description="What is wrong with its topic, as far as a relay has seen."),
    ]
    lag: Annotated[
        int | None,
        msgspec.Meta(description="How many records of its topic are to be taken; null: unknown."),
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


class TopicPosition(msgspec.Struct, frozen=True):
    """Where a trigger stands in a partition."""

    topic: str
    partition: int
    position: Annotated[int, msgspec.Meta(description="The offset that is taken next.")]
    log_end: Annotated[
        int | None, msgspec.Meta(description="Where the log ends; null while no relay has seen it.")
    ]
    lag: Annotated[int | None, msgspec.Meta(description="How many offsets lie between them.")]
    taken_at: Time | None


class TopicPositions(msgspec.Struct, frozen=True):
    """Where a trigger stands in its topic, and in topics that it had before."""

    items: list[TopicPosition]
    problem: Annotated[
        str | None,
        msgspec.Meta(description="What is wrong with the topic, as far as a relay has seen."),
    ]


class StalledTrigger(msgspec.Struct, frozen=True):
    """A schedule that is due and that nobody starts, or a topic that is not read, or too slowly."""

    workflow: str
    trigger: str
    kind: TriggerKind
    due_since: Time | None
    problem: str | None
    lag: int | None
    """How many records of the topic are to be taken."""
    stuck: bool
    """Whether none of some partition was taken of late, the last at ``taken_at``."""
    taken_at: Time | None

    def __str__(self) -> str:
        """Say it, and what to do."""
        name = f"{self.workflow}/{self.trigger}"
        if self.due_since:
            return (
                f"The schedule {name} has been due since {_time(self.due_since)}, and nobody has "
                f"started it: {RELAY}."
            )
        where = f"`onceflow triggers positions {name}` tells where it stands."
        if self.problem:
            return (
                f"Nothing is taken for the trigger {name}: {self.problem.rstrip('.')}. It goes on "
                f"by itself once that is mended; {where}"
            )
        if self.stuck:
            since = "" if self.taken_at is None else f" since {_time(self.taken_at)}"
            return (
                f"Of the topic of the trigger {name} {self.lag:,} records are to be taken, and of "
                f"some partition none was{since}: {RELAY}; {where}"
            )
        return (
            f"The trigger {name} is {self.lag:,} records behind its topic. It catches up by itself "
            "unless they come faster than they are taken: one more `onceflow relay` takes a part "
            f"of the partitions; {where}"
        )


RELAY = "start a relay with `onceflow relay`; where one is running, its log says why"


def _time(at: Time) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC"
