"""The key `compensate`: the task that undoes a step."""

from collections.abc import Mapping
from typing import Any

from ...json_text import Json
from ..foreign.words import later
from ..source.document import Faults, child
from .members import Key, Members
from .retry import RETRY
from .step import Lowered, Step, names, undoing
from .work import LIMITS, TASK, WITH, Work, fields, queue_key

MEMBERS = Members(
    "a compensation",
    {
        "task": TASK,
        "with": WITH,
        "queue": queue_key(
            "The queue of the workers that carry it out; that of its step unless given."
        ),
        "retry": RETRY,
        **LIMITS,
    },
    later("when", "on_failure", "needs", "compensate"),
)


class Compensation(Work, frozen=True, kw_only=True, tag_field="kind", tag="compensation"):
    """What undoes a step."""

    def lower(self, undone: Step, queue: str, positions: Mapping[str, int]) -> Lowered:
        """Return its row, and the edge from the step that it undoes, which is on ``queue``."""
        # The workers that do a thing are taken for those that undo it.
        spec = self.spec(queue, names(positions, self.input), positions[undone.id])
        return undoing(undone, "compensation", spec, child(undone.pointer, "compensate"))


def _read(value: Json, pointer: str, faults: Faults) -> Compensation | None:
    members: dict[str, Any] | None = MEMBERS.read(value, pointer, faults)
    return None if members is None else Compensation(**fields(members))


COMPENSATE = Key(
    _read,
    MEMBERS.schema(),
    "The task that undoes the step when the workflow, or a block around it, fails.",
    examples=({"task": "invoice.void", "with": {"key": "$.key"}},),
)
