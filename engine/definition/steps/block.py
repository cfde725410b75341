"""What all blocks have in common: lists of steps, each of which runs in a scope of its own.

A kind of block is a module with a struct under this one and a function ``members``, which takes
what reads steps: the kinds of steps are listed above all of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from ...json_text import Json
from ..expressions.trees import Compiled
from ..source.document import Faults, child
from . import checks
from .durations import EXAMPLES
from .durations import SCHEMA as DURATION
from .members import Key
from .set_value import Set
from .step import FAILURE, Lowered, Place, Step, config, names, undoing

STEP_REF = {"$ref": "#/$defs/step"}
LIST = {"type": "array", "minItems": 1, "items": STEP_REF}
"""The JSON Schemas of a step and of a list of steps."""


class Readers(NamedTuple):
    """What reads a step, and a list of them; each notes faults, and gives what is sound."""

    step: Callable[[Json, str, Faults], Step | None]
    steps: Callable[[Json, str, Faults], list[Step] | None]


class Branch(msgspec.Struct, frozen=True, kw_only=True):
    """A list of a block: its only one, a branch with its ``name``, or a case with its ``when``."""

    steps: list[Step]
    name: str | None = None
    when: Compiled | None = None

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it."""
        spec: dict[str, Any] = {"name": self.name, "last": self.steps[-1].id}
        return spec if self.when is None else {**spec, "when": self.when.tree}


class Block(Step, frozen=True, kw_only=True):
    """A step that is made of steps. ``undo``: whether what it leaves half done is undone."""

    lists: list[Branch]
    timeout: float | None = None
    undo: bool = True

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its lists, and what else blocks have."""
        given = {key: members[key] for key in ("timeout", "undo") if key in members}
        return {"lists": cls.branches(members, pointer), **given}

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return the lists, out of members that were read; those with a fault may be empty."""
        raise NotImplementedError

    def items(self, number: int) -> tuple[str, ...]:
        """Return the names of what the steps of one of its lists see besides."""
        return ()

    @property
    def is_undone(self) -> bool:
        """Whether there is something to undo in it, at any depth."""
        return any(step.is_undone for each in self.lists for step in each.steps)

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and those of its cases."""
        yield from super().expressions()
        yield from (each.when for each in self.lists if each.when is not None)

    def bounds(self) -> dict[str, Any]:
        """Return what the engine keeps of how many run, succeed, fail; and what else it is for."""
        return {}

    def rounds(self, place: Place) -> dict[str, Any]:
        """Return what the engine keeps of what follows when a scope of it has ended."""
        return {}

    def lower(self, place: Place) -> Lowered:
        """Return its row, and that of its undoing: its scopes' ways back are made one by one."""
        position = {"position": place.positions[self.id]}
        spec = {**position, **names(place.positions, *self.expressions()), **self.policy()}
        # What the deployment is to have, whenever it is asked for.
        if given := config(*self.expressions(), *self.round_expressions()):
            spec["config"] = given
        if self.timeout is not None:
            spec["timeout"] = self.timeout
        if not self.undo:
            spec["undo"] = False
        spec |= {"lists": [each.spec() for each in self.lists], **self.bounds()}
        spec |= self.rounds(place)
        own = self.row(place, spec)
        if not self.is_undone:
            return Lowered([own])
        undo = undoing(self, "undo", position, self.pointer)
        return Lowered([own, *undo.rows], undo.edges)


class Chain(Block, frozen=True, kw_only=True):
    """A block of whose lists one runs at a time; as it ends the block decides what comes next."""

    def bounds(self) -> dict[str, Any]:
        """Return that its scopes run, and are undone, one by one."""
        return {"max_parallel": 1}


def with_output(members: dict[str, Any], pointer: str, steps: list[Step]) -> list[Step]:
    """Return the steps of a list, with the block's ``output`` as the last, behind all others."""
    if "output" not in members:
        return steps
    by_needs = any(step.needs is not None for step in steps)
    last = Set(
        pointer=child(pointer, "output"),
        id=f"{members['id']}.output",
        needs=[step.id for step in steps] if by_needs else None,
        value=members["output"],
    )
    return [*steps, last]


def _undo(value: Json, pointer: str, faults: Faults) -> bool | None:
    if isinstance(value, bool):
        return value
    faults.add(pointer, "must be true or false")
    return None


UNDO = Key(
    _undo,
    {"type": "boolean", "default": True},
    "With false, what the block leaves half done is undone with what is around it, not before "
    "the block goes on.",
)
BLOCK = {
    "timeout": Key(
        checks.duration,
        DURATION,
        "How long the block may take, with all that it undoes; no limit unless given.",
        examples=EXAMPLES,
    ),
    "undo": UNDO,
    **FAILURE,
    "on_failure": Key(
        checks.on_failure(checks.BLOCK_ON_FAILURE),
        {"enum": list(checks.BLOCK_ON_FAILURE)},
        "What follows when the block fails; else the block around it is asked, then the workflow.",
    ),
}
"""The keys that every block has besides those of all steps."""
OUTPUT = Key(
    checks.expression,
    {},
    "The output, instead of that of the last step; texts in it may be expressions.",
    examples=({"total": "$.steps.sum.output"},),
)
