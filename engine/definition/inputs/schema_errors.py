"""The errors of JSON Schema in our words, for schemas and for inputs alike."""

from typing import TYPE_CHECKING, cast

from ... import json_text
from ...json_text import Json
from ..source.document import child

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

_WORDS = {
    "anyOf": "fits none of the schemas of anyOf",
    "const": "must be {}",
    "contains": "must hold an item that fits the schema of contains",
    "dependentRequired": "lacks a member that another of its members asks for",
    "enum": "must be one of {}",
    "exclusiveMaximum": "must be less than {}",
    "exclusiveMinimum": "must be more than {}",
    "format": "must be a valid {}",
    "maxItems": "must have at most {} items",
    "maxLength": "must have at most {} characters",
    "maxProperties": "must have at most {} members",
    "maximum": "must be at most {}",
    "minItems": "must have at least {} items",
    "minLength": "must have at least {} characters",
    "minProperties": "must have at least {} members",
    "minimum": "must be at least {}",
    "multipleOf": "must be a multiple of {}",
    "not": "fits the schema of not, which it must not",
    "oneOf": "must fit exactly one of the schemas of oneOf",
    "pattern": "must match the pattern {}",
    "type": "must be of type {}",
    "unevaluatedItems": "has items that the schema does not know",
    "unevaluatedProperties": "has members that the schema does not know",
    "uniqueItems": "must not hold an item twice",
}


_FORMATS = {
    "date-time": "date-time with its offset from UTC: write 2026-11-26T08:00:00+01:00 or "
    "2026-11-26T07:00:00Z",
    "time": "time with its offset from UTC: write 08:00:00+01:00 or 07:00:00Z",
}
"""What is said of a format besides its name; onceflow.assertion_faults (SQL) says the same."""


def message_of(error: "ValidationError") -> str:
    """Return what an input must be, without showing what it is."""
    keyword, wanted = str(error.validator), cast(Json, error.validator_value)
    if keyword in ("required", "additionalProperties"):
        return error.message
    if keyword == "None" or (keyword == "not" and wanted == {}):  # the schema false
        return "is not allowed here"
    if keyword == "type" and isinstance(wanted, list) and len(cast(list[Json], wanted)) == 1:
        wanted = cast(list[Json], wanted)[0]
    if keyword == "format" and isinstance(wanted, str):
        wanted = _FORMATS.get(wanted, wanted)
    shown = wanted if isinstance(wanted, str) else json_text.encode(wanted)
    shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
    return _WORDS.get(keyword, f"does not fit {keyword}").format(shown)


def pointer_of(error: "ValidationError", pointer: str) -> str:
    for part in error.absolute_path:
        pointer = child(pointer, part)
    return pointer
