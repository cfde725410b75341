"""/workflows: registering definitions and reading them."""

from collections.abc import Callable, Sequence
from typing import Final

from ...engine import calls
from ...engine.accounts.roles import Role
from ...engine.definition import compile_definition, parse
from ..database import Connection
from ..operation import JSON, Answer, Call, Document, Nothing, Operation
from ..reads import workflows as reads
from ..reads.config import read_needs
from ..requests import decode_text, refuse_malformed
from ..schemas.config import NeedList
from ..schemas.workflows import (
    PageQuery,
    Registered,
    Version,
    VersionPage,
    Workflow,
    WorkflowPage,
    WorkflowSummary,
)

YAML: Final = ("application/yaml", "text/yaml", "application/x-yaml")


def register_workflow(call: Call[Nothing, Document]) -> Answer:
    """Compile and store a definition."""
    text = decode_text(call.body.text)
    if call.body.media_type == JSON:
        refuse_malformed(call.body.text)  # what else is wrong the compiler tells
        document = parse(text, "json")
    else:
        document = parse(text, "yaml")
    compiled = compile_definition(document)
    with call.context.database.connection() as conn:
        stored = calls.register_workflow(conn, compiled)
    registered = Registered(stored.workflow_id, stored.name, stored.version, stored.created)
    location = f"/workflows/{stored.name}/versions/{stored.version}"
    return Answer(201 if stored.created else 200, registered, {"Location": location})


def list_workflows(call: Call[PageQuery, Nothing]) -> WorkflowPage:
    """List workflows."""
    return reads.list_workflows(call.context.database, call.query)


def read_workflow(call: Call[Nothing, Nothing]) -> Workflow:
    """Read a workflow."""
    return reads.read_workflow(call.context.database, call.path["id"])


def _switching(
    switch: Callable[[Connection, Sequence[str]], list[calls.NamedDecision]],
) -> Callable[[Call[Nothing, Nothing]], WorkflowSummary]:
    """Return the handler that lets a workflow start new instances, or lets it not."""

    def handler(call: Call[Nothing, Nothing]) -> WorkflowSummary:
        with call.context.database.connection() as conn:
            name = reads.find_workflow(conn, call.path["id"]).name
            switch(conn, [name])
            return reads.find_workflow(conn, name)

    return handler


def list_versions(call: Call[PageQuery, Nothing]) -> VersionPage:
    """List the versions of a workflow."""
    return reads.list_versions(call.context.database, call.path["id"], call.query)


def read_version(call: Call[Nothing, Nothing]) -> Version:
    """Read one version of a workflow."""
    return reads.read_version(call.context.database, call.path["id"], call.path["n"])


def read_version_needs(call: Call[Nothing, Nothing]) -> NeedList:
    """Read what a version needs of the deployment."""
    version = reads.read_version(call.context.database, call.path["id"], call.path["n"])
    with call.context.database.connection() as conn:
        return NeedList(read_needs(conn, version.name, version.version))


OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/workflows",
        name="registerWorkflow",
        role=Role.DEPLOYER,
        tag="workflows",
        summary="Register a definition",
        description="Makes a new version of the workflow that the definition names (201), unless "
        "its latest version has the same content already (200). Every fault is listed.",
        handler=register_workflow,
        heavy=True,
        body=Document,
        media_types=(JSON, *YAML),
        answers={201: Registered, 200: Registered},
    ),
    Operation(
        method="GET",
        path="/workflows",
        name="listWorkflows",
        role=Role.VIEWER,
        tag="workflows",
        summary="List workflows",
        handler=list_workflows,
        query=PageQuery,
        answers={200: WorkflowPage},
    ),
    Operation(
        method="GET",
        path="/workflows/{id}",
        name="readWorkflow",
        role=Role.VIEWER,
        tag="workflows",
        summary="Read a workflow and its latest definition",
        handler=read_workflow,
        answers={200: Workflow},
    ),
    Operation(
        method="POST",
        path="/workflows/{id}/disable",
        name="disableWorkflow",
        role=Role.OPERATOR,
        tag="workflows",
        summary="Let no new instances of a workflow start",
        description="In any version: a start is refused (409). Those that have started go on.",
        handler=_switching(calls.disable_workflows),
        answers={200: WorkflowSummary},
    ),
    Operation(
        method="POST",
        path="/workflows/{id}/enable",
        name="enableWorkflow",
        role=Role.OPERATOR,
        tag="workflows",
        summary="Let instances of a workflow start again",
        handler=_switching(calls.enable_workflows),
        answers={200: WorkflowSummary},
    ),
    Operation(
        method="GET",
        path="/workflows/{id}/versions",
        name="listVersions",
        role=Role.VIEWER,
        tag="workflows",
        summary="List the versions of a workflow, and how many instances of each are open",
        handler=list_versions,
        query=PageQuery,
        answers={200: VersionPage},
    ),
    Operation(
        method="GET",
        path="/workflows/{id}/versions/{n}",
        name="readVersion",
        role=Role.VIEWER,
        tag="workflows",
        summary="Read a version and its definition",
        handler=read_version,
        answers={200: Version},
    ),
    Operation(
        method="GET",
        path="/workflows/{id}/versions/{n}/needs",
        name="readVersionNeeds",
        role=Role.VIEWER,
        tag="workflows",
        summary="Read what a version needs of the deployment, and what of it is missing",
        description="Values of its configuration, and secrets of the workers that run its steps.",
        handler=read_version_needs,
        answers={200: NeedList},
    ),
]
