"""Starting one instance, as a person does it."""

from datetime import datetime
from typing import Final, LiteralString
from uuid import UUID

import msgspec

from ...engine import calls
from ...engine.calls import Started, reads
from ...engine.calls.reads import InstanceFilter
from ...engine.definition import check_input
from ...engine.json_text import Json
from ..database import Connection, rows
from ..problems import Fault, Problem, invalid
from .workflows import Startable

SECONDS: Final = 1.0
"""That the check of an input may take."""
LAST: Final = 5


class LastInput(msgspec.Struct, frozen=True):
    """What an instance was started with; None where that is too large to be typed, or erased."""

    id: UUID
    started_at: datetime
    input: msgspec.Raw | None


INPUT: Final[LiteralString] = (
    "id, started_at, case when erased_at is null"
    " and pg_catalog.pg_column_size(input) <= 100000 then input end as input"
)


def last_inputs(conn: Connection, workflow: str) -> list[LastInput]:
    """Return what the last instances of a workflow were started with."""
    return rows(
        conn, LastInput, *reads.list_instances(INPUT, InstanceFilter(workflow=workflow), LAST)
    )


def start_one(conn: Connection, wanted: Startable, given: Json, key: str) -> Started:
    """Start an instance of a version. Raises Problem 409, and 422 with places below /input."""
    faults = check_input(wanted.input_schema, given, SECONDS) if wanted.input_schema else []
    if faults:
        raise invalid([Fault(f"/input{of.place}", of.message) for of in faults], "The input")
    (made,) = calls.start_instances(conn, wanted.name, [given], [key], wanted.version)
    error = made.error or {}
    if made.outcome == "disabled":
        raise Problem(409, f"Refused: {error['message']}.")
    if made.outcome == "conflict":
        raise Problem(409, f"This form was sent before with another input: see {made.found}.")
    if made.error:
        told = error.get("faults") or [{"place": "", **error}]
        place = "/labels" if error.get("code") == "labels" else "/input"
        raise invalid([Fault(f"{place}{of['place']}", of["message"]) for of in told], "The input")
    return made
