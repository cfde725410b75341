"""What is known of a value before it is there, and the paths that name what it cannot have.

A shape is a JSON Schema: that of the input or of a signal, or one made of what a step gives. Of
what nobody knows nothing is said.
"""

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from .. import json_text
from ..json_text import Json
from .common.mends import did_you_mean, one_of
from .expressions.functions import kind_of
from .expressions.pieces import Reference
from .expressions.trees import Tree
from .layout import Layout
from .steps.block import Branch
from .steps.for_each import ForEach
from .steps.group import Group
from .steps.parallel import Parallel
from .steps.race import Race
from .steps.set_value import Set
from .steps.step import Step
from .steps.waiting.approve import Approve
from .steps.waiting.sleep import Sleep
from .steps.waiting.wait_for import WaitFor
from .steps.waiting.workflow import Workflow

Shape = Mapping[str, Any]

UNKNOWN: Final[Shape] = {}
MOST_NAMED: Final = 10
"""Members that a fault tells of."""
_DEEPEST: Final = 32
"""References by references, and blocks, that are followed."""

_TELLING: Final = frozenset({"type", "properties", "additionalProperties", "items", "required"})
_SAYING_NOTHING: Final = frozenset(
    {"title", "description", "default", "examples", "$comment", "$defs", "$schema", "$id", "enum"}
    | {"const", "deprecated", "readOnly", "writeOnly", "minProperties", "maxProperties", "format"}
    | {"minItems", "maxItems", "uniqueItems", "minLength", "maxLength", "pattern", "multipleOf"}
    | {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"}
)
"""Keywords that give a value no member that it would not have without them."""
_NAMES: Final = re.compile(r'strict \$((?:\."[^"\\]*")+)')


class Shapes:
    """The shapes of a definition: of its input and signals, and of what each step gives."""

    def __init__(
        self, schema: Json, layout: Layout, signals: Mapping[str, Json] | None = None
    ) -> None:
        self._schema = schema
        self._layout = layout
        self._signals = signals or {}
        self._of: dict[str, Shape] = {}

    def fault(self, reference: Reference) -> str | None:
        """Return why a path can find nothing, whatever the input and the outputs are; or None."""
        match reference.names:
            case ("input", *names) if not reference.config:
                shape, what = self._input(), "$.input"
            case ("steps", step, "output", *names) if not reference.config:
                shape, what = self._output(step), f"$.steps.{step}.output"
            case _:
                return None
        for name in names:
            fault = _fault(shape, name)
            if fault:
                return f"{reference.text}: {what} {fault}"
            shape, what = self._member(shape, name), f"{what}.{name}"
        return None

    def _input(self) -> Shape:
        return self._resolved(self._schema)

    def _member(self, shape: Shape, name: str) -> Shape:
        return self._resolved(_members(shape).get(name))

    def _resolved(self, schema: Json) -> Shape:
        """Return a schema whose `$ref` is followed; an empty one where more would have to be."""
        for _ in range(_DEEPEST):
            if not isinstance(schema, dict):
                break
            found = cast("dict[str, Json]", schema)
            said = found.keys() - _SAYING_NOTHING
            if said == {"$ref"}:
                schema = self._referred(str(found["$ref"]))
                continue
            return found if said <= _TELLING else UNKNOWN
        return UNKNOWN

    def _referred(self, reference: str) -> Json:
        if not reference.startswith("#"):
            return None
        found: Json = self._schema
        for part in reference.removeprefix("#").split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            found = cast("dict[str, Json]", found).get(key) if isinstance(found, dict) else None
        return found

    def _output(self, name: str, depth: int = 0) -> Shape:
        """Return the shape of what a step gives where it has succeeded."""
        if name not in self._of:
            home = self._layout.homes.get(name)
            step = home.steps.get(name) if home else None
            # What is asked for on the way to it is not known yet.
            self._of[name] = UNKNOWN
            if step is not None and step.default is None and depth < _DEEPEST:
                self._of[name] = self._given(step, depth)
        return self._of[name]

    def _given(self, step: Step, depth: int) -> Shape:
        match step:
            case Set():
                return self._tree(step.value.tree, depth)
            case Group():
                return self._last(step.lists[0], depth)
            case Parallel():
                return _closed({str(b.name): self._last(b, depth) for b in step.lists})
            case Race():
                return _closed({"winner": {"type": "string"}, "output": UNKNOWN})
            case ForEach():
                return {"type": "array"}
            case Sleep():
                return {"type": "null"}
            case Approve():
                text = {"type": "string"}
                return _closed({"decision": text, "by": text, "at": text, "answer": UNKNOWN})
            case WaitFor(signal=str(name)):
                return self._payload(name)
            case Workflow(detach=True):
                return _closed({"instance": {"type": "string"}})
            case _:
                return UNKNOWN

    def _payload(self, signal: str) -> Shape:
        schema = self._signals.get(signal)
        # A `$ref` is followed in the schema of the input alone.
        return UNKNOWN if '"$ref"' in json_text.encode(schema) else self._resolved(schema)

    def _last(self, branch: Branch, depth: int) -> Shape:
        return self._output(branch.steps[-1].id, depth + 1) if branch.steps else UNKNOWN

    def _tree(self, tree: Tree, depth: int) -> Shape:
        if "v" in tree:
            return _literal(tree["v"])
        if "o" in tree:
            members = cast("dict[str, Tree]", tree["o"])
            return _closed({key: self._tree(each, depth + 1) for key, each in members.items()})
        if "c" in tree:
            return {"type": "string"}
        if "l" in tree or "m" in tree:
            return {"type": "array"}
        if "b" in tree:
            return {"type": "boolean"}
        named = _NAMES.fullmatch(tree.get("p", "")) if depth < _DEEPEST else None
        return self._named(named[1][2:-1].split('"."'), depth + 1) if named else UNKNOWN

    def _named(self, names: list[str], depth: int) -> Shape:
        """Return the shape of what a path of names alone finds."""
        match names:
            case ["input", *rest]:
                shape = self._input()
            case ["steps", step, "output", *rest]:
                shape = self._output(step, depth)
            case _:
                return UNKNOWN
        for name in rest:
            shape = self._member(shape, name)
        return shape


def _fault(shape: Shape, name: str) -> str | None:
    """Return why a value of this shape has no such member, or None."""
    kinds = shape.get("type", "object")
    kinds = cast("list[str]", kinds) if isinstance(kinds, list) else [kinds]
    if "type" in shape and "object" not in kinds:
        if kinds == ["array"]:
            return f"is an array, and has no member {name!r}; write [0] for an item, [*] for all"
        return f"is of type {one_of([str(kind) for kind in kinds])}, and has no member {name!r}"
    members = _members(shape)
    if shape.get("additionalProperties") is not False or name in members:
        return None
    if not members:
        return f"is an object without members, and has no {name!r}"
    known = [*members][:MOST_NAMED]
    more = " and more" if len(members) > MOST_NAMED else ""
    named = one_of(known) if not more else ", ".join(known)
    return f"has no {name!r}, it has {named}{more}{did_you_mean(name, members)}"


def _members(shape: Shape) -> Mapping[str, Any]:
    members = shape.get("properties")
    return cast("dict[str, Any]", members) if isinstance(members, dict) else {}


def _closed(members: Mapping[str, Shape]) -> Shape:
    return {"type": "object", "properties": members, "additionalProperties": False}


def _literal(value: Json) -> Shape:
    kind = kind_of(value)
    if kind == "object":
        return _closed({key: _literal(item) for key, item in value.items()})
    return {"type": kind}
