"""A block of the kind `switch`: the first of its cases whose condition holds is taken."""

from typing import Any, cast

from ...json_text import Json
from ..source.document import Faults, child
from .block import BLOCK, LIST, STEP_REF, Block, Branch, Readers
from .members import Key, Members
from .step import HEAD, ORDER
from .words import OF_A_STEP


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    case = Members(
        "a case",
        {
            "when": Key(
                ORDER["when"].check,
                ORDER["when"].schema,
                "When it is taken.",
                required=True,
                examples=ORDER["when"].examples,
            ),
            "steps": Key(readers.steps, LIST, "Its steps.", required=True),
        },
        dict.fromkeys(("id", "name"), "cases have no names; leave it out"),
    )

    def cases(value: Json, pointer: str, faults: Faults) -> list[Branch] | None:
        if not isinstance(value, list) or not value:
            faults.add(pointer, "must be a list of at least one case, each {when: …, steps: […]}")
            return None
        read = [
            case.read(item, child(pointer, n), faults) or {}
            for n, item in enumerate(cast(list[Json], value))
        ]
        return [Branch(steps=each.get("steps", []), when=each.get("when")) for each in read]

    def otherwise(value: Json, pointer: str, faults: Faults) -> list[Any] | None:
        return [] if value == [] else readers.steps(value, pointer, faults)

    return Members(
        "a step",
        {
            **HEAD,
            "switch": Key(
                cases,
                {"type": "array", "minItems": 1, "items": case.schema()},
                "The cases, asked in order until one holds.",
                required=True,
            ),
            "else": Key(
                otherwise,
                {"type": "array", "items": STEP_REF},
                "The steps where no case holds; nothing unless given.",
            ),
            **ORDER,
            **BLOCK,
        },
        OF_A_STEP,
    )


class Switch(Block, frozen=True, kw_only=True, tag="switch"):
    """A step of the kind `switch`."""

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its cases, and behind them what stands for all others, where that is something."""
        otherwise = members.get("else")
        rest = [Branch(steps=otherwise)] if otherwise else []
        return [*members.get("switch", []), *rest]
