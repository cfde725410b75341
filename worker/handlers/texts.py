"""Texts of strangers' objects: had without a call that raises out of here, bounded, and masked."""

from ...engine.redact import masked


def type_name(value: object) -> str:
    """Return the name of the type of ``value``, whatever its metaclass makes of the question."""
    return type.__dict__["__name__"].__get__(type(value))


def text_of(value: object) -> str:
    """Return ``str(value)``; where that raises, in words that it did."""
    try:
        return str.__str__(str(value))  # a subclass of str could still do anything
    except BaseException as error:
        return f"a {type_name(value)} whose text cannot be had: its str() raises {type_name(error)}"


def bounded(text: str, limit: int) -> str:
    """Return ``text``, without its middle where it has more characters than ``limit``."""
    if len(text) <= limit:
        return text
    half = limit // 2
    return f"{text[:half]} … {len(text) - 2 * half} characters left out … {text[-half:]}"


def keepable(text: str, limit: int) -> str:
    """Return ``text`` as a jsonb column takes it: no NUL, no lone surrogates, masked, bounded.

    ``limit`` counts characters, and bytes too, which may be four a character.
    """
    ends = bounded(text, MOST_MASKED)  # far beyond what is kept: no credential is cut in it
    clean = masked(ends).replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    short = bounded(clean, limit)
    size = len(short.encode())
    return short if size <= limit + MARGIN else bounded(clean, limit * len(short) // size)


MARGIN = 400
"""Longer than the remark on what was left out."""
MOST_MASKED = 100_000
"""Characters of a text that are masked; the middle of a longer one is left out before."""
