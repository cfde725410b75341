"""/ui/workflows: workflows and their definitions."""

from typing import Final
from urllib.parse import urlencode

from starlette.responses import Response

from ...engine import calls
from ..problems import not_found
from ..reads import workflows as reads
from ..reads.config import read_needs
from ..reads.triggers import list_triggers
from ..schemas.triggers import TriggersQuery
from ..schemas.workflows import PageQuery
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


def show_workflow(visit: Visit) -> Response:
    """Show a workflow: a version of its definition, and all versions."""
    reference = visit.path["workflow"]
    latest = reads.read_workflow(visit.database, reference)
    number = visit.path.get("version", str(latest.version))
    shown = reads.read_version(visit.database, reference, number)
    versions = reads.list_versions(visit.database, reference, visit.read_query(PageQuery))
    following = "?" + urlencode({"cursor": versions.next}) if versions.next else None
    with visit.database.connection() as conn:
        needs = read_needs(conn, shown.name, shown.version)
    triggers = list_triggers(visit.database, TriggersQuery(workflow=latest.name)).items
    return render(
        "workflow.html",
        {
            "latest": latest,
            "shown": shown,
            "needs": needs,
            "triggers": triggers,
            "versions": versions,
            "following": following,
        },
    )
