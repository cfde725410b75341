"""May a payload be kept and handed on? Asked of its JSON text, before anything is made of it.

The same bounds as onceflow.payload_fault (SQL) has, which decides. Here they keep a text such as
``1e131071``, nine bytes that Postgres and Python would make 131,072 digits of, from being read at
all, and tell the place of what is wrong.
"""

import re
from collections.abc import Iterator
from typing import Any, Final, cast

import msgspec

LIMIT: Final = 1024 * 1024
"""Bytes of an input, an output, a progress …"""
MAX_DIGITS: Final = 1000
"""Digits of a number, before its point and behind it."""
MAX_DEPTH: Final = 128

# Any digit is a 0, any e is an e; signs go: so that what may be long is found without looking at
# each number.
_SHAPE: Final = bytes.maketrans(b"123456789E", b"000000000e")
_SIGNS: Final = b"+-"
_LONG: Final = b"0" * (MAX_DIGITS + 1)
_EXPONENT: Final = re.compile(rb"[0-9][eE][+-]?[0-9]{4}").search

_TOKEN: Final = re.compile(
    rb'"(?:[^"\\]++|\\.)*+"'
    rb"|(?P<whole>-?+[0-9]++)(?:\.(?P<part>[0-9]++))?+(?:[eE](?P<exponent>[+-]?+[0-9]++))?+"
    rb"|[\[\]{},:]",
    re.DOTALL,
)


_TEXTS: Final = msgspec.json.Decoder(float_hook=str)
"""Reads a JSON text for its strings: what is beyond a float is no matter."""


def payload_fault(text: bytes, limit: int = LIMIT) -> tuple[str, str] | None:
    """Return what is wrong with a JSON text, as its place (a JSON pointer) and a message, or None.

    The text must be JSON; what is said of any other is of no use.
    """
    if len(text) > limit:
        return "", f"has {len(text)} bytes as JSON text; the limit is {limit}"
    if len(text) <= MAX_DEPTH:  # most are: no place for many digits but behind an exponent
        return _look(text) if _EXPONENT(text) else None
    shape = text.translate(_SHAPE, _SIGNS)
    if b"0e0000" in shape or _LONG in shape or text.count(b"[") + text.count(b"{") > MAX_DEPTH:
        return _look(text)
    return None


def unkept(text: bytes) -> list[tuple[str, str]]:
    """Return all that Postgres cannot keep of a JSON text of any length, as ``payload_fault``."""
    if fault := payload_fault(text, len(text)):
        return [fault]
    if b"\\u0000" not in text:
        return []
    return [(place, "has a NUL character") for place in _nuls(_TEXTS.decode(text), "")]


def _nuls(value: Any, place: str) -> Iterator[str]:
    match value:
        case str() if "\0" in value:
            yield place
        case list():
            for index, item in enumerate(cast("list[Any]", value)):
                yield from _nuls(item, f"{place}/{index}")
        case dict():
            for key, item in cast("dict[str, Any]", value).items():
                inner = f"{place}/{key.replace('~', '~0').replace('/', '~1')}"
                yield from ([inner] if "\0" in key else [])
                yield from _nuls(item, inner)
        case _:
            pass


def _look(text: bytes) -> tuple[str, str] | None:
    """Go through a text token by token."""
    path: list[bytes | int] = []  # of each value around: the index, or the key read last
    key = b""
    for token in _TOKEN.finditer(text):
        mark = token.group()
        if token["whole"] is not None:
            if _digits(token) > MAX_DIGITS:
                return _pointer(path), f"has more than {MAX_DIGITS} digits; write it as a string"
        elif mark in b"[{":
            path.append(0 if mark == b"[" else b"")
            if len(path) > MAX_DEPTH:
                return _pointer(path), f"is nested deeper than {MAX_DEPTH} levels; make it flatter"
        elif mark in b"]}":
            path = path[:-1]
        elif mark == b",":
            last = path[-1] if path else None
            if isinstance(last, int):
                path[-1] = last + 1
        elif mark == b":" and path:
            path[-1] = key
        elif mark.startswith(b'"'):
            key = mark
    return None


def _digits(number: re.Match[bytes]) -> int:
    """Return how many digits a number has before its point or behind it, whichever are more."""
    written = number["exponent"] or b""
    digits = written.lstrip(b"+-").lstrip(b"0")  # of zeros before it there may be any number
    if len(digits) > 6:
        return MAX_DIGITS + 1
    exponent = int(digits or b"0") * (-1 if written.startswith(b"-") else 1)
    return max(len(number["whole"]) + exponent, len(number["part"] or b"") - exponent)


def _pointer(path: list[bytes | int]) -> str:
    parts = (
        str(part) if isinstance(part, int) else part[1:-1].decode("utf-8", "replace")
        for part in path
    )
    return "".join(f"/{part.replace('~', '~0').replace('/', '~1')}" for part in parts)[:200]
