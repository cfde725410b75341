"""What all kinds of steps have in common: a name, an order, a condition; and what one becomes.

A kind of step is a module with a struct under this one. The struct has the kind's tag, says which
expressions stand in it and lowers itself to rows; `MEMBERS` beside it are the keys that it may
have, with their checks and their part of the JSON Schema. `kinds.py` lists the kinds.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Self

import msgspec

from ...json_text import Json
from ..expressions.trees import Compiled
from ..source.document import Faults, child
from . import checks
from .members import Key

STEP_ID = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"


class Place(NamedTuple):
    """Where a step stands: how many edges lead into it, and in which list of which block, if any.

    ``positions`` are those of all steps: their order as they were written. ``end`` is the step
    that is the output of the list, where it has one.
    """

    joins: int
    positions: Mapping[str, int]
    block: str | None = None
    list: int | None = None
    end: str | None = None


class Row(NamedTuple):
    """A step of a version, as the engine keeps it; ``pointer`` is its place in the definition."""

    step: str
    kind: str
    join_count: int
    spec: dict[str, Any]
    pointer: str
    block: str | None = None
    list: int | None = None


class Edge(NamedTuple):
    """What follows what, and whether as `next` or as `undo`."""

    begin: str
    end: str
    kind: str
    again: bool = False
    """Its end may be visited more than once."""


class Lowered(NamedTuple):
    """What a step becomes; edges between steps are not among them, nor the steps of a block."""

    rows: Sequence[Row]
    edges: Sequence[Edge] = ()


class Constant(NamedTuple):
    """A value that is given as it stands, null too."""

    value: Json


class Step(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """A step as it was written. ``needs`` is None where the step says nothing of it."""

    pointer: str
    id: str
    needs: list[str] | None = None
    when: Compiled | None = None
    on_failure: str | None = None
    default: Constant | None = None

    @classmethod
    def of(cls, members: dict[str, Any], pointer: str) -> Self:
        """Make it of members that were read."""
        common = {key: members[key] for key in COMMON if key in members}
        return cls(pointer=pointer, **common, **cls.own(members, pointer))

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return the fields that only this kind has, of members that were read."""
        raise NotImplementedError

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note what is wrong with members that are sound each by itself."""
        if "default" in members and members.get("on_failure") != "continue":
            message = "is for an instance that goes on; write `on_failure: continue` beside it"
            faults.add(child(pointer, "default"), message, key=True)

    @classmethod
    def lacks(cls, written: Collection[str]) -> str | None:
        """Tell what is missed beside the keys that were written, be they sound or not."""
        return None

    @property
    def is_undone(self) -> bool:
        """Whether there is something to undo once it has run."""
        return False

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

    def leads_to(self) -> str | None:
        """Return the step of its list that follows in place of what its order says, if any."""
        return None

    def round_expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated between the scopes of a block, and sees its first list."""
        yield from ()

    def undo_expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated when the step is undone."""
        yield from ()

    def lower(self, place: Place) -> Lowered:
        """Return the rows of the step that stands there."""
        raise NotImplementedError

    def row(self, place: Place, spec: dict[str, Any]) -> Row:
        """Return the step's own row."""
        kind = self.kind()
        return Row(self.id, kind, place.joins, spec, self.pointer, place.block, place.list)

    @classmethod
    def kind(cls) -> str:
        """Return the key that tells it."""
        return str(cls.__struct_config__.tag)


class ValueStep(Step, frozen=True, kw_only=True):
    """A step that needs no worker: a value, under the key of its kind, is all that it has."""

    value: Compiled

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its value; one that is missed was noted as a fault."""
        return {"value": members.get(cls.kind(), Compiled({"v": None}))}

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its value."""
        yield from super().expressions()
        yield self.value

    def lower(self, place: Place) -> Lowered:
        """Return its row."""
        spec = {
            "with": self.value.tree,
            "position": place.positions[self.id],
            **names(place.positions, self.value, self.when),
            **self.policy(),
        }
        return Lowered([self.row(place, spec)])


def undoing(undone: Step, kind: str, spec: dict[str, Any], pointer: str) -> Lowered:
    """Return the row of what undoes a step, in no list, and the edge that leads to it."""
    name = f"{undone.id}.compensate"
    return Lowered([Row(name, kind, 0, spec, pointer)], [Edge(undone.id, name, "undo")])


def names(positions: Mapping[str, int], *compiled: Compiled | None) -> dict[str, Any]:
    """Return what the engine keeps of what expressions name and ask for; of steps always."""
    besides = {"config": config(*compiled), "told": told(*compiled)}
    return {
        "reads": reads(positions, *compiled),
        **{key: named for key, named in besides.items() if named},
    }


def reads(positions: Mapping[str, int], *compiled: Compiled | None) -> list[str]:
    """Return what expressions name of steps, in the order of the definition.

    A step's output by its id, the rest as ID.state: only what is named is looked up, and that of a
    block is put together for who reads it. So is $.previous, which stands behind them.
    """
    given = [r for each in compiled if each for _, r in each.references if not r.config]
    named = {(r.names[1], r.names[2:3]) for r in given if r.names[0] == "steps"}
    ordered = sorted(named, key=lambda each: (positions[each[0]], each[1]))
    previous = ["$.previous"] if any(r.names[0] == "previous" for r in given) else []
    return [*(s if m == ("output",) else ".".join((s, *m)) for s, m in ordered), *previous]


def config(*compiled: Compiled | None) -> list[str]:
    """Return the values of the deployment's configuration that expressions name."""
    given = (each for each in compiled if each)
    return sorted({r.names[0] for each in given for _, r in each.references if r.config})


def told(*compiled: Compiled | None) -> list[str]:
    """Return what expressions ask to be told: the time, the name of their task."""
    return sorted({name for each in compiled if each for name in each.told})


_ID = checks.matching(STEP_ID, "an id: a letter, then up to 62 letters, digits, - or _")
HEAD = {
    "id": Key(
        _ID,
        {"type": "string", "pattern": STEP_ID},
        "The name of the step, once in the workflow.",
        required=True,
        examples=("create-invoice",),
    ),
    "description": Key(checks.text, {"type": "string"}, "What the step is for, in words."),
}
"""The keys that stand first in every kind of step."""
ORDER = {
    "needs": Key(
        checks.strings(_ID, "step ids"),
        {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": STEP_ID}},
        "The steps that must have ended before; without any `needs`, steps run as written.",
        examples=(["fetch-orders"], []),
    ),
    "when": Key(
        checks.condition,
        {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\$[.{]"}]},
        "A condition; where it is false, this step alone is skipped.",
        examples=("$.input.total > 100", "$.steps.check.output.ok"),
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
        examples=({"days": 5},),
        beside={"required": ["on_failure"], "properties": {"on_failure": {"const": "continue"}}},
    ),
}
"""The keys that say what follows when a step of any kind fails for good."""
COMMON = ("id", "needs", "when", "on_failure", "default")
