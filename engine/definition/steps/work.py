"""What a worker carries out: a task with its input, queue, retries and limit of time.

Every kind of step that has work done is made of it, and every undoing.
"""

from typing import Any, ClassVar

import msgspec

from ..expressions.trees import Compiled
from . import checks
from .durations import EXAMPLES
from .durations import SCHEMA as DURATION
from .members import Key
from .retry import Retry

NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$"
QUEUE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
NO_INPUT = Compiled({"v": {}})


class Work(msgspec.Struct, frozen=True, kw_only=True):
    """A task to be carried out. ``queue`` is None where it names none."""

    task: str = ""
    input: Compiled = NO_INPUT
    queue: str | None = None
    retry: Retry | None = None
    timeout: float | None = None
    start_timeout: float | None = None
    total_timeout: float | None = None

    LIMITS: ClassVar = ("timeout", "start_timeout", "total_timeout")
    KEYS: ClassVar = ("task", "with", "queue", "retry", *LIMITS)

    def spec(self, queue: str, names: dict[str, Any], position: int) -> dict[str, Any]:
        """Return what a worker and the engine need of it; ``queue`` is for one that names none.

        ``names`` is what its expressions name (``step.names``).

        ``extra`` is handed to the worker with each attempt, as it stands.
        """
        spec: dict[str, Any] = {
            "task": self.task,
            "queue": self.queue or queue,
            "with": self.input.tree,
            "position": position,
            **names,
        }
        if self.input.filled:
            texts = [{"at": text.at, "parts": text.parts} for text in self.input.filled]
            spec["extra"] = {"secrets": texts}
        if self.retry is not None:
            spec["retry"] = self.retry.spec()
        limits = {name: getattr(self, name) for name in self.LIMITS}
        return spec | {name: seconds for name, seconds in limits.items() if seconds is not None}


def fields(members: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of ``Work`` out of members that were read."""
    found = {key: members[key] for key in Work.KEYS if key in members}
    if "with" in found:
        found["input"] = found.pop("with")
    return found


def queue_key(meaning: str, default: str | None = None) -> Key:
    """Return the key `queue`."""
    schema = {"type": "string", "pattern": QUEUE}
    return Key(
        checks.matching(QUEUE, "the name of a queue, such as mail"),
        schema if default is None else {**schema, "default": default},
        meaning,
        examples=("mail",),
    )


TASK = Key(
    checks.matching(NAME, "the name of a task, such as http.request"),
    {"type": "string", "pattern": NAME},
    "The task that a worker carries out.",
    required=True,
    examples=("http.request", "smtp.send"),
)
WITH = Key(
    checks.task_input,
    {"anyOf": [{"type": "object"}, {"type": "string", "pattern": r"^\$[.{]"}]},
    "The input of the task, {} unless given; texts in it may be expressions.",
    examples=({"url": "${ $.input.shop }/orders"}, "$.steps.prepare.output"),
)


def _limit(meaning: str) -> Key:
    return Key(checks.duration, DURATION, meaning + " No limit unless given.", examples=EXAMPLES)


LIMITS = {
    "timeout": _limit("How long one attempt may take; then it is tried again."),
    "start_timeout": _limit(
        "How long it may be due until a worker has claimed it; then it fails, with the code "
        "start_timeout, and is not tried again."
    ),
    "total_timeout": _limit(
        "How long all of its attempts may take, with the waits between them; then it fails, with "
        "the code total_timeout, and is not tried again."
    ),
}
"""The keys that bound what a worker carries out."""
