"""The kinds of steps, each told by the key that only it has.

The next kind is a module beside `task.py` and a line here.
"""

from typing import NamedTuple, cast

from ...json_text import Json
from ..source.document import Faults
from . import task
from .members import Members, Schema
from .step import Step


class Kind(NamedTuple):
    """The keys that a kind of step may have, and the struct that it becomes."""

    members: Members
    struct: type[Step]


KINDS = {"task": Kind(task.MEMBERS, task.Task)}
"""By the key that tells the kind; the first is that of a step without any such key."""


def read_step(value: Json, pointer: str, position: int, faults: Faults) -> Step | None:
    """Read a step; None where it is none, or has no name."""
    keys = cast(dict[str, Json], value).keys() if isinstance(value, dict) else ()
    first = next(iter(KINDS))
    kind = KINDS[next((key for key in KINDS if key in keys), first)]
    members = kind.members.read(value, pointer, faults)
    if members is None or "id" not in members:
        return None
    return kind.struct.of(members, pointer, position)


def step_schema() -> Schema:
    """Return the JSON Schema of a step: of one kind or another."""
    schemas = [kind.members.schema() for kind in KINDS.values()]
    return schemas[0] if len(schemas) == 1 else {"anyOf": schemas}
