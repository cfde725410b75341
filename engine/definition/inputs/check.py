"""Does the input of an instance fit the JSON Schema of its workflow?

Numbers are compared exactly, so that ``multipleOf: 0.01`` means hundredths. Formats are checked
(formats.py), and nothing is ever fetched. Schema and input are strangers' both, so the work is
bounded: each keyword that is looked at is counted against the time that there is, and so is what a
pattern (patterns.py) may take.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal, InvalidOperation, localcontext
from functools import lru_cache
from typing import Any, cast

from jsonschema import Draft202012Validator, TypeChecker
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend  # pyright: ignore[reportUnknownVariableType]
from msgspec import DecodeError
from referencing import Registry

from ... import json_text
from ...errors import Fault
from ...json_text import Json
from ..common.mends import did_you_mean
from ..source.document import MAX_DIGITS
from . import patterns
from .checks import scalar_key
from .formats import format_checker
from .schema_errors import message_of, pointer_of

MAX_FAULTS = 100


SECONDS = 2.0
"""That a check may take, unless its caller says otherwise."""

PATTERN_WORK = 50_000_000
"""Steps of patterns in one check: some two seconds."""

_WITHOUT_DEADLINE = float("inf")


class TooMuchWork(Exception):
    """The time for a check is over."""


class _Work(threading.local):
    """What the check that this thread is about may still take."""

    deadline = _WITHOUT_DEADLINE
    pattern_steps = 0

    def step(self) -> None:
        if time.monotonic() > self.deadline:
            raise TooMuchWork

    def matches(self, pattern: str, text: str) -> bool:
        found = patterns.compiled(pattern)
        self.pattern_steps -= patterns.work(found, text)
        if self.pattern_steps < 0:
            raise TooMuchWork
        return found.search(text) is not None


_work = _Work()


def check_input(schema: Json, value: Json, seconds: float = SECONDS) -> list[Fault]:
    """Return what is wrong with the input of an instance; the place is its JSON pointer.

    ``schema`` is ``input_schema`` of a compiled definition; None takes any input. It stops at 100.
    What cannot be checked within ``seconds`` does not fit.
    """
    try:
        return find_faults(schema, value, seconds)
    except TooMuchWork:
        return [Fault("", f"could not be checked within {seconds:g} s; {_LESS}")]


_LESS = "give a smaller input, or make the schema of the workflow simpler"


def find_faults(schema: Json, value: Json, seconds: float) -> list[Fault]:
    """Like ``check_input``; raises TooMuchWork."""
    if schema is None:
        return []
    faults: dict[Fault, None] = {}
    _work.deadline, _work.pattern_steps = time.monotonic() + seconds, PATTERN_WORK
    try:
        for error in _validator(json_text.encode(schema)).iter_errors(_exact(value)):
            faults[Fault(pointer_of(error, ""), message_of(error))] = None
            if len(faults) == MAX_FAULTS:
                break
    except RecursionError:
        return [Fault("", "is nested too deeply to be checked; make it flatter")]
    except DecodeError as error:
        return [Fault("", f"cannot be read: {error}")]
    finally:
        _work.deadline = _WITHOUT_DEADLINE
    return sorted(faults, key=lambda fault: fault.place)


@lru_cache(maxsize=256)
def _validator(schema: str) -> Any:
    """Return the validator of a schema's JSON text, with a registry that fetches nothing."""
    return _Draft202012Exact(
        json_text.decode_exact(schema), registry=Registry[Json](), format_checker=format_checker()
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
        case dict():
            members = cast(dict[str, Json], value).items()
            return frozenset((name, _key(item)) for name, item in members)
        case list():
            return tuple(_key(item) for item in cast(list[Json], value))
        case _:
            # As text: numbers can be chosen so that all have one hash.
            return scalar_key(value)


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
    known_patterns: Mapping[str, Json] = schema.get("patternProperties", {})
    for name, item in cast(dict[str, Json], value).items():
        if name in known or any(_work.matches(pattern, name) for pattern in known_patterns):
            continue
        if rest is False:
            mend = did_you_mean(name, known)
            yield ValidationError(f"is not known to the schema{mend}", path=[name])
        else:
            yield from validator.descend(item, rest, path=name)


def _pattern(_: Any, pattern: Json, value: Json, __: Json) -> Iterator[ValidationError]:
    if isinstance(value, str) and not _work.matches(pattern, value):
        yield ValidationError("does not match")


def _pattern_properties(
    validator: Any, members: Json, value: Json, _: Json
) -> Iterator[ValidationError]:
    if isinstance(value, dict):
        for pattern, schema in members.items():
            for name, item in cast(dict[str, Json], value).items():
                if _work.matches(pattern, name):
                    yield from validator.descend(item, schema, path=name, schema_path=pattern)


Keyword = Callable[[Any, Json, Json, Json], Iterator[ValidationError] | None]


def _counted(keyword: Keyword) -> Keyword:
    """Return a keyword that counts as work, whichever schema it stands in."""

    def counted(validator: Any, wanted: Json, value: Json, schema: Json) -> Any:
        _work.step()
        return keyword(validator, wanted, value, schema)

    return counted


_KEYWORDS: dict[str, Keyword] = {
    **cast(dict[str, Keyword], Draft202012Validator.VALIDATORS),
    "additionalProperties": _additional_properties,
    "multipleOf": _multiple_of,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
    "required": _required,
    "uniqueItems": _unique_items,
}

_Draft202012Exact = cast(
    Any,
    extend(
        Draft202012Validator,
        validators={name: _counted(keyword) for name, keyword in _KEYWORDS.items()},
        type_checker=Draft202012Validator.TYPE_CHECKER.redefine("integer", _is_integer),
    ),
)
_NOTHING: Json = {"not": {}}
"""The schema ``false``, in the form of which the library tells where its value stands."""


def _evolved(validator: Any, **changes: Any) -> Any:
    """Return a validator of our own for a part of a schema.

    The library takes another where the part has a $schema: without our bounds.
    """
    schema = changes.get("schema", validator.schema)
    if isinstance(schema, dict) and "$schema" in schema:
        part = cast(dict[str, Json], schema)
        changes["schema"] = {key: value for key, value in part.items() if key != "$schema"}
    return _evolve(validator, **changes)


def _descended(validator: Any, instance: Json, schema: Json, *args: Any, **more: Any) -> Any:
    return _descend(validator, instance, _NOTHING if schema is False else schema, *args, **more)


_evolve, _descend = _Draft202012Exact.evolve, _Draft202012Exact.descend
_Draft202012Exact.evolve, _Draft202012Exact.descend = _evolved, _descended
