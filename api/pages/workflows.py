"""/ui/workflows: workflows and their definitions."""

from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.responses import Response

from ...engine import calls
from ...engine.definition.differences import Change, differences
from ..problems import not_found
from ..reads import workflows as reads
from ..reads.config import read_needs
from ..reads.trends import RangeQuery, read_step_trends, read_trend
from ..reads.triggers import list_triggers
from ..schemas.triggers import TriggersQuery
from ..schemas.workflows import PageQuery, Version
from .graph import draw
from .page import Visit, see_other
from .render import render

DECISIONS: Final = {"disable": calls.disable_workflows, "enable": calls.enable_workflows}


def show_workflows(visit: Visit) -> Response:
    """List workflows."""
    found = reads.list_workflows(visit.database, visit.read_query(PageQuery))
    following = "?" + urlencode({"cursor": found.next}) if found.next else None
    return render("workflows.html", {"page": found, "following": following})


def switch(visit: Visit) -> Response:
    """Let a workflow start new instances, or let it not."""
    decision = DECISIONS.get(visit.path["decision"])
    if decision is None:
        raise not_found(f"decision {visit.path['decision']!r}")
    with visit.database.connection() as conn:
        name = reads.find_workflow(conn, visit.path["workflow"]).name
        decision(conn, [name])
    return see_other(f"/ui/workflows/{name}")


class Asked(PageQuery, frozen=True):
    """What the page of a workflow is asked: the version to compare with besides."""

    against: str = ""


def show_workflow(visit: Visit) -> Response:
    """Show a workflow: a version of its definition, what differs, how it has gone, all versions."""
    reference = visit.path["workflow"]
    over = visit.read_query(RangeQuery).over
    asked = visit.read_query(Asked)
    latest = reads.read_workflow(visit.database, reference)
    number = visit.path.get("version", str(latest.version))
    shown = reads.read_version(visit.database, reference, number)
    versions = reads.list_versions(visit.database, reference, asked)
    kept = {"over": over, "against": asked.against} if asked.against else {"over": over}
    following = "?" + urlencode({**kept, "cursor": versions.next}) if versions.next else None
    now = datetime.now(UTC)
    with visit.database.connection() as conn:
        order = reads.read_order(conn, shown.name, shown.version)
        needs = read_needs(conn, shown.name, shown.version)
        trend = read_trend(conn, over, now, latest.name)
        steps = read_step_trends(conn, over, now, latest.name)
    triggers = list_triggers(visit.database, TriggersQuery(workflow=latest.name)).items
    return render(
        "workflow.html",
        {
            "latest": latest,
            "shown": shown,
            "graph": draw(shown.name, shown.definition, order),
            "order": order,
            "changes": _changes(visit, shown, asked.against, order),
            "against": asked.against,
            "over": over,
            "trend": trend,
            "steps_shown": [steps[each] for each in order if each in steps]
            + [steps[each] for each in steps if each not in order],
            "needs": needs,
            "triggers": triggers,
            "versions": versions,
            "following": following,
        },
    )


def _changes(visit: Visit, shown: Version, against: str, order: list[str]) -> list[Change] | None:
    """Return what has changed since another version; None where none is named."""
    if not against:
        return None
    other = reads.read_version(visit.database, shown.name, against)
    with visit.database.connection() as conn:
        before = reads.read_order(conn, other.name, other.version)
    old, new = (msgspec.json.decode(each.definition) for each in (other, shown))
    return differences(old, new, before, order)
