"""What all kinds of steps have in common: a name, an order, a condition; and what one becomes.

A kind of step is a module with a struct under this one. The struct has the kind's tag, says which
expressions stand in it and lowers itself to rows; `MEMBERS` beside it are the keys that it may
have, with their checks and their part of the JSON Schema. `kinds.py` lists the kinds.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple, Self

import msgspec

from ...json_text import Json
from ..expressions.trees import Compiled
from . import checks
from .members import Key

STEP_ID = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"


class Row(NamedTuple):
    """A step of a version, as the engine keeps it."""

    step: str
    kind: str
    join_count: int
    spec: dict[str, Any]


class Edge(NamedTuple):
    """What follows what, and whether as `next` or as `undo`."""

    begin: str
    end: str
    kind: str


class Lowered(NamedTuple):
    """What steps become; edges between steps are not among them."""

    rows: list[Row]
    edges: list[Edge]


class Constant(NamedTuple):
    """A value that is given as it stands, null too."""

    value: Json


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A step as it was written. ``needs`` is None where the step says nothing of it."""

    pointer: str
    position: int
    id: str
    needs: list[str] | None = None
    when: Compiled | None = None
    on_failure: str | None = None
    default: Constant | None = None

    @classmethod
    def of(cls, members: dict[str, Any], pointer: str, position: int) -> Self:
        """Make it of members that were read."""
        common = {key: members[key] for key in COMMON if key in members}
        return cls(pointer=pointer, position=position, **common, **cls.own(members))

    @classmethod
    def own(cls, members: dict[str, Any]) -> dict[str, Any]:
        """Return the fields that only this kind has, of members that were read."""
        raise NotImplementedError

    def expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated before the step begins."""
        if self.when is not None:
            yield self.when

    def policy(self) -> dict[str, Any]:
        """Return what the engine keeps of what all kinds have in common."""
        spec: dict[str, Any] = {}
        if self.when is not None:
            spec["when"] = self.when.tree
        if self.on_failure is not None:
            spec["on_failure"] = self.on_failure
        if self.default is not None:
            spec["default"] = self.default.value
        return spec

    def undo_expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated when the step is undone."""
        yield from ()

    def lower(self, joins: int, positions: dict[str, int]) -> Lowered:
        """Return the rows of the step, into which ``joins`` edges lead; ``positions`` are all's."""
        raise NotImplementedError


class ValueStep(Step, frozen=True, kw_only=True):
    """A step that needs no worker: a value, under the key of its kind, is all that it has."""

    value: Compiled

    @classmethod
    def own(cls, members: dict[str, Any]) -> dict[str, Any]:
        """Return its value; one that is missed was noted as a fault."""
        return {"value": members.get(cls.kind(), Compiled({"v": None}))}

    @classmethod
    def kind(cls) -> str:
        """Return the key that tells it."""
        return str(cls.__struct_config__.tag)

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its value."""
        yield from super().expressions()
        yield self.value

    def lower(self, joins: int, positions: dict[str, int]) -> Lowered:
        """Return its row."""
        spec = {
            "with": self.value.tree,
            "position": self.position,
            **names(positions, self.value, self.when),
            **self.policy(),
        }
        return Lowered([Row(self.id, self.kind(), joins, spec)], [])


def names(positions: dict[str, int], *compiled: Compiled | None) -> dict[str, Any]:
    """Return what the engine keeps of what expressions name: steps, and configuration if any."""
    given = config(*compiled)
    return {"reads": reads(positions, *compiled), **({"config": given} if given else {})}


def reads(positions: dict[str, int], *compiled: Compiled | None) -> list[str]:
    """Return the steps that expressions name, in the order of the definition."""
    named = {
        reference.names[1]
        for each in compiled
        if each
        for _, reference in each.references
        if reference.names[0] == "steps" and not reference.config
    }
    return sorted(named, key=positions.__getitem__)


def config(*compiled: Compiled | None) -> list[str]:
    """Return the values of the deployment's configuration that expressions name."""
    given = (each for each in compiled if each)
    return sorted({r.names[0] for each in given for _, r in each.references if r.config})


_ID = checks.matching(STEP_ID, "an id: a letter, then up to 62 letters, digits, - or _")
HEAD = {
    "id": Key(
        _ID,
        {"type": "string", "pattern": STEP_ID},
        "The name of the step, once in the workflow.",
        required=True,
    ),
    "description": Key(checks.text, {"type": "string"}, "What the step is for, in words."),
}
"""The keys that stand first in every kind of step."""
ORDER = {
    "needs": Key(
        checks.strings(_ID, "step ids"),
        {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": STEP_ID}},
        "The steps that must have ended before; without any `needs`, steps run as written.",
    ),
    "when": Key(
        checks.condition,
        {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\$[.{]"}]},
        "A condition; where it is false, this step alone is skipped.",
    ),
}
"""The keys by which every kind of step is put in its place."""

FAILURE = {
    "on_failure": Key(
        checks.on_failure(checks.STEP_ON_FAILURE),
        {"enum": list(checks.STEP_ON_FAILURE)},
        "What follows when the step fails for good; else as the workflow. With `continue` the "
        "instance goes on: the step is FAILED, and `default` is its output.",
    ),
    "default": Key(
        lambda value, pointer, faults: Constant(value),
        {},
        "The output of a step that has failed, with `on_failure: continue`; null unless given.",
    ),
}
"""The keys that say what follows when a step of any kind fails for good."""
COMMON = ("id", "needs", "when", "on_failure", "default")

NOT_YET = (
    *("branch", "for_each", "loop", "map", "parallel", "schedule", "signal", "sleep"),
    *("steps", "switch", "try", "wait", "while", "workflow"),
)
"""What stands in steps of kinds that this release does not have."""
