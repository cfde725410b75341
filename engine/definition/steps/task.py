"""A step that has a task carried out, and perhaps undone."""

from collections.abc import Iterator
from typing import Any

from ..expressions.trees import Compiled
from ..foreign.words import OF_A_STEP
from .compensation import COMPENSATE, Compensation
from .members import Members
from .retry import RETRY
from .step import FAILURE, HEAD, ORDER, Lowered, Place, Step, names
from .work import LIMITS, TASK, WITH, Work, fields, queue_key

DEFAULT_QUEUE = "default"

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "task": TASK,
        "with": WITH,
        **ORDER,
        "queue": queue_key("The queue of the workers that carry it out.", DEFAULT_QUEUE),
        "retry": RETRY,
        **LIMITS,
        "compensate": COMPENSATE,
        **FAILURE,
    },
    OF_A_STEP,
)


class Task(Step, frozen=True, kw_only=True, tag="task"):
    """A step of the kind `task`."""

    work: Work
    compensation: Compensation | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its work and its undoing."""
        return {"work": Work(**fields(members)), "compensation": members.get("compensate")}

    @property
    def is_undone(self) -> bool:
        """Whether there is something to undo once it has run."""
        return self.compensation is not None

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its input."""
        yield from super().expressions()
        yield self.work.input

    def undo_expressions(self) -> Iterator[Compiled]:
        """Yield the input of its undoing."""
        if self.compensation is not None:
            yield self.compensation.input

    def lower(self, place: Place) -> Lowered:
        """Return its row, and that of its undoing."""
        named = names(place.positions, self.work.input, self.when)
        position = place.positions[self.id]
        own = self.row(place, self.work.spec(DEFAULT_QUEUE, named, position) | self.policy())
        if self.compensation is None:
            return Lowered([own])
        queue = self.work.queue or DEFAULT_QUEUE
        undo = self.compensation.lower(self, queue, place.positions)
        return Lowered([own, *undo.rows], undo.edges)
