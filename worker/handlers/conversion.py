"""Between JSON and a handler: its parameters out of the step's input, its output back to JSON.

Numbers are exact both ways. A parameter hinted ``Decimal`` is read from the digits as they stand in
the JSON text; an unhinted fraction (``Any``, ``dict``) becomes a Decimal too, and only a parameter
hinted ``float`` is a float. A Decimal that is returned becomes a JSON number with the same digits.
"""

import hashlib
import inspect
import keyword
from collections.abc import Callable, Mapping
from decimal import Decimal
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from ...engine.payloads import LIMIT, payload_fault
from ...engine.redact import SecretMask
from .callables import parameters_of, place
from .context import Context
from .faults import Fault, fault
from .later import Later
from .texts import text_of, type_name

OUTPUT_LIMIT = LIMIT
"""Bytes of an output as JSON. A larger result belongs into a store, its address into the output."""

_encoder = msgspec.json.Encoder(decimal_format="number")


class InputInvalid(Exception):
    """The step's input does not fit the handler's parameters; the message names the place.

    ``unknown_field``: it has a field that none of them takes. Another release may take it.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.unknown_field = message.startswith("Object contains unknown field ")  # msgspec's words


class Parameters:
    """How the parameters of one handler are filled; made once, when it is registered.

    - Each parameter is a field of the step's input, which is a JSON object then. One without a
      default is required, a field that no parameter takes is refused. A trailing underscore after a
      Python keyword does not count: ``from_`` takes the field ``from``.
    - A handler with one positional-only parameter (``def f(order: Order, /)``) gets the whole
      input, whatever its JSON type.
    - A parameter annotated ``Context`` gets the context and is no field.

    Raises TypeError for a handler whose parameters cannot be filled so.
    """

    def __init__(self, function: Callable[..., Any], local_names: Mapping[str, Any]) -> None:
        self._place = place(function)
        try:
            parameters = parameters_of(function, local_names)
        except NameError as error:
            raise self._refused(f"a type hint that is not defined before it: {error}") from error
        self.context: str | None = None
        self._whole: msgspec.json.Decoder[Any] | None = None
        fields: dict[str, tuple[Any, bool]] = {}
        for parameter in parameters:
            hint = Any if parameter.annotation is parameter.empty else parameter.annotation
            if _is_context(hint):
                self._take_context(parameter)
            elif parameter.kind is parameter.POSITIONAL_ONLY:
                if self._whole is not None:
                    raise self._refused("more than one positional-only parameter")
                self._whole = self._decoder(hint)
            else:
                self._check_field(parameter)
                fields[parameter.name] = (hint, parameter.default is parameter.empty)
        if fields and self._whole is not None:
            raise self._refused("a positional-only parameter (the whole input) and fields of it")
        self._names = {name: _json_name(name) for name in fields}
        self._fields = self._struct_decoder(self._place.rpartition(".")[2], fields)
        self.signature = _signature((self._whole or self._fields).type, fields)

    def fill(self, input_json: str) -> tuple[tuple[Any, ...], dict[str, Any]]:
        """Return the arguments (by position, by name) out of the input, the context left out.

        Raises InputInvalid.
        """
        try:
            if self._whole is not None:
                return (self._whole.decode(input_json),), {}
            # A step without `with` has no input: for fields that is an empty object.
            struct = self._fields.decode("{}" if input_json in ("", "null") else input_json)
        except BaseException as error:  # a type of the author's own may raise anything
            raise InputInvalid(text_of(error)) from error
        values = {name: getattr(struct, name) for name in self._names}
        return (), {name: v for name, v in values.items() if v is not msgspec.UNSET}

    def _take_context(self, parameter: inspect.Parameter) -> None:
        if self.context is not None or parameter.kind is parameter.POSITIONAL_ONLY:
            raise self._refused("a Context that is positional-only or stands twice")
        self.context = parameter.name

    def _check_field(self, parameter: inspect.Parameter) -> None:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            raise self._refused(
                f"*{parameter.name}; take the whole input with `def f(input: dict[str, Any], /)`, "
                "and give a wrapper @functools.wraps, by which it names what it wraps"
            )
        if parameter.annotation is parameter.empty and parameter.name in ("ctx", "context"):
            raise self._refused(f"{parameter.name} without a type hint; write `: Context`")

    def _struct_decoder(
        self, name: str, fields: Mapping[str, tuple[Any, bool]]
    ) -> msgspec.json.Decoder[Any]:
        """Return a decoder of an object with these fields; an absent optional one is UNSET.

        UNSET rather than the default itself: Python fills that in, mutable or not, at the call.
        """
        columns: list[Any] = [
            (field, hint) if required else (field, Union[hint, msgspec.UnsetType], msgspec.UNSET)  # noqa: UP007 - at run time
            for field, (hint, required) in fields.items()
        ]
        try:
            struct = msgspec.defstruct(
                f"Input_{name}",
                columns,
                kw_only=True,
                forbid_unknown_fields=True,
                rename={field: _json_name(field) for field in fields},
            )
        except TypeError as error:
            raise self._refused(f"a parameter that JSON cannot fill: {error}") from error
        return self._decoder(struct)

    def _decoder(self, hint: Any) -> msgspec.json.Decoder[Any]:
        try:
            return msgspec.json.Decoder(hint, float_hook=Decimal)
        except TypeError as error:
            raise self._refused(f"a parameter that JSON cannot fill: {error}") from error

    def _refused(self, what: str) -> TypeError:
        return TypeError(f"the task {self._place} has {what}")


def encode_output(
    value: Any, *, unknown: bool, mask: SecretMask | None = None
) -> bytes | Fault | Later:
    """Return a handler's result as JSON text, or the permanent fault that it cannot be recorded.

    That the result is to come later is no result, and stays as it is.

    ``unknown`` tells whether the handler's effect stands although its result is refused. ``mask``
    takes the secrets out of it that the handler was given.
    """
    if type(value) is Later:
        return value
    try:
        output = _encoder.encode(value)
        if mask is not None:
            output = mask.json(output)
    except BaseException as error:  # what is returned may have methods that raise anything
        message = f"the result, a {type_name(value)}, cannot be written as JSON: {text_of(error)}"
        return fault("output.invalid", message, unknown=unknown)
    if found := payload_fault(output):
        message = f"the result cannot be kept: {found[0] or 'it'} {found[1]}"
        return fault("output.too_large", message, unknown=unknown)
    return output


def _signature(type_: Any, fields: Mapping[str, tuple[Any, bool]]) -> str:
    """Return a text that is the same in each process of one release."""
    try:
        found: Any = msgspec.json.schema(type_)
    except Exception:  # a type of the author's own has no schema: its name must do
        found = sorted((name, required) for name, (_, required) in fields.items())
    return hashlib.sha256(msgspec.json.encode(found, order="sorted")).hexdigest()[:16]


def _is_context(hint: Any) -> bool:
    if get_origin(hint) in (Union, UnionType):
        return any(_is_context(member) for member in get_args(hint))
    return (get_origin(hint) or hint) is Context


def _json_name(parameter: str) -> str:
    stripped = parameter.removesuffix("_")
    return stripped if keyword.iskeyword(stripped) else parameter
