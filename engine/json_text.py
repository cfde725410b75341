"""JSON as text, with numbers kept to the last digit.

Postgres keeps a jsonb number as numeric, so ``1265793.0395`` comes back as it was given. Python
would lose digits only where a number becomes a float, so:

- A ``Decimal`` is written as a JSON number with all its digits, never as a string.
- ``decode`` gives what Python's own json gives: int for whole numbers, float for others.
- ``decode_exact`` gives a ``Decimal`` where ``decode`` gives a float. What only passes through (an
  input read from a file, a row shown on the screen) goes this way.
- Who wants exact money in a task asks for it by a type hint: ``msgspec.json.decode`` with a type
  reads a field hinted ``Decimal`` from the digits as they stand in the text.
"""

from decimal import Decimal, InvalidOperation
from typing import Any, TypeAlias

import msgspec

Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, Decimal, str, or lists and dicts of these. An argument of
this type may also be what msgspec writes as JSON (dataclasses, structs, datetimes, UUIDs), and
``bytes`` or ``msgspec.Raw`` where the JSON text is already at hand."""


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:  # its exponent has more than 18 digits
        raise ValueError("a number has too many digits") from None


_encoder = msgspec.json.Encoder(decimal_format="number")
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_exact_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(float_hook=_exact)
_skipping_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(msgspec.Raw)


def encode(value: Json) -> str:
    """Return ``value`` as JSON text; bytes and ``msgspec.Raw`` are taken to be JSON text already.

    Raises TypeError for what has no JSON form and UnicodeError for text that is not UTF-8.
    """
    if isinstance(value, bytes | bytearray | msgspec.Raw):
        return bytes(value).decode()
    try:
        return _encoder.encode(value).decode()
    except UnicodeError:
        raise
    except ValueError as error:  # an integer of more digits than Python writes
        raise TypeError(str(error)) from None


def decode(text: str | bytes) -> Json:
    """Return the value of JSON ``text``.

    Raises msgspec.DecodeError where it is not JSON, or is nested or has digits beyond any use.
    """
    return _decode(_decoder, text)


def decode_exact(text: str | bytes) -> Json:
    """Like ``decode``, with Decimal in place of float."""
    return _decode(_exact_decoder, text)


def require_json(text: bytes) -> None:
    """Make sure that ``text`` is JSON, at a twentieth of what it costs to read it.

    Raises msgspec.DecodeError, and UnicodeDecodeError where it is not UTF-8.
    """
    _decode(_skipping_decoder, text)
    text.decode()  # the decoder has passed over what stands in strings


def _decode(decoder: msgspec.json.Decoder[Any], text: str | bytes) -> Json:
    try:
        return decoder.decode(text)
    except RecursionError:
        raise msgspec.DecodeError("it is nested too deeply") from None
