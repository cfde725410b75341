"""Does the input of an instance fit the JSON Schema of its workflow?

Numbers are compared exactly, so that ``multipleOf: 0.01`` means hundredths. Formats are checked
(formats.py), and nothing is ever fetched.
"""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from referencing import Registry

from ... import json_text
from ...errors import Fault
from ...json_text import Json
from ..common.mends import did_you_mean
from ..source.document import MAX_DIGITS
from .formats import FORMATS
from .schema_errors import message_of, pointer_of

MAX_FAULTS = 100


def check_input(schema: Json, value: Json) -> list[Fault]:
    """Return what is wrong with the input of an instance; the place is its JSON pointer.

    ``schema`` is ``input_schema`` of a compiled definition; None takes any input. It stops at 100.
    """
    if schema is None:
        return []
    faults: dict[Fault, None] = {}
    try:
        for error in _validator(json_text.encode(schema)).iter_errors(_exact(value)):
            faults[Fault(pointer_of(error, ""), message_of(error))] = None
            if len(faults) == MAX_FAULTS:
                break
    except RecursionError:
        return [Fault("", "is nested too deeply to be checked; make it flatter")]
    return sorted(faults, key=lambda fault: fault.place)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """Return the validator of a schema's JSON text, with a registry that fetches nothing."""
    return _Draft202012Exact(
        json_text.decode_exact(schema), registry=Registry[Json](), format_checker=FORMATS
    )


def _exact(value: Json) -> Json:
    """Return a value with Decimals for floats, as ``_validator`` has them in the schema."""
    return json_text.decode_exact(json_text.encode(value))


def _is_integer(_: TypeChecker, value: object) -> bool:
    if isinstance(value, Decimal):
        return value == value.to_integral_value()
    return isinstance(value, int) and not isinstance(value, bool)


def _multiple_of(_: Any, divisor: Json, value: Json, __: Json) -> Iterator[ValidationError]:
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        with localcontext(prec=2 * MAX_DIGITS):
            try:
                fits = Decimal(value) % Decimal(divisor) == 0
            except InvalidOperation:  # the quotient has more digits than that
                fits = False
        if not fits:
            yield ValidationError("is not a multiple")


def _unique_items(_: Any, unique: Json, value: Json, __: Json) -> Iterator[ValidationError]:
    # The library compares each item with each other one.
    items = cast(list[Json], value) if isinstance(value, list) else []
    if unique and len({_key(item) for item in items}) < len(items):
        yield ValidationError("is not unique")


def _key(value: Json) -> object:
    """Return what is equal, and can be looked up, for values that JSON Schema takes as equal."""
    match value:
        case bool():
            return (bool, value)
        case dict():
            members = cast(dict[str, Json], value).items()
            return frozenset((name, _key(item)) for name, item in members)
        case list():
            return tuple(_key(item) for item in cast(list[Json], value))
        case _:
            return value


def _required(_: Any, names: Json, value: Json, __: Json) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for name in names:
            if name not in value:
                yield ValidationError("is missing", path=[name])


def _additional_properties(
    validator: Any, rest: Json, value: Json, schema: Mapping[str, Json]
) -> Iterator[ValidationError]:
    if not isinstance(value, dict):
        return
    known: Mapping[str, Json] = schema.get("properties", {})
    patterns: Mapping[str, Json] = schema.get("patternProperties", {})
    for name, item in cast(dict[str, Json], value).items():
        if name in known or any(re.search(pattern, name) for pattern in patterns):
            continue
        if rest is False:
            mend = did_you_mean(name, known)
            yield ValidationError(f"is not known to the schema{mend}", path=[name])
        else:
            yield from validator.descend(item, rest, path=name)


_Draft202012Exact = cast(
    Any,
    extend(
        Draft202012Validator,
        validators={
            "additionalProperties": _additional_properties,
            "multipleOf": _multiple_of,
            "required": _required,
            "uniqueItems": _unique_items,
        },
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
    ),
)
