"""Which failures are the same: their fingerprint.

It is made of the code, the type, the function of yours that it came from, and the message, in which
quoted values and words with digits (numbers, ids, times, addresses) and hexadecimal ones count as
equal. Line numbers, folders, hosts, attempts and instances have no part in it.
"""

import hashlib
import re

_QUOTED = re.compile(r"(?<!\w)(['\"`])(?:(?!\1(?!\w))[^\n]){0,1000}\1(?!\w)")
_WORD = re.compile(r"[\w.+-]+")
_HEX = re.compile(r"[0-9a-fA-F]{8,}")
_DIGIT = re.compile(r"\d")


def fingerprint(code: str, type_name: str, where: str, message: str) -> str:
    """Return 16 hexadecimal digits, the same for failures that are of one kind."""
    parts = (code, type_name, where, same_words(message))
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:16]


def same_words(message: str) -> str:
    """Return ``message`` with a placeholder for each value that may differ from time to time."""
    return " ".join(_WORD.sub(_placeholder, _QUOTED.sub("?", message)).split())


def _placeholder(found: re.Match[str]) -> str:
    word = found[0]
    return "#" if _DIGIT.search(word) or _HEX.fullmatch(word) else word
