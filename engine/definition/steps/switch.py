"""A block of the kind `switch`: the first of its cases whose condition holds is taken."""

from typing import Any, cast

from ...json_text import Json
from ..foreign.telling import only_member
from ..foreign.words import OF_A_STEP, Reason
from ..source.document import Faults, child
from .block import BLOCK, LIST, STEP_REF, Block, Branch, Readers
from .members import Key, Members
from .step import HEAD, ORDER

_REFUSED: dict[str, Reason] = {
    **OF_A_STEP,
    **dict.fromkeys(("id", "name"), "cases have no names; leave it out"),
    "then": "'then' is `steps: […]`, of the case itself",
    "do": "'do' is `steps: […]`, of the case itself",
}


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
        _REFUSED,
    )

    def cases(value: Json, pointer: str, faults: Faults) -> list[Branch] | None:
        if not isinstance(value, list) or not value:
            faults.add(pointer, "must be a list of at least one case, each {when: …, steps: […]}")
            return None
        read = [
            case.read(*_without_name(item, child(pointer, n), faults), faults) or {}
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


def _without_name(value: Json, pointer: str, faults: Faults) -> tuple[Json, str]:
    """Return a case and its pointer; one that stands under a name is noted, and read on."""
    named = only_member(value)
    if named is None or named[0] in _REFUSED or named[0] in ("when", "steps"):
        return value, pointer
    name, inner = named
    place = child(pointer, name)
    faults.add(place, "cases have no names; write `{when: …, steps: […]}`", key=True)
    return inner, place


class Switch(Block, frozen=True, kw_only=True, tag="switch"):
    """A step of the kind `switch`."""

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its cases, and behind them what stands for all others, where that is something."""
        otherwise = members.get("else")
        rest = [Branch(steps=otherwise)] if otherwise else []
        return [*members.get("switch", []), *rest]
