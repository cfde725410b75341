"""What of an input's JSON Schema Postgres itself checks, in the form that it walks.

onceflow.check_input (SQL) goes through an input once, each value by one node:

    {"nodes": [node], "values": [{scalar: 0}]}       the root is node 0
    node    "a": [assertion], "object": true where members are looked at, "properties": {name: node
            or null}, "rest": node of other members, "none" where there may be none; "items": node;
            "only": [type] where nothing but these types is asked for, "among": index of "values"
            where nothing but one of them is
    assertion  of one schema object, by its keywords; "enum" is an index of "values", and "same" the
            arrays and objects that are allowed besides

A schema object behind a $ref adds its assertions to those beside the $ref. What follows into
members and items is taken from one of them, so that no value is gone through twice. All else is
unchecked here, by its place, and is for the API, the command line and the client (check.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, cast
from urllib.parse import unquote

from ... import json_text
from ...json_text import Json
from ..source.document import child
from .formats import CHECKS, IN_SQL

_PLAIN = frozenset(
    {
        "exclusiveMaximum",
        "exclusiveMinimum",
        "maxItems",
        "maxLength",
        "maxProperties",
        "maximum",
        "minItems",
        "minLength",
        "minProperties",
        "minimum",
        "multipleOf",
        "required",
        "uniqueItems",
    }
)
_REMARKS = frozenset(
    {
        "$anchor",
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "$vocabulary",
        "contentEncoding",
        "contentMediaType",
        "contentSchema",
        "default",
        "definitions",
        "deprecated",
        "description",
        "examples",
        "readOnly",
        "title",
        "writeOnly",
    }
)
_INTO = ("properties", "additionalProperties", "patternProperties", "items", "prefixItems")
_CHAIN = 10
"""Schemas that one value is checked by, each reached by the $ref of the one before."""
_SAME = 20
"""Arrays and objects among the values of one enum."""

Schema = Mapping[str, Json]


@dataclass(slots=True)
class Checks:
    """``checks`` is None where there is nothing to check; ``unchecked`` has JSON pointers."""

    checks: Json
    unchecked: list[str]


def compile_checks(schema: Json) -> Checks:
    """Compile a sound JSON Schema (input_schema.py); None takes any input."""
    if schema is None:
        return Checks(None, [])
    compiler = _Compiler(schema, _has_ids(schema))
    compiler.compile()
    nodes = compiler.nodes
    empty = len(nodes) == 1 and not nodes[0]
    checks = None if empty else {"nodes": nodes, "values": compiler.values}
    return Checks(checks, sorted(compiler.unchecked))


@dataclass(slots=True)
class _Compiler:
    root: Json
    has_ids: bool
    nodes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    values: list[dict[str, int]] = field(default_factory=list[dict[str, int]])
    unchecked: set[str] = field(default_factory=set[str])
    _indexes: dict[int, int] = field(default_factory=dict[int, int])
    _todo: list[tuple[int, Json, str]] = field(default_factory=list[tuple[int, Json, str]])

    def compile(self) -> None:
        self._index(self.root, "")
        while self._todo:
            index, schema, place = self._todo.pop()
            self.nodes[index].update(self._node(schema, place))

    def _index(self, schema: Json, place: str) -> int | None:
        """Return the node of a schema; None where that takes anything."""
        if schema is True or (schema == {} and place):
            return None
        found = self._indexes.get(id(schema))
        if found is None:
            found = self._indexes[id(schema)] = len(self.nodes)
            self.nodes.append({})
            self._todo.append((found, schema, place))
        return found

    def _node(self, schema: Json, place: str) -> dict[str, Any]:
        if isinstance(schema, bool):
            return {} if schema else {"a": [{"never": True}]}
        assertions: list[dict[str, Any]] = []
        node: dict[str, Any] = {}
        into = False
        for part, where in self._chain(schema, place):
            if assertion := self._assertion(part, where):
                assertions.append(assertion)
            follows = [key for key in _INTO if key in part]
            if follows and into:
                self.unchecked.update(child(where, key) for key in follows)
            elif follows:
                into = True
                node |= self._members(part, where) | self._items(part, where, assertions)
        types: list[str] = assertions[0].get("type", []) if len(assertions) == 1 else []
        if not node and types and len(assertions[0]) == 1 and "integer" not in types:
            node["only"] = types
        if not node and len(assertions) == 1 and assertions[0].keys() == {"enum", "says", "same"}:
            node["among"] = assertions[0]["enum"]
        return node | ({"a": assertions} if assertions else {})

    def _chain(self, schema: Schema, place: str) -> list[tuple[Schema, str]]:
        """Return the schema and those that its $ref leads to."""
        chain = [(schema, place)]
        while "$ref" in schema:
            target = self._target(schema["$ref"])
            if target is None or isinstance(target[0], bool) or len(chain) == _CHAIN:
                self.unchecked.add(child(place, "$ref"))
                break
            schema, place = target
            chain.append((schema, place))
        return chain

    def _target(self, reference: str) -> tuple[Json, str] | None:
        """Return what a $ref by a JSON pointer names; None for any other."""
        if self.has_ids or (reference != "#" and not reference.startswith("#/")):
            return None
        found, place = self.root, ""
        for part in unquote(reference[1:]).split("/")[1:]:
            name = part.replace("~1", "/").replace("~0", "~")
            if isinstance(found, list) and name.isdecimal():
                found = cast(list[Json], found)[int(name)]
            else:
                found = cast(dict[str, Json], found)[name]
            place = child(place, name)
        return found, place

    def _assertion(self, schema: Schema, place: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in schema.items():
            if key in _PLAIN:
                made[key] = value
            elif key == "type":
                made["type"] = [value] if isinstance(value, str) else value
            elif key in ("enum", "const"):
                self._allowed(made, key, value, child(place, key))
            elif key == "format" and value in IN_SQL:
                made["format"] = value
            elif key == "format" and value not in CHECKS:
                continue
            elif key not in _REMARKS and key not in _INTO and key != "$ref":
                self.unchecked.add(child(place, key))
        return made

    def _allowed(self, made: dict[str, Any], key: str, value: Json, place: str) -> None:
        listed = cast(list[Json], value) if key == "enum" else [value]
        same: list[Json] = [item for item in listed if isinstance(item, dict | list)]
        if len(same) > _SAME or "enum" in made:
            self.unchecked.add(place)
            return
        shown = json_text.encode(value) if not isinstance(value, str) else value
        shown = shown if len(shown) <= 200 else f"{shown[:200]}…"
        made["enum"] = len(self.values)
        made["says"] = ("must be one of " if key == "enum" else "must be ") + shown
        made["same"] = same
        scalars = (scalar_key(item) for item in listed if not isinstance(item, dict | list))
        self.values.append(dict.fromkeys(scalars, 0))

    def _members(self, schema: Schema, place: str) -> dict[str, Any]:
        node: dict[str, Any] = {}
        properties: Mapping[str, Json] = schema.get("properties", {})
        rest = schema.get("additionalProperties", True)
        if "patternProperties" in schema:
            self.unchecked.add(child(place, "patternProperties"))
            if rest is not True:
                self.unchecked.add(child(place, "additionalProperties"))
                rest = True
        within = child(place, "properties")
        known = {n: self._index(s, child(within, n)) for n, s in properties.items()}
        other = "none" if rest is False else self._index(rest, child(place, "additionalProperties"))
        if other is not None:
            node["rest"] = other
        if other is not None or any(index is not None for index in known.values()):
            node |= {"object": True, "properties": known}
        return node

    def _items(
        self, schema: Schema, place: str, assertions: list[dict[str, Any]]
    ) -> dict[str, Any]:
        if "prefixItems" in schema:
            self.unchecked.update(child(place, k) for k in ("prefixItems", "items") if k in schema)
            return {}
        items = schema.get("items", True)
        if items is False:
            assertions.append({"noItems": True})
            return {}
        index = self._index(items, child(place, "items"))
        return {} if index is None else {"items": index}


def _has_ids(root: Schema) -> bool:
    """Tell whether a part of a schema has an $id: pointers would begin there."""
    todo: list[Json] = [value for key, value in root.items() if key != "$id"]
    while todo:
        item = todo.pop()
        if isinstance(item, dict):
            if "$id" in item:
                return True
            todo.extend(cast(dict[str, Json], item).values())
        elif isinstance(item, list):
            todo.extend(cast(list[Json], item))
    return False


def scalar_key(value: Json) -> str:
    """Return a scalar as the text by which Postgres looks it up: one for all that are equal."""
    if isinstance(value, str):
        return f"s{value}"
    if isinstance(value, bool) or value is None:
        return json_text.encode(value)
    number = Decimal(str(value)) if isinstance(value, float) else Decimal(value)
    text = format(number, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return f"n{'0' if text in ('-0', '') else text}"
