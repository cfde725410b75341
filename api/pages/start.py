"""/ui/workflows/NAME/start: a person starts an instance, by a form made from the input schema."""

from collections.abc import Mapping
from secrets import token_urlsafe
from typing import Any, Final

import msgspec
from msgspec.structs import replace
from starlette.responses import Response

from ...engine import json_text
from ...engine.json_text import Json
from ..problems import Problem
from ..reads.starts import LastInput, last_inputs, start_one
from ..reads.workflows import Startable, find_startable
from .fields import make_fields, one_field, read_answer, typed_as
from .page import Visit, see_other
from .render import render

ONCE: Final = "once"
"""The field that tells a form from others: however often it is sent, one instance starts."""


def show_start(visit: Visit) -> Response:
    """Show the form, empty or with what one of the last instances was started with."""
    wanted, last = _read(visit)
    like = visit.given("like").get("like")
    template = next((one.input for one in last if str(one.id) == like), None)
    typed = {}
    if template is not None:
        typed = typed_as(_schema(wanted), json_text.decode_exact(bytes(template).decode()))
    return _show(wanted, last, typed)


def start(visit: Visit) -> Response:
    """Start an instance; what was typed stays where it is refused."""
    wanted, last = _read(visit)
    key = f"form-{visit.form.get(ONCE) or token_urlsafe(12)}"[:255]
    try:
        given = read_answer(_schema(wanted), visit.form)
        with visit.database.connection() as conn:
            made = start_one(conn, wanted, given, key)
    except Problem as problem:
        return _show(wanted, last, visit.form, problem)
    return see_other(f"/ui/instances/{made.found}")


def _read(visit: Visit) -> tuple[Startable, list[LastInput]]:
    with visit.database.connection() as conn:
        wanted = find_startable(conn, visit.path["workflow"], None)
        return wanted, last_inputs(conn, wanted.name)


def _schema(wanted: Startable) -> Json:
    """Return the schema that the fields are made from."""
    if wanted.input_schema is not None:
        schema: dict[str, Any] | bool = msgspec.json.decode(wanted.input_schema)
        if not isinstance(schema, bool) and schema.get("properties"):
            return schema
    return one_field("Input")


def _show(
    wanted: Startable,
    last: list[LastInput],
    typed: Mapping[str, str],
    problem: Problem | None = None,
) -> Response:
    faults = problem.faults if problem else []
    own = [replace(fault, place=fault.place.removeprefix("/input")) for fault in faults]
    shown = {
        "workflow": wanted,
        "fields": make_fields(_schema(wanted), typed, own),
        "last": last,
        "problem": problem,
        "once": typed.get(ONCE) or token_urlsafe(12),
    }
    return render("start.html", shown, problem.status if problem else 200)
