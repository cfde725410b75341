"""Telling of foreign words where they stand, and in what they hold."""

from collections.abc import Mapping
from typing import cast

from ...json_text import Json
from ..source.document import Faults, child
from .words import OF_A_STEP, Reason, Word

_DATA = frozenset(
    ("with", "set", "input", "output", "fail", "return", "default", "description", "metadata")
)
"""Keys whose values are data: a word in them is theirs."""


def tell(
    name: str, reason: Reason, members: Mapping[str, Json], pointer: str, faults: Faults
) -> None:
    """Note why an object has no such key, and the words in what stands under it."""
    place = child(pointer, name)
    value = members[name]
    if isinstance(reason, str):
        faults.add(place, reason, key=True)
        return
    faults.add(place, reason.reason(name, value, members), key=True)
    if reason.holds:
        _look_into(value, place, faults)


def _look_into(value: Json, pointer: str, faults: Faults, name: str | None = None) -> None:
    """Note the foreign words of steps in another language; what else is in them is not ours."""
    if isinstance(value, list):
        for n, item in enumerate(cast(list[Json], value)):
            _look_into(item, child(pointer, n), faults)
    if not isinstance(value, dict):
        return
    members = cast(dict[str, Json], value)
    step = members if name is None or "id" in members else {"id": name, **members}
    # Where steps stand under their names, one may be called like a word.
    names = name is None and all(isinstance(item, dict) for item in members.values())
    for key, item in members.items():
        reason = OF_A_STEP.get(key)
        if reason is not None and not (names and _is_name(reason)):
            tell(key, reason, step, pointer, faults)
        elif key not in _DATA:
            _look_into(item, child(pointer, key), faults, key)


def _is_name(reason: Reason) -> bool:
    return not (isinstance(reason, Word) and reason.holds)


def only_member(value: Json) -> tuple[str, dict[str, Json]] | None:
    """Return the name and the members of an object that is written under its name alone."""
    if not isinstance(value, dict) or len(cast(dict[str, Json], value)) != 1:
        return None
    ((name, inner),) = cast(dict[str, Json], value).items()
    return (name, cast(dict[str, Json], inner)) if isinstance(inner, dict) else None
