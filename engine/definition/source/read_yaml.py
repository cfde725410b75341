"""Reads YAML into a Document, by the core schema of YAML 1.2.

Only ``true`` and ``false`` are booleans: ``on``, ``yes`` and ``no`` stay strings. Keys are always
strings. Dates are strings. Anchors and aliases are allowed; what they repeat counts as if it were
written out, so that a small text cannot make a huge document. No tag makes anything but plain data.
"""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple, cast

import yaml

from ...errors import Fault
from ...json_text import Json
from .document import (
    MAX_DEPTH,
    MAX_DIGITS,
    TOO_DEEP,
    Document,
    Position,
    Reading,
    TooMuch,
    child,
    refusal,
    text_fault,
)

_NULL = frozenset({"", "~", "null", "Null", "NULL"})
_TRUE = frozenset({"true", "True", "TRUE"})
_FALSE = frozenset({"false", "False", "FALSE"})
_BEGINS_NUMBERS = frozenset("+-.0123456789")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")
_BASED_INT = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NON_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_STRING_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})
_COLLECTION_TAGS = frozenset({None, "!", "tag:yaml.org,2002:map", "tag:yaml.org,2002:seq"})


class _Node(NamedTuple):
    """A value that was read; ``size`` values in all, ``height`` levels of them."""

    value: Json
    size: int
    height: int


def read_yaml(text: str) -> Document:
    """Return the Document of a YAML text. Raises DefinitionError."""
    # libyaml is quicker, where PyYAML was built with it.
    loader = cast(Any, getattr(yaml, "CSafeLoader", yaml.SafeLoader))
    reading = Reading()
    try:
        # Its events one by one: yaml.parse() asks before each whether there is one.
        events = iter(loader(text).get_event, None)
        return reading.document(lambda: _YamlReader(events, reading).read())
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        wrong = f"is not YAML: {error.problem or error.context}"
        if "nesting depth" in wrong:  # newer ones of libyaml stop at a depth of their own
            wrong = TOO_DEEP
        fault = text_fault((mark.line + 1, mark.column + 1), wrong) if mark else _whole(wrong)
        raise refusal([fault]) from None
    except yaml.YAMLError as error:
        raise refusal([_whole(f"is not YAML: {error}")]) from None


class _YamlReader:
    """Makes plain data of PyYAML's events."""

    def __init__(self, events: Iterator[Any], reading: Reading) -> None:
        self._events = events
        self._reading = reading
        self._anchors: dict[str, _Node | None] = {}

    def read(self) -> Json:
        """Return the value of the only document."""
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.StreamEndEvent):
            self._reading.fault("", "is empty; write a workflow with name and steps")
            return None
        node = self._node(next(self._events), "", 1)
        next(self._events)
        if not isinstance(next(self._events), yaml.StreamEndEvent):
            self._reading.fault("", "holds several YAML documents; keep one a file")
        return node.value

    def _node(self, event: Any, pointer: str, depth: int) -> _Node:
        position = _position(event)
        if isinstance(event, yaml.AliasEvent):
            return self._alias(str(event.anchor), pointer, depth, position)
        self._reading.enter(pointer, depth, position)
        before = self._reading.count - 1
        if event.anchor:
            self._anchors[event.anchor] = None
        if isinstance(event, yaml.ScalarEvent):
            value, height = self._scalar(event, pointer), 1
        else:
            if event.tag not in _COLLECTION_TAGS:
                self._reading.fault(pointer, f"has the tag {event.tag}; leave it out")
            if isinstance(event, yaml.MappingStartEvent):
                value, height = self._mapping(pointer, depth)
            else:
                value, height = self._sequence(pointer, depth)
        node = _Node(value, self._reading.count - before, height)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _alias(self, name: str, pointer: str, depth: int, position: Position) -> _Node:
        self._reading.enter(pointer, depth, position)
        node = self._anchors.get(name)
        if node is None:
            inside = name in self._anchors
            self._reading.fault(
                pointer,
                f"*{name} stands inside what it repeats; write it out"
                if inside
                else f"*{name} repeats nothing; write &{name} before it",
            )
            return _Node(None, 1, 1)
        if depth + node.height - 1 > MAX_DEPTH:
            raise TooMuch(pointer, TOO_DEEP)
        self._reading.add_values(node.size - 1, pointer)
        return node

    def _mapping(self, pointer: str, depth: int) -> tuple[dict[str, Json], int]:
        members: dict[str, Json] = {}
        height = 1
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            name = self._key(event, pointer)
            place = self._reading.member(members, pointer, name, _position(event))
            members[name], below = self._inside(next(self._events), place, depth + 1)
            height = max(height, below + 1)
        return members, height

    def _key(self, event: Any, pointer: str) -> str:
        if isinstance(event, yaml.ScalarEvent):
            plain: bool = event.implicit[0]
            if plain and event.value == "<<":
                self._reading.fault(
                    child(pointer, "<<"),
                    "YAML 1.2 has no merge keys; write the members out",
                    key=True,
                )
            if event.anchor:
                self._anchors[event.anchor] = _Node(event.value, 1, 1)
            return event.value
        fault = text_fault(_position(event), "a key is text; write it as a string")
        raise refusal([fault])

    def _sequence(self, pointer: str, depth: int) -> tuple[list[Json], int]:
        items: list[Json] = []
        height = 1
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            item, below = self._inside(event, child(pointer, len(items)), depth + 1)
            items.append(item)
            height = max(height, below + 1)
        return items, height

    def _inside(self, event: Any, pointer: str, depth: int) -> tuple[Json, int]:
        """Return a member or an item, and its height."""
        if type(event) is yaml.ScalarEvent and not event.anchor:
            self._reading.enter(pointer, depth, _position(event))
            return self._scalar(event, pointer), 1
        node = self._node(event, pointer, depth)
        return node.value, node.height

    def _scalar(self, event: Any, pointer: str) -> Json:
        text = cast(str, event.value)
        if event.tag is not None and event.tag not in _STRING_TAGS:
            self._reading.fault(pointer, f"has the tag {event.tag}; only !!str is known")
        plain = cast(bool, event.implicit[0])
        if not plain:
            return self._reading.text(pointer, text)
        if text in _NULL:
            return None
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        return self._number(pointer, text)

    def _number(self, pointer: str, text: str) -> Json:
        """Return a plain scalar that is neither null nor a boolean: a number or a string."""
        if text[0] not in _BEGINS_NUMBERS:
            return self._reading.text(pointer, text)
        if _BASED_INT.fullmatch(text) and len(text) <= MAX_DIGITS:
            return int(text, 0)
        if _NON_FINITE.fullmatch(text):
            self._reading.fault(pointer, f"{text} is not a number of JSON; write a number or null")
            return None
        if not _FLOAT.fullmatch(text):
            return self._reading.text(pointer, text)
        if _LEADING_ZERO.match(text):
            self._reading.fault(
                pointer, f"{text} may be text or a number; quote it or leave out the leading zeros"
            )
            return None
        return self._reading.number(pointer, text.removeprefix("+"))


def _whole(message: str) -> Fault:
    return Fault("the document", message)


def _position(event: Any) -> Position:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1
