"""Helps faults to say what was meant."""

from collections.abc import Collection, Iterable
from difflib import get_close_matches

MOST_KNOWN = 200
"""Among more words than these a near one is not looked for: it would take too long."""


def did_you_mean(word: str, known: Collection[str]) -> str:
    """Return ``; did you mean 'queue'?`` where a known word is near, else an empty string."""
    if len(known) > MOST_KNOWN:
        return ""
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def one_of(known: Iterable[str]) -> str:
    """Return the known words as a list in words: ``a, b or c``."""
    words = list(known)
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]


def count_of(number: int, one: str, many: str) -> str:
    """Return a number with its noun: ``1 branch``, ``2 branches``."""
    return f"{number} {one if number == 1 else many}"
