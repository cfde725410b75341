"""What the built-in tasks give back, in the form in which a jsonb column is sure to keep it.

Asked before an effect is final: an output that was refused afterwards would leave an effect that
nobody knows of.
"""

import re
from decimal import Decimal, InvalidOperation
from typing import Any

import msgspec

from ...engine.redact import masked

LONGEST_NUMBER = 1_000
"""Digits of a number when written out."""


class NotKept(ValueError):
    """The value has no form in which it could be kept; the message says why."""


def kept(value: Any, limit: int) -> msgspec.Raw:
    """Return ``value`` as JSON text that is kept with all its digits. Raises NotKept.

    What has no JSON form of its own (a network address, a range) is written as its text.
    ``limit`` counts the digits that jsonb would make of exponents too.
    """
    try:
        encoded = _encoder.encode(value)
        return kept_text(encoded, limit)
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise error if isinstance(error, NotKept) else NotKept(str(error)) from error


def kept_text(text: str | bytes, limit: int) -> msgspec.Raw:
    """Return JSON text as jsonb is sure to keep it. Raises NotKept."""
    digits_left = limit

    def number(digits: str) -> Decimal:
        nonlocal digits_left
        exact, length = _number(digits)
        digits_left -= length
        if digits_left < 0:
            raise NotKept(f"its numbers have more than {limit} digits when written out")
        return exact

    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=number)
    try:
        encoded = _encoder.encode(decoder.decode(text))
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        raise error if isinstance(error, NotKept) else NotKept(str(error)) from error
    if _LONG.search(encoded) and _LONG.search(_STRINGS.sub(b"", encoded)):
        raise NotKept(f"a number in it has more than {LONGEST_NUMBER} digits")
    if rb"\u0000" in encoded and re.search(rb"(?<!\\)(?:\\\\)*\\u0000", encoded):
        raise NotKept("a text in it has a NUL character")
    if len(encoded) > limit:
        raise NotKept(f"it has {len(encoded)} bytes as JSON; the limit is {limit}")
    return msgspec.Raw(encoded)


def plain(text: str, limit: int = 1_000) -> str:
    """Return a stranger's words as text that is kept: no secret, no NUL, not too long."""
    clean = masked(text)[:limit].replace("\0", "\ufffd")
    return clean.encode("utf-8", "replace").decode("utf-8")


def _number(text: str) -> tuple[Decimal, int]:
    """Return the number and how many digits it has when written out."""
    try:
        exact = Decimal(text)
    except InvalidOperation:
        raise NotKept(f"a number in it, {text[:20]}…, is too long") from None
    _, digits, exponent = exact.as_tuple()
    length = len(digits) + abs(exponent) if isinstance(exponent, int) else LONGEST_NUMBER + 1
    if length > LONGEST_NUMBER:
        raise NotKept(f"a number in it, {text[:20]}…, has more than {LONGEST_NUMBER} digits")
    return exact, length


_LONG = re.compile(rb"[0-9]{%d}" % (LONGEST_NUMBER + 1))
_STRINGS = re.compile(rb'"(?:[^"\\]++|\\.)*+"')
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=str)
