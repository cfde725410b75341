"""Signals: what is declared of those that an instance takes, and sending one."""

from typing import Final
from uuid import UUID

import msgspec

from ...engine import calls
from ...engine.calls import SentSignal, Signal, StartSignal, waiting
from ...engine.calls.reads import Query
from ...engine.definition import check_input
from ...engine.json_text import Json
from ..database import Connection, rows
from ..problems import Fault, Problem, invalid, not_found

SECONDS: Final = 1.0
"""That the check of a payload may take."""


class _Declared(msgspec.Struct, frozen=True):
    schema: msgspec.Raw


def send_signal(conn: Connection, signal: Signal) -> SentSignal:
    """Send a signal. Raises Problem 404, 409, and 422 with the places of what does not fit."""
    asked = waiting.find_schema(signal.instance_id, signal.name)
    if faults := _faults(conn, asked, signal.payload):
        raise invalid(faults)
    (sent,) = calls.send_signals(conn, [signal])
    if sent.outcome == "unknown":
        raise not_found(f"instance {signal.instance_id}")
    if sent.outcome == "invalid":
        told = [Fault(of["place"], of["message"]) for of in sent.faults or []]
        raise invalid(told or [Fault("", sent.detail)])
    if sent.outcome not in ("accepted", "repeated"):
        raise Problem(409, f"Refused: {sent.detail}.")
    return sent


def payload_faults_at_start(
    conn: Connection,
    workflow: str,
    version: int,
    key: str | None,
    instance: UUID,
    signal: StartSignal,
) -> list[Fault]:
    """Return what of a signal that comes with a start does not fit all of its schema."""
    asked = waiting.find_schema_at_start(workflow, version, key, instance, signal.name)
    return _faults(conn, asked, signal.payload)


def _faults(conn: Connection, asked: Query, payload: Json) -> list[Fault]:
    found = rows(conn, _Declared, *asked)
    faults = check_input(found[0].schema, payload, SECONDS) if found else []
    return [Fault(f"/payload{fault.place}", fault.message) for fault in faults]
