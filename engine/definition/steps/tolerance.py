"""The keys `join` and `tolerate`: how many of a block's branches or items have to succeed."""

import re
from typing import Any, NamedTuple, cast

from ...json_text import Json
from ..source.document import Faults, child
from . import checks
from .block import Block
from .members import Key

MOST = 100_000
"""Items of one for_each, so the largest number of scopes that a block has."""

_PERCENT = re.compile(r"(?:0|[1-9]\d{0,2})(?:\.\d{1,6})?%")
_UP_TO_100 = r"^(?:(?:0|[1-9]\d?)(?:\.\d{1,6})?|100(?:\.0{1,6})?)%$"


class Percent(NamedTuple):
    """How much may fail, of a hundred."""

    value: int | float


def _percent(value: Json, pointer: str, faults: Faults) -> Percent | None:
    if not isinstance(value, str) or not _PERCENT.fullmatch(value):
        faults.add(pointer, "must be a whole number of items, or a percentage such as 10%")
        return None
    number = float(value.removesuffix("%"))
    if number > 100:
        faults.add(pointer, "is more than 100%; give at most 100%, with which all may fail")
        return None
    return Percent(int(number) if number == int(number) else number)


_count = checks.number(0, MOST, whole=True)


def _count_of_branches(value: Json, pointer: str, faults: Faults) -> int | float | None:
    if isinstance(value, str) and _PERCENT.fullmatch(value):
        faults.add(pointer, "a percentage is for items; give a number of branches")
        return None
    return cast("int | float | None", _count(value, pointer, faults))


def _count_of_items(value: Json, pointer: str, faults: Faults) -> int | float | Percent | None:
    check = _percent if isinstance(value, str) else _count
    return cast("int | float | Percent | None", check(value, pointer, faults))


_COUNT = {"type": "integer", "minimum": 0, "maximum": MOST}
_ALONE = {"not": {"required": ["join"]}}
JOIN = Key(
    checks.number(1, MOST, whole=True),
    {"type": "integer", "minimum": 1, "maximum": MOST},
    "How many have to succeed: at that success the block ends, and what still runs is closed.",
    examples=(2,),
)
TOLERATE_BRANCHES = Key(
    _count_of_branches,
    {**_COUNT, "default": 0},
    "How many branches may fail; all others are waited for.",
    beside=_ALONE,
)
TOLERATE_ITEMS = Key(
    _count_of_items,
    {"anyOf": [_COUNT, {"type": "string", "pattern": _UP_TO_100}], "default": 0},
    "How many items may fail, 3 or 10%; all others are waited for.",
    examples=(3, "10%"),
    beside=_ALONE,
)


class Tolerant(Block, frozen=True, kw_only=True):
    """A block that goes on although some of its scopes fail."""

    join: int | None = None
    tolerate: int | Percent = 0

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its lists, and how many have to succeed."""
        given = {key: members[key] for key in ("join", "tolerate") if key in members}
        return {**super().own(members, pointer), **given}

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note where both keys stand."""
        super().check(members, pointer, faults)
        if "join" in members and "tolerate" in members:
            message = "`join` beside it says how many have to succeed already; keep one of the two"
            faults.add(child(pointer, "tolerate"), message, key=True)

    def bounds(self) -> dict[str, Any]:
        """Return what the engine keeps of it: nothing where nothing may fail."""
        if self.join is not None:
            return {"join": self.join}
        if isinstance(self.tolerate, Percent):
            return {"percent": self.tolerate.value}
        return {"tolerate": self.tolerate} if self.tolerate else {}
