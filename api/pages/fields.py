"""The fields of a form that is made from a JSON Schema, and the value that is read out of them.

What a browser has no field for (arrays, alternatives, references) is typed as JSON. What was typed
is read as its schema has it, as far as it can be; that it fits is checked by others.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Literal, cast

import msgspec

from ...engine import json_text
from ...engine.json_text import Json
from ..problems import Fault

PREFIX: Final = "answer"
DEEPEST: Final = 4
"""Objects in objects that get fields of their own."""
LONG: Final = 200
"""Letters of a text that is typed on one line."""

Schema = Mapping[str, Any]
Kind = Literal["group", "text", "long", "number", "date", "email", "choice", "json"]


class Field(msgspec.Struct, frozen=True, kw_only=True):
    """A field, or a group of them; ``name`` is ``answer`` and the JSON pointer of its value."""

    name: str
    label: str
    kind: Kind
    required: bool = False
    help: str = ""
    value: str = ""
    choices: list[tuple[str, str]] = []
    """Of a choice: the JSON of each value, and how it is shown."""
    fields: list["Field"] = []
    attributes: dict[str, str] = {}
    """What a browser checks besides."""
    faults: list[str] = []
    """What is wrong with what was typed."""


def make_fields(
    schema: Json, typed: Mapping[str, str], faults: Sequence[Fault] = ()
) -> list[Field]:
    """Return the fields of a form, with what was typed into them, or else with their defaults.

    The places of ``faults`` are pointers into the value.
    """
    top = _blamed(_top(schema, typed), faults)
    return top.fields if top.kind == "group" else [top]


def typed_as(schema: Json, value: Json) -> dict[str, str]:
    """Return what is to be typed into the fields of a form to give a value, as far as they can."""
    return dict(_typed(_top(schema, {}), value))


def one_field(label: str) -> Json:
    """Return the schema of a value of any kind, which is typed as JSON into one field."""
    return {"title": label, "allOf": []}


def read_answer(schema: Json, typed: Mapping[str, str]) -> Json:
    """Return the answer that was typed; what was left empty is not in it."""
    top = _top(schema, typed)
    found = _read(top.fields, cast(Schema, schema)) if top.kind == "group" else _value(top)
    return {} if found is _NOTHING else found


def _blamed(field: Field, faults: Sequence[Fault]) -> Field:
    """Return a field with what is wrong with it, or within what is typed into it as JSON."""
    place = field.name.removeprefix(PREFIX)
    if field.kind == "group":
        inner = [_blamed(each, faults) for each in field.fields]
        own = [fault.message for fault in faults if fault.place == place]
        return msgspec.structs.replace(field, fields=inner, faults=own)
    own = [
        f"{fault.place.removeprefix(place).removeprefix('/')} {fault.message}".strip()
        for fault in faults
        if fault.place == place or fault.place.startswith(f"{place}/")
    ]
    return msgspec.structs.replace(field, faults=own) if own else field


def _typed(field: Field, value: Json) -> Iterator[tuple[str, str]]:
    if field.kind != "group":
        yield field.name, _shown(value, field.kind)
    elif isinstance(value, dict):
        for inner in field.fields:
            name = inner.name.rpartition("/")[2].replace("~1", "/").replace("~0", "~")
            if name in value:
                yield from _typed(inner, value[name])
            else:
                yield from ((leaf.name, "") for leaf in _leaves(inner))


def _leaves(field: Field) -> Iterator[Field]:
    if field.kind != "group":
        yield field
    for inner in field.fields:
        yield from _leaves(inner)


class _Nothing:
    """What was left empty."""


_NOTHING: Final = _Nothing()


def _top(schema: Json, typed: Mapping[str, str]) -> Field:
    return _field("answer", PREFIX, cast(Schema, schema), typed, required=True, depth=0)


def _field(
    name: str, path: str, schema: Schema, typed: Mapping[str, str], *, required: bool, depth: int
) -> Field:
    kind, choices = _kind(schema, depth)
    default = "" if "default" not in schema else _shown(schema["default"], kind)
    return Field(
        name=path,
        label=str(schema.get("title") or name.replace("_", " ").replace("-", " ").capitalize()),
        kind=kind,
        required=required,
        help=str(schema.get("description", "")),
        value=typed.get(path, default),
        choices=choices,
        fields=[*_members(path, schema, typed, depth)] if kind == "group" else [],
        attributes=_attributes(schema, kind),
    )


def _members(path: str, schema: Schema, typed: Mapping[str, str], depth: int) -> Iterator[Field]:
    needed = schema.get("required", [])
    members: Mapping[str, Any] = schema.get("properties", {})
    for name, of in members.items():
        inner: Schema = cast(Schema, of) if isinstance(of, dict) else {}
        place = f"{path}/{name.replace('~', '~0').replace('/', '~1')}"
        yield _field(name, place, inner, typed, required=name in needed, depth=depth + 1)


def _kind(schema: Schema, depth: int) -> tuple[Kind, list[tuple[str, str]]]:
    """Return what a value is typed into, and the choices there are."""
    if isinstance(schema.get("enum"), list) and schema["enum"]:
        return "choice", [(json_text.encode(v), _word(v)) for v in cast(list[Json], schema["enum"])]
    if schema.keys() & {"$ref", "anyOf", "oneOf", "allOf", "const"}:
        return "json", []
    match schema.get("type"):
        case "object" if schema.get("properties") and depth < DEEPEST:
            return "group", []
        case "boolean":
            return "choice", [("true", "yes"), ("false", "no")]
        case "number" | "integer":
            return "number", []
        case "string":
            formats: dict[str, Kind] = {"date": "date", "email": "email"}
            known = formats.get(str(schema.get("format")))
            most = schema.get("maxLength")
            long = isinstance(most, int) and most > LONG
            return known or ("long" if long else "text"), []
        case _ if depth == 0:
            return "group", []
        case _:
            return "json", []


def _word(value: Json) -> str:
    return value if isinstance(value, str) else json_text.encode(value)


def _shown(value: Json, kind: Kind) -> str:
    typed_as_it_is = isinstance(value, str) and kind not in ("choice", "json")
    return value if typed_as_it_is else json_text.encode(value)


def _attributes(schema: Schema, kind: Kind) -> dict[str, str]:
    if kind == "number":
        step = {"step": "1" if schema.get("type") == "integer" else "any"}
        bounds = {"min": schema.get("minimum"), "max": schema.get("maximum")}
        return step | {name: str(of) for name, of in bounds.items() if of is not None}
    if kind in ("text", "long"):
        sizes = {"minlength": schema.get("minLength"), "maxlength": schema.get("maxLength")}
        hint = {"placeholder": _HINTS[schema["format"]]} if schema.get("format") in _HINTS else {}
        return {name: str(of) for name, of in sizes.items() if of is not None} | hint
    return {}


_HINTS: Final = {"date-time": "2026-11-26T08:00:00+01:00", "time": "08:00:00+01:00"}


def _read(fields: list[Field], schema: Schema) -> Json:
    """Return the object of a group's fields; nothing where all were left empty."""
    found: dict[str, Json] = {}
    members = [*cast("Mapping[str, Json]", schema.get("properties", {})).items()]
    for field, (name, of) in zip(fields, members, strict=True):
        inner: Schema = cast(Schema, of) if isinstance(of, dict) else {}
        value = _read(field.fields, inner) if field.kind == "group" else _value(field)
        if value is not _NOTHING:
            found[name] = value
        elif field.kind == "group" and field.required:
            found[name] = {}
    return found or _NOTHING


def _value(field: Field) -> Json:
    text = field.value.strip()
    if not text:
        return _NOTHING
    match field.kind:
        case "number" | "json" | "choice":
            try:
                return json_text.decode_exact(text)
            except msgspec.DecodeError:
                return field.value  # the check says what it must be
        case "long" | "text":
            return field.value.replace("\r\n", "\n")
        case _:
            return text
