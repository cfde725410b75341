"""What is declared of the signals that an instance takes."""

from typing import Final
from uuid import UUID

import msgspec

from ...engine.calls import StartSignal, waiting
from ...engine.calls.reads import Query
from ...engine.definition import check_input
from ...engine.json_text import Json
from ..database import Connection, rows
from ..problems import Fault

SECONDS: Final = 1.0
"""That the check of a payload may take."""


class _Declared(msgspec.Struct, frozen=True):
    schema: msgspec.Raw


def payload_faults(conn: Connection, instance: UUID, name: str, payload: Json) -> list[Fault]:
    """Return what of a payload does not fit all of its signal's schema, if that has one."""
    return _faults(conn, waiting.find_schema(instance, name), payload)


def payload_faults_at_start(
    conn: Connection,
    workflow: str,
    version: int,
    key: str | None,
    instance: UUID,
    signal: StartSignal,
) -> list[Fault]:
    """Return the same of a signal that comes with a start."""
    asked = waiting.find_schema_at_start(workflow, version, key, instance, signal.name)
    return _faults(conn, asked, signal.payload)


def _faults(conn: Connection, asked: Query, payload: Json) -> list[Fault]:
    found = rows(conn, _Declared, *asked)
    faults = check_input(found[0].schema, payload, SECONDS) if found else []
    return [Fault(f"/payload{fault.place}", fault.message) for fault in faults]
