"""Reads an expression's text piece by piece: marks, words, strings."""

import json
import re
import sys
from dataclasses import dataclass
from typing import NoReturn

from ..common.regex import regex_fault

_SPACES = frozenset(" \t\n\r\f")
_SPACE = re.compile(r"[ \t\n\r\f]*")
_WORD = re.compile(r"[A-Za-z_]+")
_STRING = re.compile(r'"((?:[^"\\\x00-\x1f]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4})')
_INDEX = re.compile(r"(?:0|[1-9]\d{0,8})(?!\w)", re.ASCII)
_SURROGATE = re.compile("[\ud800-\udfff]")


class PathError(Exception):
    """The text is no path; ``offset`` is where that shows."""

    def __init__(self, message: str, offset: int) -> None:
        super().__init__(message)
        self.offset = offset


@dataclass(slots=True)
class Scanner:
    """Stands at ``offset`` of ``text`` and reads on, up to ``limit``. Methods raise PathError."""

    text: str
    offset: int = 0
    limit: int = sys.maxsize

    def fail(self, message: str, offset: int | None = None) -> NoReturn:
        """Raise PathError at ``offset``, or where the reader stands."""
        raise PathError(message, self.offset if offset is None else offset)

    def skip_space(self) -> None:
        """Go on to what is no white space."""
        if self.text[self.offset : self.offset + 1] in _SPACES:
            found = _SPACE.match(self.text, self.offset)
            self.offset = found.end() if found else self.offset
        if self.offset > self.limit:
            self.fail("it is too long; shorten it")

    def taken(self, *marks: str) -> str:
        """Read the first of the marks that comes next and return it, or an empty string."""
        self.skip_space()
        for mark in marks:
            if self.text.startswith(mark, self.offset):
                self.offset += len(mark)
                return mark
        return ""

    def expect(self, mark: str, why: str) -> None:
        """Read the mark, which must come next."""
        if not self.taken(mark):
            self.fail(f"{mark} is expected {why}")

    def word(self, word: str) -> bool:
        """Read the word, where it comes next."""
        self.skip_space()
        found = _WORD.match(self.text, self.offset)
        if not found or found.group() != word:
            return False
        self.offset = found.end()
        return True

    def string(self) -> str:
        """Read a string in double quotes, with the escapes of JSON."""
        self.skip_space()
        start = self.offset
        found = _STRING.match(self.text, start)
        if not found:
            self.fail('a string in "double quotes" is expected')
        self.offset = found.end()
        if "\\" in _ESCAPE.sub("", found.group()):
            self.fail("a string has an escape that JSON does not know", start)
        value: str = json.loads(found.group())
        if "\0" in value or _SURROGATE.search(value):
            self.fail("the string holds a character that Postgres cannot keep", start)
        return value

    def regex(self) -> str:
        """Read the pattern of like_regex, and its flags."""
        self.skip_space()
        start = self.offset
        pattern = self.string()
        flags = ""
        if self.word("flag"):
            self.skip_space()
            where = self.offset
            flags = self.string()
            if not set(flags) <= set("ismq"):
                self.fail("a flag of like_regex is one of i, s, m, q", where)
        fault = None if "q" in flags else regex_fault(pattern)
        if fault:
            self.fail(f"the pattern {fault}", start)
        return quoted(pattern) + (f" flag {quoted(flags)}" if flags else "")

    def levels(self) -> str:
        """Read which levels ``**`` takes, where it says so."""
        if not self.taken("{"):
            return ""
        first = self._level()
        text = f"{{{first} to {self._level()}}}" if self.word("to") else f"{{{first}}}"
        self.expect("}", "to close **{")
        return text

    def _level(self) -> str:
        if self.word("last"):
            return "last"
        found = _INDEX.match(self.text, self.offset)
        if not found:
            self.fail("a level is expected: a whole number or `last`")
        self.offset = found.end()
        return found.group()


def quoted(text: str) -> str:
    """Return a text as a path has it."""
    return json.dumps(text, ensure_ascii=False)
