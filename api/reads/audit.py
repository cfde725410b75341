"""Who changed what."""

from collections.abc import Iterator
from typing import Final

import msgspec

from ...engine.calls import audit, reads
from ...engine.calls.base import Connection
from ..database import Database, rows
from ..schemas.audit import AuditEntry, AuditFilter, AuditPage, AuditQuery
from .paging import cut, read_cursor, write_cursor

PORTION: Final = 1000
"""Entries of an export that are read at once."""


class FoundEntry(msgspec.Struct, frozen=True):
    """The id of an entry."""

    id: int


def list_audit(database: Database, query: AuditQuery) -> AuditPage:
    """Return the changes that match, the latest first. Raises Problem 422."""
    before = read_cursor(query.cursor, tuple[int])
    with database.connection() as conn:
        return _page(conn, query, query.limit, before[0] if before else None)


def export_audit(database: Database, query: AuditFilter, most: int) -> Iterator[AuditEntry]:
    """Return up to so many changes that match, the latest first, read in portions."""
    before: int | None = None
    while most > 0:
        with database.connection() as conn:
            page = _page(conn, query, min(PORTION, most), before)
        yield from page.items
        most -= len(page.items)
        if page.next is None:
            return
        (before,) = read_cursor(page.next, tuple[int]) or (None,)


def _page(conn: Connection, query: AuditFilter, limit: int, before: int | None) -> AuditPage:
    given = {name: getattr(query, name) for name in AuditFilter.__struct_fields__}
    wanted = audit.AuditFilter(**given, before=before)
    found = rows(conn, AuditEntry, *audit.list_audit(audit.ENTRY, wanted, limit + 1))
    items, following = cut(found, limit, lambda row: (row.id,))
    if following is None and not wanted.is_served:
        last = rows(conn, FoundEntry, *audit.last_looked_at(wanted))
        if last:
            return AuditPage(items, write_cursor((last[0].id,)), reads.LOOKED_AT)
    return AuditPage(items, following)


def as_rows(entries: Iterator[AuditEntry]) -> Iterator[dict[str, object]]:
    """Return entries as plain values, for CSV."""
    for entry in entries:
        yield msgspec.json.decode(msgspec.json.encode(entry))
