"""The key `compensate`: the task that undoes a step."""

from typing import Any

from ...json_text import Json
from ..source.document import Faults
from .members import Key, Members, later
from .retry import RETRY
from .step import Edge, Lowered, Row, names
from .work import TIMEOUT, WITH, Work, fields, queue_key, task_key

MEMBERS = Members(
    "a compensation",
    {
        "task": task_key(),
        "with": WITH,
        "queue": queue_key(
            "The queue of the workers that carry it out; that of its step unless given."
        ),
        "retry": RETRY,
        "timeout": TIMEOUT,
    },
    later("when", "on_failure", "needs", "compensate"),
)


class Compensation(Work, frozen=True, kw_only=True, tag_field="kind", tag="compensation"):
    """What undoes a step."""

    def lower(self, step: str, queue: str, positions: dict[str, int]) -> Lowered:
        """Return its row, and the edge from the step that it undoes, which is on ``queue``."""
        # The workers that do a thing are taken for those that undo it.
        spec = self.spec(queue, names(positions, self.input), positions[step])
        name = f"{step}.compensate"
        return Lowered([Row(name, "compensation", 0, spec)], [Edge(step, name, "undo")])


def _read(value: Json, pointer: str, faults: Faults) -> Compensation | None:
    members: dict[str, Any] | None = MEMBERS.read(value, pointer, faults)
    return None if members is None else Compensation(**fields(members))


COMPENSATE = Key(_read, MEMBERS.schema(), "The task that undoes the step when the workflow fails.")
