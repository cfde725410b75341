"""A block of the kind `for_each`: its steps run once for each item of an array."""

import re
from collections.abc import Iterator
from typing import Any

from ...json_text import Json
from ..common.mends import count_of
from ..expressions.references import ITEMS, ROOTS
from ..expressions.trees import Compiled, Tree
from ..foreign.words import OF_A_STEP
from ..source.document import Faults, child
from . import checks
from .block import BLOCK, LIST, OUTPUT, Branch, Readers, with_output
from .members import Key, Members
from .step import HEAD, ORDER
from .tolerance import JOIN, MOST, TOLERATE_ITEMS, Tolerant

AS = r"^[A-Za-z][A-Za-z0-9_]{0,62}$"
_TAKEN = sorted({*ROOTS, *(root.removesuffix("_index") for root in ROOTS if "_index" in root)})
SIDE_BY_SIDE = 1000
"""How many items are under way at a time, unless the step says."""


def _array(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = checks.expression(value, pointer, faults)
    tree = compiled.tree
    gives = ("p" in tree or "f" in tree) and "b" not in tree
    if compiled.filled or isinstance(value, list) or gives:
        return compiled
    faults.add(pointer, "must be a list, or one expression that gives one, such as $.input.orders")
    return None


def _alias(value: Json, pointer: str, faults: Faults) -> str | None:
    if not isinstance(value, str) or not re.fullmatch(AS, value):
        faults.add(pointer, "must be a name: a letter, then up to 62 letters, digits or _")
        return None
    taken = sorted({value, index_of(value)} & ROOTS)
    if taken:
        message = f"expressions see $.{taken[0]} already; take another name, such as order"
        faults.add(pointer, message)
        return None
    return value


def index_of(alias: str) -> str:
    """Return the name under which the index of an item is seen besides."""
    return f"{alias}_index"


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    return Members(
        "a step",
        {
            **HEAD,
            "for_each": Key(
                _array,
                {"anyOf": [{"type": "array"}, {"type": "string", "pattern": r"^\$[.{]"}]},
                "The items: an expression that gives an array, or a list.",
                required=True,
                examples=("$.input.orders", [1, 2, 3]),
            ),
            "steps": Key(readers.steps, LIST, "The steps for one item.", required=True),
            "as": Key(
                _alias,
                {"type": "string", "pattern": AS, "not": {"enum": _TAKEN}},
                "With order, $.order and $.order_index name what $.item and $.index do.",
                examples=("order",),
            ),
            "output": OUTPUT,
            "max_parallel": Key(
                checks.number(1, MOST, whole=True),
                {"type": "integer", "minimum": 1, "maximum": MOST, "default": SIDE_BY_SIDE},
                "How many items are under way at a time.",
            ),
            "join": JOIN,
            "tolerate": TOLERATE_ITEMS,
            **ORDER,
            **BLOCK,
        },
        OF_A_STEP,
    )


class ForEach(Tolerant, frozen=True, kw_only=True, tag="for_each"):
    """A step of the kind `for_each`."""

    value: Compiled
    alias: str | None = None
    max_parallel: int = SIDE_BY_SIDE

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its list, its items, and what else it has."""
        return {
            **super().own(members, pointer),
            "value": members.get("for_each", Compiled({"v": []})),
            "alias": members.get("as"),
            "max_parallel": members.get("max_parallel", SIDE_BY_SIDE),
        }

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its one list."""
        return [Branch(steps=with_output(members, pointer, members.get("steps", [])))]

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note a list as it is written that is too short for what has to succeed."""
        super().check(members, pointer, faults)
        tree: Tree = members["for_each"].tree if "for_each" in members else {}
        items: list[Json] | None = tree.get("l", tree.get("v"))
        if items is not None and members.get("join", 0) > len(items):
            there = count_of(len(items), "item", "items")
            faults.add(child(pointer, "join"), f"is more than there are: it has {there}")

    def items(self, number: int) -> tuple[str, ...]:
        """Return the names under which its steps see the item that they are for."""
        return ITEMS if self.alias is None else (*ITEMS, self.alias, index_of(self.alias))

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its array."""
        yield from super().expressions()
        yield self.value

    def bounds(self) -> dict[str, Any]:
        """Return its array, its name for an item, and how many."""
        named = {} if self.alias is None else {"as": self.alias}
        limit = {"max_parallel": self.max_parallel}
        return {"with": self.value.tree, **named, **super().bounds(), **limit}
