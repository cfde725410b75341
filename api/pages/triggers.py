"""/ui/triggers: what starts instances by itself, and what it could make nothing of."""

from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from ...engine import calls
from ..hooks.secrets import missing_hook_secrets
from ..problems import not_found
from ..reads import triggers as reads
from ..schemas.triggers import TriggerPage, TriggersQuery
from .page import Visit, see_other, unless_refused
from .render import render

DECISIONS: Final = {"pause": calls.pause_triggers, "resume": calls.resume_triggers}


class Shown(msgspec.Struct, frozen=True):
    """Of which trigger the failures are shown."""

    name: str | None = None


def show_triggers(visit: Visit) -> Response:
    """List triggers, and the failures of one."""
    given = visit.given("workflow", "kind", "cursor")
    found, refused = unless_refused(
        lambda: reads.list_triggers(visit.database, visit.read(given, TriggersQuery)),
        TriggerPage([], None),
    )
    following = "?" + urlencode({**given, "cursor": found.next}) if found.next else None
    shown = visit.read_query(Shown).name
    failures = None
    with visit.database.connection() as conn:
        missing = missing_hook_secrets(conn, visit.secrets)
        if shown is not None:
            workflow, _, trigger = shown.partition("/")
            failures = reads.read_failures(conn, workflow, trigger).items
    return render(
        "triggers.html",
        {
            "page": found,
            "problem": refused,
            "given": given,
            "following": following,
            "missing": missing,
            "shown": shown,
            "failures": failures,
        },
        refused.status if refused else 200,
    )


def switch_trigger(visit: Visit) -> Response:
    """Pause a trigger, or resume it."""
    decision = DECISIONS.get(visit.path["decision"])
    if decision is None:
        raise not_found(f"decision {visit.path['decision']!r}")
    workflow, trigger = visit.path["workflow"], visit.path["trigger"]
    with visit.database.connection() as conn:
        (decided,) = decision(conn, [workflow], [trigger])
    if decided.outcome == "unknown":
        raise not_found(f"trigger {workflow}/{trigger}")
    return see_other("/ui/triggers")
