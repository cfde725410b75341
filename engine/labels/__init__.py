"""What labels may be, as ``label_fault()`` of the database has it: for whoever reads them first."""

import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from ..json_text import Json

MOST: Final = 32
"""Labels of one instance."""
NAME: Final = re.compile("[a-z][a-z0-9_.-]{0,63}", re.ASCII)
NAME_RULE: Final = "a small letter, then up to 63 small letters, digits, ., _ or -"
LONGEST: Final = 255
"""Bytes of a value: so it is kept, and shown, as it is."""


def value_fault(value: "Json") -> str | None:
    """Return what is wrong with a value, or None; the text of a number is left to the database."""
    if isinstance(value, list | dict):
        kind = "array" if isinstance(value, list) else "object"
        return f"is an {kind}; a label is a text, a number, true or false, or null for none"
    if isinstance(value, str) and (size := len(value.encode(errors="replace"))) > LONGEST:
        return f"has {size} bytes, and {LONGEST} are the most"
    return None
