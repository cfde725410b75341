"""/ui/triggers: what starts instances by itself, what came of it, and where it stands."""

from typing import Any, Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from ...engine import calls
from ..database import Connection
from ..hooks.secrets import missing_hook_secrets
from ..problems import Problem, not_found
from ..reads import schedules
from ..reads import triggers as reads
from ..schemas.schedules import RunsQuery
from ..schemas.triggers import Trigger, TriggerPage, TriggersQuery
from .page import Visit, see_other, unless_refused
from .render import render

DECISIONS: Final = {
    "pause": calls.pause_triggers,
    "resume": calls.resume_triggers,
    "trigger": calls.trigger_schedules,
}
RUNS: Final = RunsQuery(limit=20)


class Shown(msgspec.Struct, frozen=True):
    """Of which trigger more is shown."""

    name: str | None = None


def show_triggers(visit: Visit) -> Response:
    """List triggers, and what there is of one."""
    given = visit.given("workflow", "kind", "cursor")
    found, refused = unless_refused(
        lambda: reads.list_triggers(visit.database, visit.read(given, TriggersQuery)),
        TriggerPage([], None),
    )
    following = "?" + urlencode({**given, "cursor": found.next}) if found.next else None
    shown = visit.read_query(Shown).name
    details: dict[str, Any] = {"of": None}
    with visit.database.connection() as conn:
        missing = missing_hook_secrets(conn, visit.secrets)
        stalled = reads.stalled_triggers(conn)
        if shown is not None:
            workflow, _, trigger = shown.partition("/")
            details = _details(conn, reads.find_trigger(conn, workflow, trigger))
    return render(
        "triggers.html",
        {
            "page": found,
            "problem": refused,
            "given": given,
            "following": following,
            "alarms": [str(one).replace("`", "") for one in (*missing, *stalled)],
            **details,
        },
        refused.status if refused else 200,
    )


def _details(conn: Connection, of: Trigger) -> dict[str, Any]:
    """Return what the page tells of one trigger: by its kind."""
    name = of.workflow, of.trigger
    scheduled, topic = of.kind == "schedule", of.kind == "kafka"
    return {
        "of": of,
        "planned": schedules.read_next(conn, *name).items if scheduled else [],
        "runs": schedules.list_runs(conn, *name, RUNS).items if scheduled else [],
        "positions": reads.read_positions(conn, *name).items if topic else [],
        "failures": reads.read_failures(conn, *name).items,
    }


def switch_trigger(visit: Visit) -> Response:
    """Pause a trigger, resume it, or have a schedule start an instance now."""
    decision = DECISIONS.get(visit.path["decision"])
    if decision is None:
        raise not_found(f"decision {visit.path['decision']!r}")
    workflow, trigger = visit.path["workflow"], visit.path["trigger"]
    with visit.database.connection() as conn:
        (decided,) = decision(conn, [workflow], [trigger])
    if decided.outcome == "unknown":
        raise not_found(f"trigger {workflow}/{trigger}")
    if decided.outcome == "refused":
        raise Problem(409, f"{workflow}/{trigger} has started nothing: {decided.detail}")
    if visit.path["decision"] == "trigger":
        return see_other("/ui/triggers?" + urlencode({"name": f"{workflow}/{trigger}"}) + "#runs")
    return see_other("/ui/triggers")
