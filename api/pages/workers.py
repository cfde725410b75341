"""/ui/workers: workers, queues, the outbox and quarantine."""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from ...engine import calls
from ..problems import Fault, invalid, not_found
from ..reads import system as reads
from ..schemas.system import WorkersQuery
from ..schemas.workflows import PageQuery
from .page import Visit, see_other
from .render import render

DECISIONS: Final = {"pause": calls.pause_queues, "resume": calls.resume_queues}


def show_workers(visit: Visit) -> Response:
    """Show who works and what waits."""
    found = reads.list_workers(visit.database, visit.read_query(WorkersQuery))
    following = "?" + urlencode({"cursor": found.next}) if found.next else None
    return render(
        "workers.html",
        {
            "page": found,
            "following": following,
            "queues": reads.list_queues(visit.database).items,
            "outbox": reads.read_outbox(visit.database).items,
            "heartbeat": reads.clock_heartbeat(visit.database),
            "quarantine": reads.list_quarantined(visit.database, PageQuery(limit=50)),
        },
    )


def switch_queue(visit: Visit) -> Response:
    """Pause a queue, or resume it."""
    decision = DECISIONS.get(visit.path["decision"])
    if decision is None:
        raise not_found(f"decision {visit.path['decision']!r}")
    with visit.database.connection() as conn:
        (decided,) = decision(conn, [visit.path["queue"]])
    if decided.outcome == "unknown":
        raise not_found(f"queue {visit.path['queue']}")
    return see_other("/ui/workers#queues")


def release(visit: Visit) -> Response:
    """Put a row of the outbox that is in quarantine back into it."""
    cell, row_id = _read_number(visit, "cell", 4), _read_number(visit, "id", 18)
    with visit.database.connection() as conn:
        calls.release_quarantine(conn, cell, [row_id])
    return see_other("/ui/workers#quarantine")


def _read_number(visit: Visit, name: str, digits: int) -> int:
    text = visit.form.get(name, "")
    if not (text.isascii() and text.isdecimal() and len(text) <= digits):
        raise invalid([Fault(f"/{name}", "is no number")])
    return int(text)
