"""What comes in is read into types; what does not fit is a 422 with every fault listed."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, TypeVar, cast
from urllib.parse import parse_qs

import msgspec
from starlette.requests import Request

from ..engine.definition import TooMuchWork, check_input, find_faults
from ..engine.payloads import unkept
from .checks import MOMENT
from .problems import Fault, Problem, invalid
from .schemas.json_schema import schema_of

T = TypeVar("T")

FORM = "application/x-www-form-urlencoded"

BODY_LIMIT = 1 << 20
"""Bytes that a request's body may have, unless its operation says otherwise."""


async def read_body(request: Request, limit: int) -> bytes:
    """Return the body. Raises Problem 413 as soon as it is known to be larger than ``limit``."""
    too_large = Problem(
        413, f"The body is larger than {limit:,} bytes.", headers={"Connection": "close"}
    )
    announced = request.headers.get("content-length", "")
    if announced.isdigit() and int(announced) > limit:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise too_large
    return bytes(body)


async def read_form(request: Request, limit: int = BODY_LIMIT) -> dict[str, str]:
    """Return the fields of a form that a page has sent. Raises Problem 400, 413, 415."""
    require_media_type(request, (FORM,))
    text = decode_text(await read_body(request, limit))
    return {name: texts[0] for name, texts in parse_qs(text, keep_blank_values=True).items()}


def media_type(content_type: str) -> str:
    """Return the type of a Content-Type header, without its parameters."""
    return content_type.split(";")[0].strip().lower()


def require_media_type(request: Request, known: Iterable[str]) -> str:
    """Return the request's media type. Raises Problem 415 where it is none of the known."""
    given = media_type(request.headers.get("content-type", ""))
    if given not in known:
        said = f"is {given}" if given else "has no Content-Type"
        raise Problem(415, f"The body {said}: send it as {' or '.join(known)}.")
    return given


def decode_text(body: bytes) -> str:
    """Return the text of a body. Raises Problem 400 where it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise Problem(400, f"The body is not UTF-8 text (byte {error.start}).") from error


def decode_json(body: bytes, kind: type[T]) -> T:
    """Read a JSON body into its type.

    Raises Problem: 400 where it is not JSON, 422 with every fault where it is not of this type or
    holds a NUL character, which Postgres cannot store.
    """
    decode_text(body)
    try:
        value = msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        # It stops at the first fault: what comes after that may be no JSON, or beyond any use.
        refuse_malformed(body)
        refuse_unkept(body)
        raise invalid(_faults(body, kind) or [_fault(error)]) from error
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(error) from error
    refuse_unkept(body)
    return value


def refuse_malformed(body: bytes) -> None:
    """Raise Problem 400 where a text is not JSON."""
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _malformed(error) from error


def _malformed(error: Exception) -> Problem:
    if isinstance(error, RecursionError):
        return Problem(400, "The body is nested too deeply.")
    return Problem(400, f"The body is not JSON: {error}.")


def refuse_unkept(body: bytes, place: str = "") -> None:
    """Raise Problem 422 where a JSON text of any length holds what Postgres cannot keep."""
    if faults := unkept(body):
        raise invalid([Fault(place + within, message) for within, message in faults])


def pointer(path: Iterable[str | int]) -> str:
    """Return keys and indexes as a JSON pointer: ``/instances/3/input``."""
    parts = (str(part).replace("~", "~0").replace("/", "~1") for part in path)
    return "".join(f"/{part}" for part in parts)


def _faults(body: bytes, kind: type[Any]) -> list[Fault]:
    """Hold a body that msgspec refused at its first fault against the same type's JSON Schema."""
    try:
        found = find_faults(schema_of(kind), msgspec.Raw(body), MOMENT)
    except TooMuchWork:
        return []
    return [Fault(fault.place, fault.message) for fault in found]


def _fault(error: msgspec.ValidationError) -> Fault:
    """Return what msgspec says, which ends with the place."""
    return Fault("", str(error))


def read_parameters(given: Mapping[str, list[str]], kind: type[T], where: str) -> T:
    """Read query parameters or headers into a Struct, each text converted to its field's type.

    ``given`` has every value of each name. A field called ``input.*`` gets all names that begin so.
    Raises Problem 422 with every fault; ``where`` (query, header) begins their places.
    """
    faults: list[Fault] = []
    values: dict[str, Any] = {}
    fields = {field.encode_name: field for field in msgspec.structs.fields(cast(Any, kind))}
    families = {name[:-1]: field for name, field in fields.items() if name.endswith(".*")}
    for name, texts in given.items():
        family = next((f for f in families if name.startswith(f) and name not in fields), None)
        place = f"{where}.{name}".replace("\0", "\\u0000")
        if name not in fields and family is None:
            faults.append(Fault(place, f"is unknown; known are {', '.join(fields) or 'none'}"))
        elif len(texts) > 1:
            faults.append(Fault(place, "is given more than once"))
        elif "\0" in texts[0] or "\0" in name:
            faults.append(Fault(place, "has a NUL character"))
        elif family is not None:
            values.setdefault(families[family].name, {})[name.removeprefix(family)] = texts[0]
        else:
            try:
                values[fields[name].name] = _convert(texts[0], kind, name, fields[name].type)
            except ValueError as error:  # msgspec's is one too
                faults.append(Fault(place, str(error)))
    faults += [
        Fault(f"{where}.{name}", "is missing")
        for name, field in fields.items()
        if field.required and name not in given
    ]
    if faults:
        raise invalid(faults)
    return kind(**values)


def _convert(text: str, kind: type[Any], name: str, wanted: Any) -> Any:
    """Return the value of one parameter. Raises ValueError that says what it may be."""
    schema = _schema_of_field(kind, name)
    types = schema.get("type", "string")
    # Only numbers and booleans are converted: else 0.5 would be a time, the seconds since 1970.
    is_text = bool(
        {"string", "array", "object"} & {*([types] if isinstance(types, str) else types)}
    )
    if is_text:
        found = check_input(schema, text)
        if found:
            raise ValueError(found[0].message)
    value = msgspec.convert(text, wanted, strict=is_text)
    if value is None:  # msgspec reads the text "null" so
        raise ValueError("has no null; leave it out")
    return value


@cache
def _schema_of_field(kind: type[Any], name: str) -> dict[str, Any]:
    return schema_of(kind)["$defs"][kind.__name__]["properties"][name]
