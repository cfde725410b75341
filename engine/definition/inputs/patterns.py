"""The patterns of JSON Schema, matched by RE2, which never goes back and lets other threads run.

Its time grows with the length of the text and the size of the pattern alone. It has no lookaround
and no backreferences: a schema with one is refused. Otherwise it is nearer to the patterns of
JavaScript, which JSON Schema means, than Python's own: ``$`` is the end, ``\\d`` an ASCII digit.
"""

import importlib
import re
from functools import lru_cache
from typing import Any

from ...errors import OnceflowError

_re2: Any = importlib.import_module("re2")  # it brings no types

MAX_LENGTH = 1000
MAX_SIZE = 2000
"""Instructions of a compiled pattern."""

_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|.)", re.DOTALL)

_options: Any = _re2.Options()
_options.log_errors = False
_options.max_mem = 1 << 20


class PatternError(OnceflowError):
    """A pattern that cannot be matched in bounded time, or is none."""


@lru_cache(maxsize=1024)
def compiled(pattern: str) -> Any:
    """Return the compiled pattern; the message of its PatternError stands behind "the pattern"."""
    if len(pattern) > MAX_LENGTH:
        raise PatternError(f"has more than {MAX_LENGTH} characters; shorten it")
    text = _ESCAPE.sub(lambda m: f"\\x{{{m[1]}}}" if m[1] else m.group(), pattern)
    try:
        found = _re2.compile(text, _options)
    except (_re2.error, UnicodeError) as error:
        raise PatternError(_reason(pattern, error)) from None
    if found.programsize > MAX_SIZE:
        raise PatternError("is too large; shorten its repetitions")
    return found


def _reason(pattern: str, error: Exception) -> str:
    if re.search(r"\(\?<?[=!]", pattern):
        return "has a lookaround such as (?=…) or (?!…), which is not supported; say it without"
    if re.search(r"(?<!\\)(?:\\\\)*\\(?:[1-9]|k<)", pattern):
        return "has a backreference, which is not supported; say it without"
    told = error.args[0] if error.args else error
    shown = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
    return f"is none that RE2 takes: {shown}"


def work(pattern: Any, text: str) -> int:
    """Return what a match takes at most, in steps of some 40 ns."""
    return int(pattern.programsize) * (len(text) + 1)
