"""/ui/config: the configuration of the deployment, and the form by which a person sets a value."""

from typing import Final

import msgspec
from starlette.responses import Response

from ...engine import calls
from ..accounts.visitor import in_the_name_of
from ..problems import Fault, invalid, not_found
from ..reads import config as reads
from ..requests import refuse_unkept
from .page import Visit, see_other
from .render import render

HISTORY: Final = 20
"""Versions of a value that its page shows."""


class Shown(msgspec.Struct, frozen=True):
    """Of which value the history is shown."""

    name: str | None = None


def show_config(visit: Visit) -> Response:
    """List the values, and the history of one."""
    shown = visit.read_query(Shown).name
    history = None
    if shown is not None:
        with visit.database.connection() as conn:
            history = reads.read_history(conn, shown, HISTORY).items
    values = reads.list_config(visit.database).items
    return render("config.html", {"values": values, "shown": shown, "history": history})


def change_config(visit: Visit) -> Response:
    """Set a value, or take it away."""
    name, by = (
        visit.form.get("name", "").strip(),
        in_the_name_of(visit.form.get("by", "").strip() or None),
    )
    with visit.database.connection() as conn:
        if visit.path["decision"] == "set":
            calls.set_config_values(conn, {name: _value(visit)}, by)
        elif visit.path["decision"] == "unset":
            calls.unset_config_values(conn, [name], by)
        else:
            raise not_found(f"decision {visit.path['decision']!r}")
    return see_other("/ui/config")


def _value(visit: Visit) -> msgspec.Raw:
    """Return the value that was typed: JSON where the form says so, else a text."""
    text = visit.form.get("value", "")
    body = text.encode() if visit.form.get("typed") else msgspec.json.encode(text)
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError) as error:
        raise invalid([Fault("/value", f"is not JSON: {error}")]) from error
    refuse_unkept(body, "/value")
    return msgspec.Raw(body)
