"""/ui/workflows: workflows and their definitions."""

from urllib.parse import urlencode

from starlette.responses import Response

from ..reads import workflows as reads
from ..schemas.workflows import PageQuery
from .page import Visit
from .render import render


def show_workflows(visit: Visit) -> Response:
    """List workflows."""
    found = reads.list_workflows(visit.database, visit.read_query(PageQuery))
    following = "?" + urlencode({"cursor": found.next}) if found.next else None
    return render("workflows.html", {"page": found, "following": following})


def show_workflow(visit: Visit) -> Response:
    """Show a workflow: a version of its definition, and all versions."""
    reference = visit.path["workflow"]
    latest = reads.read_workflow(visit.database, reference)
    number = visit.path.get("version", str(latest.version))
    shown = reads.read_version(visit.database, reference, number)
    versions = reads.list_versions(visit.database, reference, visit.read_query(PageQuery))
    following = "?" + urlencode({"cursor": versions.next}) if versions.next else None
    return render(
        "workflow.html",
        {"latest": latest, "shown": shown, "versions": versions, "following": following},
    )
