"""A step that has a task carried out, and perhaps undone."""

from collections.abc import Iterator
from typing import Any

from ..expressions.trees import Compiled
from .compensation import COMPENSATE, Compensation
from .members import Members, later
from .retry import RETRY
from .step import FAILURE, HEAD, NOT_YET, ORDER, Lowered, Row, Step, names
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
        **FAILURE,
    },
    later(*NOT_YET, "catch", "goto", "jump", "limit"),
)


class Task(Step, frozen=True, kw_only=True, tag="task"):
    """A step of the kind `task`."""

    work: Work
    compensation: Compensation | None = None

    @classmethod
    def own(cls, members: dict[str, Any]) -> dict[str, Any]:
        """Return its work and its undoing."""
        return {"work": Work(**fields(members)), "compensation": members.get("compensate")}

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
        named = names(positions, self.work.input, self.when)
        spec = self.work.spec(DEFAULT_QUEUE, named, self.position) | self.policy()
        own = Row(self.id, "task", joins, spec)
        if self.compensation is None:
            return Lowered([own], [])
        undo = self.compensation.lower(self.id, self.work.queue or DEFAULT_QUEUE, positions)
        return Lowered([own, *undo.rows], undo.edges)
