"""The key `on_failed` of a workflow: the task that tells of its failure."""

from collections.abc import Mapping
from typing import Any, Final

from ..json_text import Json
from .foreign.words import later
from .source.document import Faults
from .steps.members import Key, Members
from .steps.retry import RETRY
from .steps.step import Row, names
from .steps.task import DEFAULT_QUEUE
from .steps.work import LIMITS, TASK, WITH, Work, fields, queue_key

STEP: Final = "workflow.on_failed"
"""The step that it becomes; no step of a user's has a dot."""

MEMBERS = Members(
    "a notice",
    {
        "task": TASK,
        "with": WITH,
        "queue": queue_key("The queue of the workers that carry it out.", DEFAULT_QUEUE),
        "retry": RETRY,
        **LIMITS,
    },
    later("when", "on_failure", "needs", "compensate", "steps"),
)


class Notice(Work, frozen=True, kw_only=True, tag_field="kind", tag="notice"):
    """What is carried out once, as an instance has failed."""

    def row(self, positions: Mapping[str, int]) -> Row:
        """Return its row, which stands behind all steps and in no list."""
        spec = self.spec(DEFAULT_QUEUE, names(positions, self.input), len(positions))
        return Row(STEP, "notice", 0, spec, "/on_failed")


def _read(value: Json, pointer: str, faults: Faults) -> Notice | None:
    members: dict[str, Any] | None = MEMBERS.read(value, pointer, faults)
    return None if members is None else Notice(**fields(members))


ON_FAILED = Key(
    _read,
    MEMBERS.schema(),
    "The task that is carried out once where an instance has failed, when all is undone; it sees "
    "$.input and $.error.",
    examples=({"task": "smtp.send", "with": {"to": "$.input.email", "text": "$.error.message"}},),
)
