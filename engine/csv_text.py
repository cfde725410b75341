"""Rows as CSV: for spreadsheets too, which take a text that begins like a formula for one."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from . import json_text

_FORMULAS: Final = ("=", "+", "-", "@", "\t", "\r")


def csv_of(columns: Sequence[str], rows: Iterable[Mapping[str, Any]], *, head: bool = True) -> str:
    """Return rows as lines of CSV (RFC 4180), the names of the columns first.

    A text that a spreadsheet would run has a ' before it; what is no text is written as JSON.
    """
    out = io.StringIO()
    writer = csv.writer(out)
    if head:
        writer.writerow(columns)
    for row in rows:
        writer.writerow([_cell(row[name]) for name in columns])
    return out.getvalue()


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        return json_text.encode(value)
    return "'" + value if value.startswith(_FORMULAS) else value
