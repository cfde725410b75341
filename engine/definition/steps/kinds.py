"""The kinds of steps, each told by the key that only it has.

The next kind is a module beside `task.py` and a line here.
"""

from typing import NamedTuple, cast

from ...json_text import Json
from ..source.document import Faults, child
from . import fail_with, set_value, task
from .members import Members, Schema
from .step import Step


class Kind(NamedTuple):
    """The keys that a kind of step may have, and the struct that it becomes."""

    members: Members
    struct: type[Step]


KINDS = {
    "task": Kind(task.MEMBERS, task.Task),
    "set": Kind(set_value.MEMBERS, set_value.Set),
    "fail": Kind(fail_with.MEMBERS, fail_with.Fail),
}
"""By the key that tells the kind; the first is that of a step without any such key."""


def read_step(value: Json, pointer: str, position: int, faults: Faults) -> Step | None:
    """Read a step; None where it is none, or has no name."""
    keys = cast(dict[str, Json], value).keys() if isinstance(value, dict) else ()
    first, *others = [key for key in KINDS if key in keys] or KINDS
    if others and others[0] in keys:
        message = f"a step is of one kind, and has {first!r} already; make two steps of it"
        faults.add(child(pointer, others[0]), message, key=True)
        return None
    kind = KINDS[first]
    members = kind.members.read(value, pointer, faults)
    if members is None:
        return None
    if "default" in members and members.get("on_failure") != "continue":
        message = "is for an instance that goes on; write `on_failure: continue` beside it"
        faults.add(child(pointer, "default"), message, key=True)
    if "id" not in members:
        return None
    return kind.struct.of(members, pointer, position)


def step_schema() -> Schema:
    """Return the JSON Schema of a step: of one kind or another."""
    return {"anyOf": [kind.members.schema() for kind in KINDS.values()]}
