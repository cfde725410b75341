"""Durations as definitions write them: ``30s``, ``1h30m``, ``500ms``, or a number of seconds."""

import re
from decimal import Decimal

from ...json_text import Json

UNITS = {
    "d": Decimal(86400),
    "h": Decimal(3600),
    "m": Decimal(60),
    "s": Decimal(1),
    "ms": Decimal("0.001"),
}
LONGEST = 3660 * 86400
"""Ten years, in seconds: longer ones are taken for a slip of the pen."""
SHORTEST = Decimal("0.001")
"""A millisecond, in seconds: of what is not 0, nothing shorter means anything here."""

_NUMBER = r"\d{1,12}(?:\.\d{1,6})?"
PATTERN = "^" + "".join(f"(?:{_NUMBER}{unit})?" for unit in UNITS) + "$"
"""Each unit at most once, the largest first (also true of the empty text, which is none)."""
EXAMPLES = ("30s", "5m", "1h30m", "500ms", 90)
SCHEMA = {
    "anyOf": [
        {"type": "number", "minimum": float(SHORTEST), "maximum": LONGEST},
        {"type": "string", "minLength": 1, "pattern": PATTERN},
    ]
}
WAIT = {"anyOf": [{"type": "number", "minimum": 0}, {"type": "string", "pattern": PATTERN}]}
"""The JSON Schema of a duration that may be 0."""

_TEXT = re.compile(PATTERN, re.ASCII)
_PART = re.compile(rf"({_NUMBER})({'|'.join(sorted(UNITS, key=len, reverse=True))})", re.ASCII)


def seconds(value: Json) -> int | float | None:
    """Return a duration in seconds, or None where the value is none; it is never negative."""
    if isinstance(value, str):
        if not value or not _TEXT.fullmatch(value):
            return None
        total = sum((Decimal(n) * UNITS[unit] for n, unit in _PART.findall(value)), Decimal(0))
    elif isinstance(value, int | float | Decimal) and not isinstance(value, bool) and value >= 0:
        total = Decimal(str(value))
    else:
        return None
    if total > LONGEST or 0 < total < SHORTEST:
        return None
    return int(total) if total == int(total) else float(total)
