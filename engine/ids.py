"""Ids that the caller makes, so that a call whose reply was lost can be repeated with the same."""

import os
import threading
import time
from typing import Final
from uuid import UUID

CELL: Final = 0
"""The cell that our ids name: the database, of those that may stand side by side."""

_lock = threading.Lock()
_last = 0


def make_ids(count: int, cell: int = CELL) -> list[UUID]:
    """Return so many UUIDs version 7, each larger than all that this process made before.

    They are made as ``uuid7()`` makes them in SQL: 60 bits of time, in 1/4096 ms, around the
    version; behind the variant 12 bits that name the ``cell``, two that are zero, and 48 random
    ones.
    """
    global _last
    with _lock:
        first = max(time.time_ns() * 4096 // 1_000_000, _last + 1)
        _last = first + count - 1
    behind = 0x8 << 60 | cell << 50
    random = os.urandom(6 * count)  # once: each call is one of the system's
    return [
        UUID(
            int=(tick >> 12) << 80
            | 0x7 << 76
            | (tick & 0xFFF) << 64
            | behind
            | int.from_bytes(random[6 * n : 6 * n + 6], "big")
        )
        for n, tick in enumerate(range(first, first + count))
    ]


def cell_of(made: UUID) -> int:
    """Return the cell that an id names."""
    return made.int >> 50 & 0xFFF
