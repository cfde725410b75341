"""A step that has a task carried out, and perhaps undone."""

from collections.abc import Iterator
from typing import Any, Self

from ..expressions.trees import Compiled
from . import checks
from .compensation import COMPENSATE, Compensation
from .members import Key, Members, later
from .retry import RETRY
from .step import HEAD, NOT_YET, ORDER, Lowered, Row, Step, reads
from .work import TIMEOUT, WITH, Work, fields, queue_key, task_key

DEFAULT_QUEUE = "default"

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "task": task_key(unless=frozenset(NOT_YET)),
        "with": WITH,
        **ORDER,
        "queue": queue_key("The queue of the workers that carry it out.", DEFAULT_QUEUE),
        "retry": RETRY,
        "timeout": TIMEOUT,
        "compensate": COMPENSATE,
        "on_failure": Key(
            checks.on_failure,
            {"enum": list(checks.ON_FAILURE)},
            "What follows when the step fails for good; else as the workflow.",
        ),
    },
    later(*NOT_YET, "catch", "goto", "jump", "limit"),
)


class Task(Step, frozen=True, kw_only=True, tag="task"):
    """A step of the kind `task`."""

    work: Work
    compensation: Compensation | None = None
    on_failure: str | None = None

    @classmethod
    def of(cls, members: dict[str, Any], pointer: str, position: int) -> Self:
        """Make it of members that were read."""
        return cls(
            pointer=pointer,
            position=position,
            id=members["id"],
            needs=members.get("needs"),
            when=members.get("when"),
            work=Work(**fields(members)),
            compensation=members.get("compensate"),
            on_failure=members.get("on_failure"),
        )

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its input."""
        yield from super().expressions()
        yield self.work.input

    def undo_expressions(self) -> Iterator[Compiled]:
        """Yield the input of its undoing."""
        if self.compensation is not None:
            yield self.compensation.input

    def lower(self, joins: int, positions: dict[str, int]) -> Lowered:
        """Return its row, and that of its undoing."""
        read = reads(positions, self.work.input, self.when)
        spec = self.work.spec(DEFAULT_QUEUE, read, self.position)
        if self.when is not None:
            spec["when"] = self.when.tree
        if self.on_failure is not None:
            spec["on_failure"] = self.on_failure
        own = Row(self.id, "task", joins, spec)
        if self.compensation is None:
            return Lowered([own], [])
        undo = self.compensation.lower(self.id, self.work.queue or DEFAULT_QUEUE, positions)
        return Lowered([own, *undo.rows], undo.edges)
