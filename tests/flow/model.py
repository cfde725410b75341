"""What an instance is made of: rows in scopes. Data, and what can be read off it."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from itertools import count
from typing import Any, Literal, TypeAlias

from .definition import NO_LIMITS, Branch, Limits, Step, Workflow

Json = Any
Error: TypeAlias = dict[str, Json]

PASSES = ("SUCCEEDED", "SKIPPED", "FAILED")
"""States that a row of an OPEN scope may end in: its edges pass."""
ENDED = ("SUCCEEDED", "FAILED", "CANCELLED", "COMPENSATED")
"""States that a scope, or the instance, ends in."""
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)
"""When an instance starts, where nobody says."""


@dataclass(eq=False)
class Row:
    """A step made due, the compensation of one (``undoes``), or a join that counts (not ``made``).

    ``wrong`` says of a dead letter which of its expressions failed; ``asked`` who suspended it: its
    own step, a block around it, or the workflow. Of blocks: ``plan`` says what follows when the
    scope that closes has ended, ``unwinds`` that the block fails and its step goes on all the same.
    """

    scope: "Scope"
    step: Step
    visit: int = 0
    undoes: "Row | None" = None
    state: str = "WAITING"
    made: bool = False
    seq: int | None = None
    input: Json = None
    has_input: bool = False
    output: Json = None
    error: Error | None = None
    attempt: int = 0
    extra: int = 0
    unknown: bool = False
    due_at: float | None = None
    start_by: float | None = None
    """Until when it is to be claimed, while it is due; ``end_by``: until when it is to end."""
    end_by: float | None = None
    compensation: "Row | None" = None
    wrong: str | None = None
    asked: "Literal['own', 'workflow'] | Row | None" = None
    scopes: "list[Scope]" = field(default_factory=list["Scope"])
    timeout_at: float | None = None
    resume_at: float | None = None
    plan: "Plan | None" = None
    unwinds: bool = False
    back: "BlockBack | None" = None
    caught: str | None = None
    event_key: str | None = None
    child: str | None = None
    """The instance that it has had started, or whose undoing it awaits: the prefix of its paths."""
    child_key: str | None = None
    children: int = 0
    people: list[str] = field(default_factory=list[str])
    claimed_by: str | None = None
    remind_at: float | None = None
    rests: bool = False
    """Whether it is to begin to wait, with its input, once nobody holds its instance."""

    @property
    def open(self) -> bool:
        return self.seq is None

    @property
    def times(self) -> tuple[float | None, ...]:
        """When the clock has something to do with it."""
        return self.due_at, self.timeout_at, self.resume_at, self.remind_at, self.limit_at

    @property
    def limits(self) -> Limits:
        """The limits of its task: of what undoes a step its own."""
        if self.undoes is None:
            return self.step.limits
        return NO_LIMITS if self.step.compensate is None else self.step.compensate.limits

    @property
    def limit_at(self) -> float | None:
        """When it fails, whatever follows; None: never, as it stands."""
        if not self.open or self.state == "DEAD_LETTER":
            return None
        start_by = self.start_by if self.state in ("QUEUED", "READY") else None
        return min((at for at in (start_by, self.end_by) if at is not None), default=None)

    def come_due(self, now: float, *, anew: bool) -> None:
        """Have a worker claim it; ``anew``: it is made or redriven, and no attempt at it again."""
        self.state, self.due_at = "QUEUED", None
        start, total = self.limits.start, self.limits.total
        self.start_by = None if start is None else now + start
        if anew:
            self.end_by = None if total is None else now + total

    @property
    def is_forward(self) -> bool:
        """Whether it stands in a list: it undoes nothing, and tells of no failure."""
        return self.undoes is None and self.step.kind != "notice"

    @property
    def id(self) -> str:
        return self.step.id if self.undoes is None else f"{self.step.id}.compensate"

    @cached_property
    def key(self) -> "Key":
        """By which rows are sorted: from the outside in, then by id and visit."""
        return (*self.scope.key, (self.id, self.visit, -1))

    @cached_property
    def path(self) -> str:
        visit = f"#{self.visit}" if self.visit else ""
        return f"{self.scope.path}{self.id}{visit}"


Key: TypeAlias = tuple[tuple[str, int, int], ...]


@dataclass(eq=False)
class Scope:
    """A part of an instance that opens, runs a list, and drains. Scope 0 has no ``block``.

    ``ends_as`` is what it closes as. ``outermost``: it undoes itself once it has drained;
    ``undoes``: unless that is left to the scope around. ``undone`` is said beside the state.
    ``returned``: a ``return`` in it, or beneath it, has ended its list. ``number``: scopes have
    them in the order in which they were made.
    """

    block: Row | None
    ordinal: int
    branch: Branch
    sees: dict[str, Json] = field(default_factory=dict[str, Json])
    state: str = "WAITING"
    ends_as: str | None = None
    outermost: bool = False
    undoes: bool = True
    back: "ScopeBack | None" = None
    undone: bool = False
    returned: bool = False
    rows: list[Row] = field(default_factory=list[Row])
    output: Json = None
    error: Error | None = None
    number: int = field(default_factory=count().__next__)
    prefix: str = ""
    """Of scope 0 what stands before the paths of its instance."""

    @cached_property
    def key(self) -> Key:
        if self.block is None:
            return ()
        return (*self.block.scope.key, (self.block.id, self.block.visit, self.ordinal))

    @cached_property
    def path(self) -> str:
        return self.prefix if self.block is None else f"{self.block.path}[{self.ordinal}]/"

    @property
    def instance_prefix(self) -> str:
        return self.prefix if self.block is None else self.block.scope.instance_prefix

    @property
    def depth(self) -> int:
        return len(self.key)

    @property
    def ended(self) -> bool:
        return self.state in ENDED

    @property
    def list_ended(self) -> bool:
        """Whether all its list has ended."""
        if self.returned:
            return True
        if self.branch.sequence:
            return self.passed and self.next_step is None
        found = [self.find(step.id) for step in self.branch.steps]
        return all(row is not None and not row.open for row in found)

    @property
    def passed(self) -> bool:
        """Whether the last row of a sequence has ended, so that the next may follow."""
        rows = self.forward
        return not rows or (not rows[-1].open and rows[-1].state in PASSES)

    @property
    def next_step(self) -> Step | None:
        """The step that follows the last row of a sequence; None at its end."""
        steps, rows = self.branch.steps, self.forward
        if not rows:
            return steps[0] if steps else None
        last = rows[-1]
        if last.step.kind == "goto" and last.state == "SUCCEEDED":
            return next((step for step in steps if step.id == last.step.value), None)
        at = steps.index(last.step) + 1
        return steps[at] if at < len(steps) else None

    @property
    def forward(self) -> list[Row]:
        """The rows of its steps, as they were made."""
        steps = self.branch.steps
        return [row for row in self.rows if row.undoes is None and row.step in steps]

    def find(self, step: str) -> Row | None:
        """Return the row of a step: of its last visit."""
        rows = [row for row in self.rows if row.step.id == step and row.undoes is None]
        return rows[-1] if rows else None

    def tree(self) -> "Iterator[Scope]":
        """Yield this scope and all beneath it, from the outside in."""
        yield self
        for row in self.rows:
            for scope in row.scopes:
                yield from scope.tree()

    def within(self, outer: "Scope") -> bool:
        """Tell whether it is ``outer`` or lies in it."""
        return self is outer or (self.block is not None and self.block.scope.within(outer))

    def drained(self) -> bool:
        """Tell whether nothing is open in it: no row, no scope beneath, no way back."""
        beneath = [scope for scope in self.tree() if scope is not self]
        return (
            all(scope.ended and scope.back is None for scope in beneath)
            and not any(row.open for scope in self.tree() for row in scope.rows)
            and not any(row.back for scope in self.tree() for row in scope.rows)
        )


@dataclass(eq=False)
class Plan:
    """What a try does when the scope that closes has ended: again, or a catch."""

    catch: Branch | None
    error: Error


@dataclass(eq=False)
class ScopeBack:
    """The way back of a scope: what is left to undo, the last first."""

    scope: Scope
    left: list[Row]
    current: Row | None = None
    block: "BlockBack | None" = None
    """The way back of ``current``, where that is a block."""


@dataclass(eq=False)
class BlockBack:
    """The way back of a block: its scopes, so many at a time."""

    row: Row
    left: list[Scope]
    at_once: int
    active: list[ScopeBack] = field(default_factory=list[ScopeBack])


@dataclass(frozen=True)
class Signal:
    """What was sent to this instance; sent again with its ``key`` it is no second one."""

    name: str
    payload: Json = None
    key: str | None = None


@dataclass(frozen=True)
class Answer:
    """What somebody decides on a form; given again with its ``key`` it is no second one."""

    path: str
    decision: str
    answer: Json
    by: str
    key: str | None = None


@dataclass(frozen=True, eq=False)
class Event:
    """What was sent to all who wait for it."""

    name: str
    key: str
    payload: Json
    id: str
    sent_at: float


@dataclass(frozen=True, eq=False)
class Delivery:
    """What one instance tells another: start, cancel, undo, or its end, which is for a ``row``."""

    to: str
    what: str
    row: Row
    sender: str
    output: Json = None
    error: Error | None = None


@dataclass(eq=False)
class Instance:
    """All that is known of an instance, and what a transition under way has still to do."""

    workflow: Workflow
    input: Json
    root: Scope
    now: float = 0
    seq: int = 0
    held: bool = False
    state: str = "RUNNING"
    closing_as: str | None = None
    given_up: bool = False
    """A compensation was discarded: not all is undone."""
    deadline_at: float | None = None
    output: Json = None
    error: Error | None = None
    failing: list[Row] = field(default_factory=list[Row])
    undone: list[str] = field(default_factory=list[str])
    handled: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    """Of each failure what failed and who handled it."""
    began: datetime = BEGAN
    waits: list[Row] = field(default_factory=list[Row])
    """What has waited for a signal or an event, as it began to."""
    beginning: list[Row] = field(default_factory=list[Row])
    """What begins to in the wave under way."""
    kept: list[Signal] = field(default_factory=list[Signal])
    """Signals that nobody waits for yet."""
    signals: dict[str, Signal] = field(default_factory=dict[str, Signal])
    """Those that were sent with a key, by it."""
    events: list[Event] = field(default_factory=list[Event])
    took: set[tuple[str, Event]] = field(default_factory=set[tuple[str, Event]])
    """Which step took which event."""
    answered: dict[Row, Answer] = field(default_factory=dict[Row, Answer])
    """What was answered to which form."""
    answers: Row | None = None
    """The row of another instance that is told its end."""
    undone_by: Row | None = None
    """The row of another instance by which it is undone, though it had succeeded."""
    sent: list[Delivery] = field(default_factory=list[Delivery])
    goes_on: bool = False
    """The wave under way has left something to the next one."""

    @property
    def prefix(self) -> str:
        """What stands before its paths: of a child the path of the row that started it."""
        return self.root.prefix

    def scopes(self) -> list[Scope]:
        return sorted(self.root.tree(), key=lambda scope: scope.key)

    def rows(self) -> list[Row]:
        rows = [row for scope in self.root.tree() for row in scope.rows]
        return sorted(rows, key=lambda row: row.key)

    @property
    def dead_letters(self) -> list[Row]:
        return [row for row in self.rows() if row.state == "DEAD_LETTER" and row.open]

    @property
    def suspended_by(self) -> str | None:
        if self.state in ENDED:
            return None
        return "operator" if self.held else "dead_letter" if self.dead_letters else None

    def end(self, row: Row, state: str, output: Json = None, error: Error | None = None) -> None:
        """End a row with this transition."""
        assert row.open, row.path
        row.state, row.output, row.seq = state, output, self.seq
        row.error = row.error if error is None and state != "SUCCEEDED" else error
        row.due_at = row.timeout_at = row.resume_at = row.remind_at = None
        if row.undoes is not None and state in ("SUCCEEDED", "SKIPPED"):
            self.undone.append(row.undoes.path)

    def fail(self, row: Row, error: Error, wrong: str | None = None) -> None:
        """Have a row judged that has failed for good."""
        row.error, row.wrong, row.due_at, row.remind_at = error, wrong, None, None
        self.failing.append(row)
