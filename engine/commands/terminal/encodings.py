"""Whatever a terminal's encoding lacks is written in another way; no command ends by a letter.

Of our own sentences that is the plain form of a sign (``…`` as ``...``), of everybody else's text
an escape that says exactly which character it was, since a name that looks like another is worse.
In JSON it is JSON's own escape, so that what is read back is the same.
"""

import codecs
import re
import sys
from io import TextIOWrapper
from typing import Final

PLAIN: Final = {
    "…": "...",
    "→": "->",
    "←": "<-",
    "·": "-",
    "–": "-",
    "—": "-",
    "×": "x",
    "µ": "u",
    "“": '"',
    "”": '"',
    "‘": "'",
    "’": "'",
    "\u00a0": " ",
}

NAME: Final = "onceflow.plain"
TAKES_ALL: Final = ("strict", "surrogateescape", "backslashreplace")
"""Ways of encoding that Python chooses; who wants another has said so by PYTHONIOENCODING."""

_NOT_ASCII = re.compile(r"[^\x00-\x7f]")


def plain(error: UnicodeError) -> tuple[str, int]:
    """Return what is written in place of the characters that could not be."""
    if not isinstance(error, UnicodeEncodeError):
        raise error
    lacking = error.object[error.start : error.end]
    return "".join(PLAIN.get(one) or _escape(one) for one in lacking), error.end


def write_any_text() -> None:
    """Have stdout and stderr of this process take any text."""
    codecs.register_error(NAME, plain)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper) and stream.errors in TAKES_ALL:
            stream.reconfigure(errors=NAME)


def json_for(text: str, encoding: str | None) -> str:
    """Return JSON as an encoding takes it, which is the same JSON."""
    try:
        text.encode(encoding or "utf-8")
    except UnicodeEncodeError:
        return _NOT_ASCII.sub(_json_escape, text)
    return text


def _escape(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _json_escape(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[n : n + 2].hex()}" for n in range(0, len(units), 2))
