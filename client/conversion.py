"""Between Python values and JSON, by type hints: msgspec's types, dataclasses, pydantic's models.

Numbers are exact both ways: a Decimal is written with all its digits, and read with them where the
type says Decimal, or says nothing. pydantic is none of our dependencies.
"""

import sys
from decimal import Decimal
from functools import lru_cache
from typing import Any, cast

import msgspec

from ..engine import json_text
from ..engine.errors import BadArgument, Fault
from .unwritten import unwritten_fault


class Mismatch(BadArgument):
    """A value does not fit the type that was asked for; the message names the place."""


class Unwritten(BadArgument):
    """A value has no JSON form; ``fault`` tells what of it, and its place (a JSON pointer)."""

    def __init__(self, fault: Fault) -> None:
        self.fault = fault
        super().__init__(f"this has no JSON form: {fault.place or 'it'} {fault.message}")


def to_json(value: Any) -> bytes:
    """Return ``value`` as JSON text, in UTF-8. Raises Unwritten."""
    try:
        return _encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise Unwritten(unwritten_fault(value, _encode, error)) from error


def _encode(value: Any) -> bytes:
    text = _encoder.encode(value)
    # What the caller gave as msgspec.Raw, or a type of his wrote, went in as it is.
    text.decode()
    _any_json.decode(text)
    return text


def from_json(text: bytes | msgspec.Raw, as_type: Any, what: str) -> Any:
    """Return the value of JSON text as ``as_type``. Raises Mismatch; ``what`` names the value."""
    if as_type is Any:
        return json_text.decode_exact(bytes(text))
    try:
        return _decoder(as_type).decode(text)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        told = getattr(as_type, "__name__", str(as_type))
        raise Mismatch(f"the {what} does not fit {told}: {error}") from error


@lru_cache(maxsize=256)
def _decoder(as_type: Any) -> msgspec.json.Decoder[Any]:
    # Without a type of its own a number is a Decimal, as everywhere here.
    return msgspec.json.Decoder(as_type, dec_hook=_read, float_hook=Decimal)


def _read(as_type: type[Any], value: Any) -> Any:
    if _is_model(as_type):
        return _adapter(as_type).validate_python(value)
    raise TypeError(f"a {as_type.__name__} cannot be read from JSON")


def _write(value: Any) -> Any:
    model = cast("type[Any]", type(value))
    if _is_model(model):
        # As Python's values, not as JSON: there a Decimal would be a string.
        return _adapter(model).dump_python(value, by_alias=True)
    raise TypeError(f"a {model.__name__} has no JSON form")


def _is_model(of: type[Any]) -> bool:
    return hasattr(of, "__pydantic_validator__")


@lru_cache(maxsize=256)
def _adapter(model: type[Any]) -> Any:
    # Who has a model of it has imported it.
    return sys.modules["pydantic"].TypeAdapter(model)


_any_json = msgspec.json.Decoder(msgspec.Raw)
_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_write)
