"""Types of what is inside an instance: tasks, blocks, their scopes, and the log."""

from typing import Annotated, Literal, TypeAlias
from uuid import UUID

import msgspec

from .words import Cursor, ErrorOrNull, InstanceState, JsonOrNull, Next, ScopeState, TaskState, Time

StepKind: TypeAlias = Literal[
    "task",
    "set",
    "fail",
    "return",
    "goto",
    "steps",
    "switch",
    "parallel",
    "race",
    "for_each",
    "repeat",
    "try",
    "sleep",
    "wait_for",
    "approve",
    "workflow",
    "compensation",
    "undo",
    "undo_child",
    "notice",
]
BlockKind: TypeAlias = Literal["steps", "switch", "parallel", "race", "for_each", "repeat", "try"]


class Block(msgspec.Struct, frozen=True):
    """How far a block is: its scopes are its branches, items, or the one list that it runs."""

    total: int
    by_state: Annotated[
        dict[str, int], msgspec.Meta(description="How many of its scopes are in which state.")
    ]
    failed: Annotated[int, msgspec.Meta(description="Scopes that failed, ended or not.")]
    needed: Annotated[int | None, msgspec.Meta(description="`join`: so many are to succeed.")]
    tolerate: int | None
    percent: Annotated[float | None, msgspec.Meta(description="`tolerate`, in percent.")]
    max_parallel: int | None
    fails: Annotated[
        Literal["closing", "undoing"] | None,
        msgspec.Meta(description="It has failed, and waits for what runs in it, or is undone."),
    ]
    caught: Annotated[
        str | None, msgspec.Meta(description="Of a try: the code that a catch was taken for.")
    ]
    timeout_at: Annotated[Time | None, msgspec.Meta(description="When it times out.")]
    resume_at: Annotated[
        Time | None, msgspec.Meta(description="When its next round or attempt begins.")
    ]


class Task(msgspec.Struct, frozen=True):
    """A task of an instance. Of a block of more than 20 scopes the output is null here."""

    task: Annotated[str, msgspec.Meta(description="Its name within the instance.")]
    path: Annotated[
        str, msgspec.Meta(description="Where it lies, as one reads it: invoices[17]/render.")
    ]
    step: str
    scope: Annotated[int, msgspec.Meta(description="0: in no block.")]
    kind: StepKind
    state: TaskState
    open: bool
    handler: str | None
    queue: str | None
    attempts: int
    input: JsonOrNull
    output: JsonOrNull
    error: ErrorOrNull
    reason: Annotated[str | None, msgspec.Meta(description="Why it was skipped.")]
    progress: JsonOrNull
    worker_id: UUID | None
    due_at: Time | None
    start_by: Annotated[
        Time | None, msgspec.Meta(description="By when a worker has to claim it: `start_timeout`.")
    ]
    end_by: Annotated[
        Time | None, msgspec.Meta(description="By when it has to end: `total_timeout`.")
    ]
    changed_at: Time
    seq: Annotated[int | None, msgspec.Meta(description="The transition that ended it.")]
    child: Annotated[
        UUID | None, msgspec.Meta(description="Of `workflow`: the instance that it waits for.")
    ]
    child_status: Annotated[
        InstanceState | None, msgspec.Meta(description="Null: it has not started yet.")
    ]
    block: Annotated[
        Block | None, msgspec.Meta(description="Of a block that has begun: how far it is.")
    ] = None


class LogEntry(msgspec.Struct, frozen=True):
    """One transition of a task, of a scope, or of the instance itself."""

    seq: Annotated[int | None, msgspec.Meta(description="Null for a claim.")]
    task: Annotated[
        str | None, msgspec.Meta(description="Null: the instance itself, or a scope of it.")
    ]
    path: Annotated[
        str | None,
        msgspec.Meta(description="Where the task or the scope lies; null: the instance itself."),
    ]
    attempt: int | None
    state: Annotated[str, msgspec.Meta(description="The state that was entered.")]
    worker_id: UUID | None
    error: ErrorOrNull
    at: Time


class NotReached(msgspec.Struct, frozen=True):
    """A step that has no task."""

    step: str


class ScopeSummary(msgspec.Struct, frozen=True):
    """A scope of a block: a branch, an item, or the one list that it runs."""

    scope: Annotated[int, msgspec.Meta(description="Its number within the instance.")]
    block: Annotated[str, msgspec.Meta(description="The block's task.")]
    path: Annotated[str, msgspec.Meta(description="Where it lies: invoices[17].")]
    kind: BlockKind
    ordinal: Annotated[int, msgspec.Meta(description="Which of its block's it is, from 0.")]
    branch: Annotated[str | None, msgspec.Meta(description="The name of a branch.")]
    item: Annotated[JsonOrNull, msgspec.Meta(description="The item of a for_each.")]
    state: ScopeState
    ends_as: Literal["FAILED", "CANCELLED"] | None
    undone: Annotated[bool, msgspec.Meta(description="What was done in it has been undone.")]
    dead_letter: Annotated[bool, msgspec.Meta(description="A dead letter is open in it.")]
    open_tasks: int
    error: ErrorOrNull


class Scope(ScopeSummary, frozen=True):
    """A scope with its tasks."""

    tasks: Annotated[list[Task], msgspec.Meta(description="In the order of the definition.")]


class ScopeDetail(Scope, frozen=True):
    """A scope with all that is known of it."""

    around: Annotated[
        list[ScopeSummary], msgspec.Meta(description="The scopes around, from the outside in.")
    ]
    not_reached: Annotated[
        list[str], msgspec.Meta(description="Steps that have no task, in the order written.")
    ]
    truncated: Annotated[bool, msgspec.Meta(description="Whether there are more tasks than these.")]


class ScopePage(msgspec.Struct, frozen=True):
    """Scopes: those that failed, or hold an open dead letter, first; then those under way."""

    items: list[Scope]
    next: Next
    truncated: Annotated[bool, msgspec.Meta(description="Whether there are more tasks than these.")]


class ScopesQuery(msgspec.Struct, frozen=True):
    """Which scopes of an instance."""

    block: Annotated[
        str | None, msgspec.Meta(description="Of this block, by its task: invoices, or lines/17.")
    ] = None
    state: ScopeState | None = None
    limit: Annotated[
        int, msgspec.Meta(ge=1, le=200, description="How many items the answer may have.")
    ] = 20
    cursor: Cursor = ""
