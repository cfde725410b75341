"""Keyset pagination: a page ends with a cursor, which names the row that the next one begins after.

A cursor is opaque to clients, and stays right while rows come and go: no offsets are counted.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec

from ..problems import Fault, invalid

Row = TypeVar("Row")
Position = TypeVar("Position")


def write_cursor(position: tuple[Any, ...]) -> str:
    """Return the cursor of a row, from the values that the list is ordered by."""
    return urlsafe_b64encode(msgspec.json.encode(position)).decode().rstrip("=")


def read_cursor(cursor: str, kind: type[Position]) -> Position | None:
    """Return the values in a cursor, None for the first page.

    Raises Problem 422 where it is none of ours, or one of another list.
    """
    if not cursor:
        return None
    try:
        return msgspec.json.decode(urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=kind)
    except (ValueError, msgspec.DecodeError):
        message = "is no cursor of this list: take `next` of the page before"
        raise invalid([Fault("query.cursor", message)]) from None


def cut(
    rows: list[Row], limit: int, position: Callable[[Row], tuple[Any, ...]]
) -> tuple[list[Row], str | None]:
    """Split rows, of which one more than ``limit`` was asked for, into a page and its cursor."""
    if len(rows) <= limit:
        return rows, None
    return rows[:limit], write_cursor(position(rows[limit - 1]))
