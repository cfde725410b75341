"""Is the `input` of a definition a JSON Schema that can be used?

Draft 2020-12, and complete in itself: a ``$ref`` names a part of the same schema, and nothing is
ever fetched.
"""

from typing import Any, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from ...json_text import Json
from ..common.graph import Graph
from ..source.document import Faults, child
from .formats import format_checker
from .patterns import PatternError, compiled
from .schema_errors import message_of, pointer_of

MAX_VALUES = 5000
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def check_schema(schema: Json, pointer: str, faults: Faults) -> None:
    """Note every fault of a JSON Schema that stands at ``pointer`` of a definition."""
    if not isinstance(schema, dict):
        faults.add(pointer, "is no JSON Schema; give an object such as {type: object}")
        return
    if _count(cast(Json, schema)) > MAX_VALUES:
        faults.add(pointer, f"has more than {MAX_VALUES} values; make it simpler")
        return
    dialect = cast(dict[str, Json], schema).get("$schema", DIALECT)
    if dialect != DIALECT:
        faults.add(child(pointer, "$schema"), f"must be {DIALECT}, or leave it out")
        return
    meta = cast(
        Any,
        Draft202012Validator(Draft202012Validator.META_SCHEMA, format_checker=format_checker()),
    )
    found: list[ValidationError] = list(meta.iter_errors(schema))
    for error in found:
        faults.add(pointer_of(error, pointer), _message_of(error))
    if not found and _mixes_patterns(cast(dict[str, Json], schema)):
        both = "has patternProperties and unevaluatedProperties; of these, only one can be checked"
        faults.add(pointer, f"{both}: use additionalProperties")
    for message in [] if found else _reference_faults(cast(dict[str, Json], schema)):
        faults.add(pointer, message)


def _reference_faults(schema: dict[str, Json]) -> list[str]:
    """Return what is wrong with the references of a schema."""
    faults: list[str] = []
    # Which schemas each hands its own value on to, by their ids. A ring of these would never end.
    handed_on: dict[str, list[str]] = {}
    root = Resource[Json](contents=schema, specification=DRAFT202012)
    todo = [(root, Registry[Json]().resolver_with_root(root))]
    while todo:
        resource, resolver = todo.pop()
        part = cast(dict[str, Json] | bool, resource.contents)
        if isinstance(part, bool) or _name(part) in handed_on:
            continue
        to = _in_place(part)
        for key in ("$ref", "$dynamicRef"):
            if key not in part:
                continue
            try:
                found = resolver.lookup(part[key])
            except (Unresolvable, ValueError):
                faults.append(f"the {key} {part[key]!r} leads nowhere; name a part of this schema")
                continue
            to.append(found.contents)
            target = Resource[Json](contents=found.contents, specification=DRAFT202012)
            todo.append((target, found.resolver))
        handed_on[_name(part)] = [_name(item) for item in to if not isinstance(item, bool)]
        todo.extend((sub, resolver.in_subresource(sub)) for sub in resource.subresources())
    if not faults and Graph(handed_on).cycles():
        faults.append("refers to itself without end; a $ref may lead back only through a member")
    return faults


def _message_of(error: ValidationError) -> str:
    pattern = cast(Json, error.instance)
    if error.validator == "format" and error.validator_value == "regex":
        try:
            compiled(pattern)
        except PatternError as reason:
            return f"the pattern {pattern[:100]!r} {reason.message}"
    return f"is no JSON Schema: {message_of(error)}"


def _mixes_patterns(schema: dict[str, Json]) -> bool:
    """Tell whether patternProperties and unevaluatedProperties stand in one schema.

    The library would match those patterns with Python's engine, which goes back.
    """
    names: set[str] = set()
    todo: list[Json] = [schema]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            names.update(cast(dict[str, Json], item))
            todo.extend(cast(dict[str, Json], item).values())
        elif isinstance(item, list):
            todo.extend(cast(list[Json], item))
    return {"patternProperties", "unevaluatedProperties"} <= names


def _in_place(schema: dict[str, Json]) -> list[Json]:
    """Return the schemas in a schema that apply to the same value as itself."""
    lists = [schema.get(key, []) for key in ("allOf", "anyOf", "oneOf")]
    single = [schema[key] for key in ("not", "if", "then", "else") if key in schema]
    dependent = schema.get("dependentSchemas", {}).values()
    return [*(item for items in lists for item in items), *single, *dependent]


def _count(value: Json) -> int:
    """Return how many values there are in a value, itself included."""
    count = 0
    todo: list[Json] = [value]
    while todo:
        count += 1
        item = todo.pop()
        if isinstance(item, dict):
            todo.extend(cast(dict[str, Json], item).values())
        elif isinstance(item, list):
            todo.extend(cast(list[Json], item))
    return count


def _name(schema: object) -> str:
    return str(id(schema))
