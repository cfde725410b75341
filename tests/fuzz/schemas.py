"""JSON Schemas of strangers: they double, go in circles, go back, or say what cannot be."""

from collections.abc import Callable
from functools import partial
from typing import Any, cast

from hypothesis import strategies as st

Schema = Any

PATTERNS = [
    *("^(a+)+$", "(a|aa)+b", "^(([a-z])+.)+[A-Z]([a-z])+$", "(x+x+)+y", "(.*)*=", "^(\\w+\\s?)*$"),
    *("(?=a)", "(?<!a)b", "(a)\\1", "[", "(?P<n>a)(?P=n)", "\\p{L}+", "\\Z", "\\u{1F600}"),
    *("^a{1,1000}$", "(a{1,100}){1,100}", "((a{1,9}){1,9}){1,9}", "x*" * 30, "a" * 5_000, "\0"),
]
FORMATS = ["date", "date-time", "time", "duration", "uuid", "email", "uri", "regex", "ipv6", "x"]
TYPES: list[Any] = [
    "string",
    "integer",
    "number",
    "object",
    "array",
    "boolean",
    "null",
    "any",
    7,
    [],
]
BOUNDS: list[Any] = [0, -1, 1, 1.5, 1e-300, 1e300, 10**400, -(10**30), "1", None]


def one(key: str, values: list[Any]) -> st.SearchStrategy[Schema]:
    return st.sampled_from(values).map(lambda value: {key: value})


def doubling(key: str, levels: int) -> Schema:
    """Return a schema that applies its innermost part 2 ** levels times."""
    defs: dict[str, Schema] = {"s0": {"type": "integer", "minimum": 0}}
    for n in range(levels):
        inner = {"$ref": f"#/$defs/s{n}"}
        defs[f"s{n + 1}"] = {key: [inner, inner]}
    return {"$defs": defs, "$ref": f"#/$defs/s{levels}"}


def crossed(levels: int) -> Schema:
    """Return one whose properties lead to themselves in many ways."""
    names = [f"p{n}" for n in range(levels)]
    return {"properties": {name: {"$ref": "#"} for name in names}, "additionalProperties": False}


CIRCLES: list[Schema] = [
    {"$ref": "#"},
    {"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/b"}, "b": {"$ref": "#/$defs/a"}}},
    {"allOf": [{"$ref": "#"}, {"$ref": "#"}]},
    {"not": {"$ref": "#"}},
    {"items": {"$ref": "#"}, "properties": {"a": {"$ref": "#"}}},
    {"$dynamicRef": "#a", "$dynamicAnchor": "a"},
    {"$ref": "#/nowhere"},
    {"$ref": "http://127.0.0.1:1/schema.json"},
    {"$ref": "file:///etc/passwd"},
    {"$id": "urn:a", "$ref": "urn:a"},
    {"$schema": "http://json-schema.org/draft-04/schema#", "exclusiveMinimum": True},
]
ODD: list[Schema] = [
    True,
    False,
    None,
    7,
    [],
    "x",
    {"enum": []},
    {"enum": [1, "a", None, {"a": [1]}] * 400},
    {"const": {"a": "x" * 5_000}},
    {"uniqueItems": True},
    {"required": ["a"] * 1_000},
    {"minContains": 3, "contains": {"uniqueItems": True}},
    {"unevaluatedProperties": False, "anyOf": [{"properties": {"a": True}}]},
    {"dependentSchemas": {"a": {"required": ["b"]}}},
    {"patternProperties": dict.fromkeys(PATTERNS[:6], False)},
    {"propertyNames": {"pattern": "^(a+)+$"}},
]
LEAVES: list[st.SearchStrategy[Schema]] = [
    st.sampled_from(ODD),
    st.sampled_from(CIRCLES),
    one("type", TYPES),
    one("pattern", PATTERNS),
    one("format", FORMATS),
    *[one(key, BOUNDS) for key in ("multipleOf", "minimum", "maxLength", "minItems")],
    *[
        st.sampled_from([3, 12, 22, 60]).map(partial(doubling, key))
        for key in ("allOf", "anyOf", "oneOf")
    ],
    st.sampled_from([3, 60]).map(crossed),
]
AROUND: list[Callable[[Schema], Schema]] = [
    lambda inner: {"allOf": [inner, inner, inner]},
    lambda inner: {"items": inner},
    lambda inner: {"prefixItems": [inner, inner], "items": False},
    lambda inner: {"properties": {"a": inner}, "required": ["a"]},
    lambda inner: {"additionalProperties": inner},
    lambda inner: {"anyOf": [inner, {"not": inner}]},
    lambda inner: {"if": inner, "then": {"maxProperties": 2}, "else": inner},
]


def around(inner: Schema, levels: list[int]) -> Schema:
    """Return a schema with others around it; its definitions stay outermost."""
    outermost: dict[str, Any] = {}
    if isinstance(inner, dict) and levels and "$defs" in inner:
        members = cast("dict[str, Any]", inner)
        outermost = {"$defs": members["$defs"]}
        inner = {key: value for key, value in members.items() if key != "$defs"}
    for level in levels:
        inner = AROUND[level](cast("Schema", inner))
    return cast("Schema", inner | outermost if outermost else inner)


LEVELS = st.lists(st.sampled_from(range(len(AROUND))), max_size=4)
SCHEMAS: st.SearchStrategy[Schema] = st.builds(around, st.one_of(LEAVES), LEVELS)
FITTING = st.sampled_from([True, {}, {"type": "object"}, {"properties": {"a": {"minimum": 0}}}])
