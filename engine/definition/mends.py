"""Helps faults to say what was meant."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return ``; did you mean 'queue'?`` where a known word is near, else an empty string."""
    near = get_close_matches(word, sorted(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def one_of(known: Iterable[str]) -> str:
    """Return the known words as a list in words: ``a, b or c``."""
    words = list(known)
    return f"{', '.join(words[:-1])} or {words[-1]}" if len(words) > 1 else words[0]
