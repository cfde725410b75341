"""Reads JSON (RFC 8259) into a Document: with places, and stricter than Python's own json."""

import json
import re
from bisect import bisect_right

from ...json_text import Json
from .document import Document, Position, Reading, child, refusal, text_fault

_SPACE = re.compile(r"[ \t\n\r]*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"\w+")
_WORDS: dict[str, Json] = {"true": True, "false": False, "null": None}


class JsonSyntaxError(Exception):
    """The text is not JSON; ``offset`` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


def read_json(text: str) -> Document:
    """Return the Document of a JSON text. Raises DefinitionError."""
    reader = JsonReader(text, Reading())

    def read() -> Json:
        value = reader.value(0, "", 1)
        reader.end()
        return value

    try:
        return reader.reading.document(read)
    except JsonSyntaxError as error:
        fault = text_fault(reader.position(error.offset), f"is not JSON: {error}")
        raise refusal([fault]) from None


class JsonReader:
    """Reads JSON values out of ``text``; after each, ``offset`` stands behind it.

    Raises JsonSyntaxError; other faults are noted in ``reading``.
    """

    def __init__(self, text: str, reading: Reading) -> None:
        self.reading = reading
        self.offset = 0
        self._text = text
        self._lines = [0, *(match.end() for match in re.finditer("\n", text))]

    def position(self, offset: int) -> Position:
        """Return line and column of an offset."""
        line = bisect_right(self._lines, offset)
        return line, offset - self._lines[line - 1] + 1

    def end(self) -> None:
        """See that nothing follows."""
        self._skip_space()
        if self.offset < len(self._text):
            raise JsonSyntaxError("something follows the value; remove it", self.offset)

    def value(self, offset: int, pointer: str, depth: int) -> Json:
        """Return the value that begins at ``offset``, behind white space."""
        self.offset = offset
        self._skip_space()
        self.reading.enter(pointer, depth, self.position(self.offset))
        match self._text[self.offset : self.offset + 1]:
            case "{":
                return self._object(pointer, depth)
            case "[":
                return self._array(pointer, depth)
            case '"':
                return self.reading.text(pointer, self._string())
            case _:
                return self._scalar(pointer)

    def _object(self, pointer: str, depth: int) -> dict[str, Json]:
        members: dict[str, Json] = {}
        self.offset += 1
        if self._taken("}"):
            return members
        while True:
            self._skip_space()
            position = self.position(self.offset)
            name = self._string()
            place = self.reading.member(members, pointer, name, position)
            self._expect(":", "after a key")
            members[name] = self.value(self.offset, place, depth + 1)
            if self._taken("}"):
                return members
            self._expect(",", "or } after a member")

    def _array(self, pointer: str, depth: int) -> list[Json]:
        items: list[Json] = []
        self.offset += 1
        if self._taken("]"):
            return items
        while True:
            items.append(self.value(self.offset, child(pointer, len(items)), depth + 1))
            if self._taken("]"):
                return items
            self._expect(",", "or ] after an item")

    def _string(self) -> str:
        found = _STRING.match(self._text, self.offset)
        if not found:
            raise JsonSyntaxError(
                'a string in "double quotes" is expected, without raw line breaks', self.offset
            )
        self.offset = found.end()
        return json.loads(found.group())

    def _scalar(self, pointer: str) -> Json:
        if found := _NUMBER.match(self._text, self.offset):
            self.offset = found.end()
            return self.reading.number(pointer, found.group())
        found = _WORD.match(self._text, self.offset)
        if not found or found.group() not in _WORDS:
            raise JsonSyntaxError("a JSON value is expected", self.offset)
        self.offset = found.end()
        return _WORDS[found.group()]

    def _skip_space(self) -> None:
        found = _SPACE.match(self._text, self.offset)
        self.offset = found.end() if found else self.offset

    def _taken(self, mark: str) -> bool:
        self._skip_space()
        if not self._text.startswith(mark, self.offset):
            return False
        self.offset += 1
        return True

    def _expect(self, mark: str, where: str) -> None:
        if not self._taken(mark):
            raise JsonSyntaxError(f"{mark} {where} is expected", self.offset)
