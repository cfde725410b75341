"""A definition as plain data, with the place of everything in it.

A Document is what the parsers (read_yaml, read_json) make of a text, and ``Document.of`` of data
from Python. Whichever way it came, its value is JSON that Postgres can keep (no NaN, no NUL, no
half of a surrogate pair, no duplicate key), bounded in depth and size, and numbers keep all digits.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import cast

from ...errors import DefinitionError, Fault
from ...json_text import Json

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 64
TOO_DEEP = f"is nested deeper than {MAX_DEPTH} levels; make it flatter"
MAX_VALUES = 100_000
MAX_DIGITS = 1000
MAX_POINTER = 1000
"""Characters of all the keys above a value, with a slash each."""
MAX_FAULTS = 500

Position = tuple[int, int]
"""Line and column, both from 1."""

_WHOLE = re.compile(r"-?\d+")
_SURROGATE = re.compile("[\ud800-\udfff]")


class TooMuch(Exception):
    """A limit above is passed: reading stops at once. The arguments are pointer and message."""


@dataclass(frozen=True, slots=True)
class Document:
    """A definition's value, and where in its text each value and each key stands.

    ``values`` and ``keys`` go by JSON pointer and are empty where there was no text.
    """

    value: Json
    values: Mapping[str, Position]
    keys: Mapping[str, Position]

    @classmethod
    def of(cls, value: object) -> "Document":
        """Return a Document of Python data (dict, list, str, int, float, Decimal, bool, None).

        Raises DefinitionError where it is not JSON.
        """
        reading = Reading()
        return reading.document(lambda: reading.copy(value, "", 1))

    def position(self, pointer: str, *, key: bool = False) -> Position | None:
        """Return where a value or its key stands; of what an alias repeats, where the alias is."""
        places = self.keys if key else self.values
        while pointer not in places:
            if not pointer:
                return None
            pointer = pointer.rpartition("/")[0]
            places = self.values
        return places[pointer]

    def place(self, pointer: str, *, key: bool = False) -> str:
        """Return a place for a Fault: ``/steps/2/needs (line 14, column 12)``."""
        return self.fault(pointer, "", key=key).place

    def fault(self, pointer: str, message: str, *, key: bool = False) -> Fault:
        """Return a fault of a value, or of its key."""
        position = self.position(pointer, key=key)
        shown = pointer if len(pointer) <= 200 else f"{pointer[:200]}…"
        name = shown or "the document"
        place = f"{name} (line {position[0]}, column {position[1]})" if position else name
        return Fault(place, message, position, name)


class Faults:
    """Collects what is wrong with one document, each fault once."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._found: dict[Fault, Position] = {}

    def add(self, pointer: str, message: str, *, key: bool = False) -> None:
        """Note a fault of the value at ``pointer``, or of its key.

        Raises DefinitionError when there are so many that nobody reads on.
        """
        fault = self._document.fault(pointer, message, key=key)
        self._found[fault] = fault.position or (0, 0)
        if len(self._found) == MAX_FAULTS:
            self.raise_any()

    def raise_any(self) -> None:
        """Raise DefinitionError with all that was noted, in the order of the text."""
        if self._found:
            raise refusal(sorted(self._found, key=lambda fault: self._found[fault]))


def refusal(faults: list[Fault]) -> DefinitionError:
    """Return the error for a definition with these faults."""
    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    return DefinitionError(f"the definition has {count}; {faults[0]}", faults)


def text_fault(position: Position, message: str) -> Fault:
    """Return a fault of a text that is no document."""
    return Fault(f"line {position[0]}, column {position[1]}", message, position)


def child(pointer: str, key: str | int) -> str:
    """Return the JSON pointer of a member or an item."""
    if isinstance(key, str) and ("~" in key or "/" in key):
        key = key.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{key}"


class Reading:
    """What the parsers share while they read one document: limits, places, and the faults found.

    A parser calls ``enter`` for each value before it makes it, and ``text``, ``number``, ``member``
    to make strings, numbers and members of objects.
    """

    def __init__(self) -> None:
        self.count = 0
        self._values: dict[str, Position] = {}
        self._keys: dict[str, Position] = {}
        self._noted: list[tuple[str, str, bool]] = []

    def document(self, read: Callable[[], Json]) -> Document:
        """Return the document whose value ``read`` gives; raises DefinitionError for any fault."""
        try:
            value = read()
        except TooMuch as error:
            value = None
            self._noted = [(error.args[0], error.args[1], False)]
        document = Document(value, self._values, self._keys)
        faults = Faults(document)
        for pointer, message, key in self._noted:
            faults.add(pointer, message, key=key)
        faults.raise_any()
        return document

    def enter(self, pointer: str, depth: int, position: Position | None = None) -> None:
        """Count a value in; raises TooMuch at a limit."""
        if len(pointer) > MAX_POINTER:
            raise TooMuch(pointer, f"has more than {MAX_POINTER} characters of keys; shorten them")
        if position:
            self._values[pointer] = position
        if depth > MAX_DEPTH:
            raise TooMuch(pointer, TOO_DEEP)
        self.count += 1
        if self.count > MAX_VALUES:
            self.add_values(0, pointer)

    def add_values(self, count: int, pointer: str) -> None:
        """Count values in that need no reading of their own: those that an alias repeats."""
        self.count += count
        if self.count > MAX_VALUES:
            raise TooMuch(pointer, f"makes more than {MAX_VALUES} values; split the workflow")

    def fault(self, pointer: str, message: str, *, key: bool = False) -> None:
        """Note a fault; reading goes on."""
        self._noted.append((pointer, message, key))

    def text(self, pointer: str, text: str, *, key: bool = False) -> str:
        """Return a string; notes a fault where Postgres could not keep it."""
        if "\0" in text:
            self.fault(pointer, "holds the character NUL; leave it out", key=key)
        if not text.isascii() and _SURROGATE.search(text):
            half = "holds half of a surrogate pair; write the whole character"
            self.fault(pointer, half, key=key)
        return text

    def number(self, pointer: str, text: str) -> int | float | Decimal:
        """Return the number that a text spells: a Decimal where a float would change digits."""
        try:
            exact = Decimal(text if len(text) <= MAX_DIGITS else "NaN")
        except InvalidOperation:  # its exponent has more than 18 digits
            exact = Decimal("NaN")
        if exact.is_nan() or abs(exact.adjusted()) > MAX_DIGITS:
            self.fault(pointer, f"has more than {MAX_DIGITS} digits; write it as a string")
            return 0
        if _WHOLE.fullmatch(text):
            return int(text)
        return float(text) if repr(float(text)) in (text.lower(), str(exact)) else exact

    def member(
        self,
        members: dict[str, Json],
        pointer: str,
        name: str,
        position: Position | None = None,
    ) -> str:
        """Return the pointer of a new member; notes a fault where the name is taken already."""
        place = child(pointer, name)
        if position:
            self._keys[place] = position
        if name in members:
            self.fault(place, f"the key {name!r} stands twice in one object; keep one", key=True)
        if not name.isidentifier():
            self.text(place, name, key=True)
        return place

    def copy(self, value: object, pointer: str, depth: int) -> Json:
        """Return a copy of Python data as JSON."""
        self.enter(pointer, depth)
        match value:
            case None | bool():
                return value
            case str():
                return self.text(pointer, str.__str__(value))
            case int() | float() | Decimal():
                return self._copy_number(value, pointer)
            case dict():
                members: dict[str, Json] = {}
                for name, item in cast(dict[object, object], value).items():
                    if isinstance(name, str):
                        place = self.member(members, pointer, name)
                        members[name] = self.copy(item, place, depth + 1)
                    else:
                        self.fault(pointer, f"has the key {name!r}; make it a string")
                return members
            case list():
                items = cast(list[object], value)
                return [self.copy(v, child(pointer, n), depth + 1) for n, v in enumerate(items)]
            case _:
                self.fault(pointer, f"is a Python {type(value).__name__}; give plain JSON data")
                return None

    def _copy_number(self, value: int | float | Decimal, pointer: str) -> int | float | Decimal:
        if isinstance(value, int):
            # Longer ones may not be turned into text at all.
            return self.number(pointer, str(value) if value.bit_length() < 4096 else "1e4096")
        if not math.isfinite(value) if isinstance(value, float) else not value.is_finite():
            self.fault(pointer, f"is {value}, which JSON does not have; write a number or null")
            return 0
        return value if isinstance(value, float) else self.number(pointer, str(value))
