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
from ..engine.errors import BadArgument


class Mismatch(BadArgument):
    """A value does not fit the type that was asked for; the message names the place."""


def to_json(value: Any) -> bytes:
    """Return ``value`` as JSON text. Raises BadArgument for what has no JSON form."""
    try:
        return _encoder.encode(value)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadArgument(f"a {type(value).__name__} has no JSON form here: {error}") from error


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


_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=_write)
