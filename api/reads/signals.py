"""What is declared of the signals that an instance takes."""

from typing import Final
from uuid import UUID

import msgspec

from ...engine.calls import waiting
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
    found = rows(conn, _Declared, *waiting.find_schema(instance, name))
    faults = check_input(found[0].schema, payload, SECONDS) if found else []
    return [Fault(f"/payload{fault.place}", fault.message) for fault in faults]
