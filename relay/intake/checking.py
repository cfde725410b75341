"""Checks what records would start by all of their workflow's schema, where Postgres checks a part.

Schema and record are strangers' both: the check of one record takes a second at most, and that of
a set not so long that the group believes its reader dead.
"""

import time
from collections.abc import Sequence
from typing import Final

import msgspec

from ...engine.calls import Source, TopicRecord, preview_records
from ...engine.calls.base import Connection
from ...engine.definition import check_input
from ...engine.json_text import decode_exact

SECONDS: Final = 1.0
"""That the check of one record may take: one that takes longer does not fit."""

BUDGET: Final = 3.0
"""Seconds after which the records that are left are for another call."""

MOST_TOLD: Final = 10
"""Faults of one record that its reason names."""


class TooSlow(Exception):
    """Only so many records could be checked in time."""

    def __init__(self, count: int) -> None:
        self.count = count


def check_records(
    conn: Connection, source: Source, ids: Sequence[str], records: Sequence[TopicRecord]
) -> tuple[list[TopicRecord], int | None]:
    """Return records, those that do not fit with the reason, and the version they are checked by.

    Raises TooSlow, and what psycopg raises.
    """
    preview = preview_records(conn, source, ids, records)
    if preview is None or preview.schema is None:
        return [*records], None if preview is None else preview.version_id
    schema = decode_exact(preview.schema)
    until = time.monotonic() + BUDGET
    checked: list[TopicRecord] = []
    for record, given in zip(records, preview.inputs, strict=True):
        if checked and time.monotonic() > until:
            raise TooSlow(len(checked))
        faults = [] if given is None else check_input(schema, msgspec.Raw(given.encode()), SECONDS)
        told = "; ".join(str(fault) for fault in faults[:MOST_TOLD])
        reason = f"the input does not fit the schema of the workflow: {told}" if faults else ""
        checked.append(record._replace(reason=reason[:10_000]) if faults else record)
    return checked, preview.version_id
