"""Texts of strangers' objects: had without a call that raises out of here, bounded, and masked."""

import re


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
    ends = bounded(text, 2 * limit + MARGIN)  # so that no credential is cut before it is masked
    clean = masked(ends).replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    short = bounded(clean, limit)
    size = len(short.encode())
    return short if size <= limit + MARGIN else bounded(clean, limit * len(short) // size)


MARGIN = 400
"""Longer than what is masked, and than the remark on what was left out."""

_IN_URL = re.compile(r"://[^\s/?#@'\"<>]{1,150}(?::[^\s'\"<>]{0,150})?@")
_IN_DSN = re.compile(
    r"(?i)((?:password|passwd|pwd|secret|token|api_?key)\w{0,20}[ ]?=(?!=)[ ]?)"
    r"('[^']{0,150}'|\"[^\"]{0,150}\"|[^\s&,;)'\"]{1,300})"
)
_IN_HEADER = re.compile(
    r"(?i)(authorization['\"]?[ ]?[:=][ ]?['\"]?(?:(?:basic|bearer) )?)[^\s'\"]+"
)


def masked(text: str) -> str:
    """Return ``text`` without the credentials of URLs, connection strings and headers in it."""
    text = _IN_URL.sub("://***@", text)
    return _IN_HEADER.sub(r"\1***", _IN_DSN.sub(r"\1***", text))


def masked_json(text: bytes) -> bytes:
    """Return JSON text without the credentials of URLs in it, JSON as before."""
    return text if b"://" not in text else _IN_URL.sub("://***@", text.decode()).encode()
