"""The kinds of steps, each told by the key that only it has.

The next kind is a module beside `task.py` and a line here.
"""

import inspect
from dataclasses import replace
from typing import NamedTuple, cast

from ...json_text import Json
from ..common.mends import one_of
from ..foreign.telling import only_member
from ..foreign.values import as_id
from ..foreign.words import OF_A_STEP, Reason
from ..source.document import Faults, child
from . import (
    fail_with,
    for_each,
    goto,
    group,
    parallel,
    race,
    repeat,
    return_value,
    set_value,
    switch,
    task,
    try_catch,
)
from .block import Block, Readers
from .members import Members, Schema
from .step import Step
from .waiting import approve, sleep, wait_for, workflow


class Kind(NamedTuple):
    """The keys that a kind of step may have, and the struct that it becomes."""

    members: Members
    struct: type[Step]


def read_step(value: Json, pointer: str, faults: Faults) -> Step | None:
    """Read a step; None where it is none.

    After a fault it is read on, perhaps under a name that nobody can give, so that its other faults
    are told too, and none of those who name what it holds.
    """
    named = only_member(value)
    if named is not None and named[0] not in KINDS and named[0] not in OF_A_STEP:
        name, inner = named
        message = f"a step has its name in `id`, beside its other keys: write `id: {as_id(name)}`"
        faults.add(child(pointer, name), message, key=True)
        return read_step({"id": as_id(name), **inner}, child(pointer, name), faults)
    keys = cast(dict[str, Json], value).keys() if isinstance(value, dict) else ()
    told = [key for key in KINDS if key in keys]
    # The `steps` of a for_each tell no kind.
    told = [key for key in told if all(k == key or key not in KINDS[k].members.keys for k in told)]
    if len(told) > 1:
        message = f"a step is of one kind, and has {told[0]!r} already; make two steps of it"
        faults.add(child(pointer, told[1]), message, key=True)
        blocks = [key for key in told if issubclass(KINDS[key].struct, Block)]
        told = [*blocks, *told][:1]
        others = KINDS.keys() - KINDS[told[0]].members.keys.keys()
        value = {
            key: item for key, item in cast(dict[str, Json], value).items() if key not in others
        }
    if not told and isinstance(value, dict) and not keys & OF_A_STEP.keys():
        kinds = one_of([f"`{key}`" for key in KINDS])
        faults.add(pointer, f"a step needs the key that says of which kind it is: {kinds}")
    kind = KINDS[told[0]] if told else UNTOLD
    members = kind.members.read(value, pointer, faults)
    if members is None:
        return None
    if lack := kind.struct.lacks(keys):
        faults.add(pointer, lack)
    kind.struct.check(members, pointer, faults)
    return kind.struct.of({"id": f"step.{pointer}", **members}, pointer)


def read_list(value: Json, pointer: str, faults: Faults) -> list[Step] | None:
    """Read a list of steps; those that are none are left out."""
    if not isinstance(value, list) or not value:
        faults.add(pointer, "must be a list of at least one step")
        return None
    items = enumerate(cast(list[Json], value))
    read = [read_step(item, child(pointer, n), faults) for n, item in items]
    return [step for step in read if step is not None]


_READERS = Readers(read_step, read_list)
_KINDS = {
    "task": Kind(task.MEMBERS, task.Task),
    "set": Kind(set_value.MEMBERS, set_value.Set),
    "fail": Kind(fail_with.MEMBERS, fail_with.Fail),
    "steps": Kind(group.members(_READERS), group.Group),
    "switch": Kind(switch.members(_READERS), switch.Switch),
    "parallel": Kind(parallel.members(_READERS), parallel.Parallel),
    "race": Kind(race.members(_READERS), race.Race),
    "for_each": Kind(for_each.members(_READERS), for_each.ForEach),
    "repeat": Kind(repeat.members(_READERS), repeat.Repeat),
    "try": Kind(try_catch.members(_READERS), try_catch.Try),
    "return": Kind(return_value.MEMBERS, return_value.Return),
    "goto": Kind(goto.MEMBERS, goto.Goto),
    "sleep": Kind(sleep.MEMBERS, sleep.Sleep),
    "wait_for": Kind(wait_for.MEMBERS, wait_for.WaitFor),
    "approve": Kind(approve.MEMBERS, approve.Approve),
    "workflow": Kind(workflow.MEMBERS, workflow.Workflow),
}


def _with_reasons(name: str) -> Kind:
    """Return a kind that tells of the keys of others which steps have them."""
    kind = _KINDS[name]
    reasons: dict[str, Reason] = {}
    for key in {key for other in _KINDS.values() for key in other.members.keys}:
        having = [repr(other) for other, that in _KINDS.items() if key in that.members.keys]
        if key not in kind.members.keys:
            own = key == "total_timeout" and "timeout" in kind.members.keys
            reasons[key] = (
                f"{key!r} is of steps of the kind {one_of(having)}, not of {name!r}"
                f"{', of which `timeout` bounds the whole' if own else ''}"
            )
    refused = {**reasons, **kind.members.refused}
    return kind._replace(members=replace(kind.members, refused=refused))


KINDS = {name: _with_reasons(name) for name in _KINDS}
"""By the key that tells the kind."""
UNTOLD = KINDS["task"]._replace(members=KINDS["task"].members.without_need("task"))
"""What a step without any such key is read as, so that its other faults are told too."""


def about(kind: str) -> str:
    """Return what a kind of step is, as its module says."""
    text = inspect.getdoc(inspect.getmodule(KINDS[kind].struct)) or ""
    return " ".join(text.partition("\n\n")[0].split())


def step_schemas() -> dict[str, Schema]:
    """Return the JSON Schema of a step, of one kind or another, and that of each kind."""
    kinds: dict[str, Schema] = {
        f"step-{name}": {
            "title": f"{name} step",
            "description": about(name),
            **kind.members.schema(),
        }
        for name, kind in KINDS.items()
    }
    return {"step": {"anyOf": [{"$ref": f"#/$defs/{name}"} for name in kinds]}, **kinds}
