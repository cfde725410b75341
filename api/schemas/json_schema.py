"""The JSON Schemas of our types, as OpenAPI shows them and as faulty bodies are held against."""

from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Final, cast

import msgspec

Schema = dict[str, Any]

NULL: Final = {"type": "null"}


def schema_components(
    kinds: Iterable[Any], template: str
) -> tuple[list[Schema], dict[str, Schema]]:
    """Return the schemas of types, and those that they refer to, by name."""
    found, components = msgspec.json.schema_components(kinds, ref_template=template)
    return [_plain(schema) for schema in found], _plain(components)


@cache
def schema_of(kind: Any) -> Schema:
    """Return the schema of one type, with what it refers to inside."""
    (found,), components = schema_components([kind], "#/$defs/{name}")
    return {**found, "$defs": components}


def _plain(value: Any) -> Any:
    """Write "this type or null" as one schema, so that a fault tells what is wrong."""
    if isinstance(value, dict):
        schema = {key: _plain(item) for key, item in cast("Schema", value).items()}
        options: Sequence[Schema] = schema.get("anyOf", ())
        if len(options) == 2 and NULL in options:
            (option,) = [option for option in options if option != NULL]
            rest = {key: item for key, item in schema.items() if key != "anyOf"}
            if not option:
                return rest
            if isinstance(option.get("type"), str):
                return {**rest, **option, "type": [option["type"], "null"]}
            if "enum" in option:
                return {**rest, **option, "enum": [*option["enum"], None]}
        return schema
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]
    return value
