"""/ui/audit: who changed what; and its export."""

from typing import Final, Literal
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from ...engine.csv_text import csv_of
from ..reads.audit import as_rows, export_audit, list_audit
from ..schemas.audit import AuditEntry, AuditFilter, AuditPage, AuditQuery
from .page import Visit, unless_refused
from .render import render

FILTERS: Final = ("actor", "target", "verb", "kind", "after", "until")
MOST: Final = 10_000
"""Entries of one export; what is older is had by ``until``."""
NONE: Final = AuditPage([], None)


class Format(msgspec.Struct, frozen=True):
    """As what entries are exported."""

    format: Literal["csv", "ndjson"] = "csv"


def show_audit(visit: Visit) -> Response:
    """List changes."""
    found, problem = unless_refused(
        lambda: list_audit(visit.database, visit.read_query(AuditQuery)), NONE
    )
    kept = visit.given(*FILTERS)
    following = "?" + urlencode({**kept, "cursor": found.next}) if found.next else None
    shown = {
        "page": found,
        "given": kept,
        "problem": problem,
        "following": following,
        "export": urlencode(kept),
        "most": MOST,
    }
    return render("audit.html", shown, problem.status if problem else 200)


def send_audit(visit: Visit) -> Response:
    """Send changes as a file."""
    kind = visit.read_query(Format).format
    entries = export_audit(visit.database, visit.read_query(AuditFilter), MOST)
    headers = {"Content-Disposition": f"attachment; filename=onceflow-audit.{kind}"}
    if kind == "csv":
        text = csv_of(AuditEntry.__struct_fields__, as_rows(entries))
        return Response(text, headers=headers, media_type="text/csv")
    body = b"".join(msgspec.json.encode(entry) + b"\n" for entry in entries)
    return Response(body, headers=headers, media_type="application/x-ndjson")
