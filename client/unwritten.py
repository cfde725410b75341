"""What a value holds that has no JSON form, and where: found once writing it as a whole failed."""

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any, Final, cast

import msgspec

from ..engine.definition.source.document import child
from ..engine.errors import Fault, broken_character

DEEPEST: Final = 100
"""Levels that are looked through; what is deeper is told at the last of them."""

Encode = Callable[[Any], bytes]


def unwritten_fault(value: Any, encode: Encode, error: Exception) -> Fault:
    """Return where in ``value`` that stands for which ``encode`` raised ``error``, and what it is.

    The place is a JSON pointer.
    """
    place = ""
    for _ in range(DEEPEST):
        for name, item in () if isinstance(error, RecursionError) else _members(value):
            if found := _raised(encode, {name: None}):
                return Fault(_shown(place), f"has a member's name that {_reason(name, found)}")
            if found := _raised(encode, item):
                place, value, error = child(place, cast("str | int", name)), item, found
                break
        else:
            break
    return Fault(_shown(place), _reason(value, error))


def _raised(encode: Encode, value: Any) -> Exception | None:
    try:
        encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        return error
    return None


def _members(value: Any) -> Iterator[tuple[Any, Any]]:
    """Return the parts of a value of a kind that msgspec writes, with their names or numbers."""
    match value:
        case dict():
            yield from cast("dict[Any, Any]", value).items()
        case list() | tuple() | set() | frozenset():
            yield from enumerate(cast("list[Any]", value))
        case msgspec.Struct():
            names = zip(value.__struct_fields__, value.__struct_encode_fields__, strict=True)
            yield from ((name, getattr(value, field, None)) for field, name in names)
        case _ if dataclasses.is_dataclass(value):
            yield from ((f.name, getattr(value, f.name, None)) for f in dataclasses.fields(value))
        case _:
            pass


def _reason(value: Any, error: Exception) -> str:
    match error:
        case UnicodeEncodeError() | UnicodeDecodeError():
            return f"holds {broken_character(error)}; give whole characters, in UTF-8"
        case RecursionError():
            return "is nested too deeply; make it flatter"
        case msgspec.DecodeError():
            return f"is a {type(value).__name__} whose text is not JSON: {error}"
        case _:
            return f"is a {type(value).__name__}, which has no JSON form: {error}"


def _shown(place: str) -> str:
    return place.encode(errors="backslashreplace").decode()
