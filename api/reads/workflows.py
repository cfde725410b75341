"""Workflows and their versions."""

from typing import Final, LiteralString

import msgspec

from ...engine.calls import reads
from ..database import Connection, Database, rows
from ..problems import Problem, not_found
from ..schemas.workflows import (
    ListedVersion,
    PageQuery,
    Version,
    VersionPage,
    Workflow,
    WorkflowPage,
    WorkflowSummary,
)
from .paging import cut, read_cursor

WORKFLOW: Final[LiteralString] = "id, name, version, created_at, disabled_at"
LISTED: Final[LiteralString] = "workflow_id, name, version, created_at, open_instances, oldest_open"

VERSION: Final[LiteralString] = """
select workflow_id, name, version, created_at, definition
  from onceflow.workflow_versions
 where workflow_id = %(workflow)s and version = %(version)s"""


class Named(msgspec.Struct, frozen=True):
    """The name of a workflow."""

    name: str


class _VersionId(msgspec.Struct, frozen=True):
    version_id: int


class _StepId(msgspec.Struct, frozen=True):
    step: str


class Startable(msgspec.Struct, frozen=True):
    """The version that an instance is to run, and the JSON Schema of its input where it has one.

    ``input_unchecked``: which keywords of it Postgres does not check itself.
    """

    name: str
    version: int
    input_schema: msgspec.Raw | None
    input_unchecked: list[str] | None


def find_workflow(conn: Connection, reference: str) -> WorkflowSummary:
    """Return the workflow of an id or name. Raises Problem 404."""
    found = rows(conn, WorkflowSummary, *reads.find_workflow(WORKFLOW, reference))
    if not found:
        names = [each.name for each in rows(conn, Named, *reads.list_names())]
        raise Problem(404, f"{reads.no_workflow(reference, names).replace('t', 'T', 1)}.")
    return found[0]


def find_startable(conn: Connection, reference: str, version: int | None) -> Startable:
    """Return a version of a workflow, the latest unless one is named. Raises Problem 404."""
    asked = reads.find_version("name, version, input_schema, input_unchecked", reference, version)
    found = rows(conn, Startable, *asked)
    if not found:
        workflow = find_workflow(conn, reference)
        raise not_found(f"version {version} of workflow {workflow.name}")
    return found[0]


def read_workflow(database: Database, reference: str) -> Workflow:
    """Return a workflow with its latest definition. Raises Problem 404."""
    with database.connection() as conn:
        found = find_workflow(conn, reference)
        (version,) = rows(conn, Version, VERSION, {"workflow": found.id, "version": found.version})
    summary = msgspec.structs.astuple(found)
    return Workflow(*summary, definition=version.definition)


def list_workflows(database: Database, page: PageQuery) -> WorkflowPage:
    """Return workflows by name."""
    after = read_cursor(page.cursor, tuple[str])
    found = database.rows(
        WorkflowSummary,
        f"select {WORKFLOW} from onceflow.workflows"  # noqa: S608  literals
        " where name > %(after)s order by name limit %(limit)s",
        {"after": after[0] if after else "", "limit": page.limit + 1},
    )
    items, following = cut(found, page.limit, lambda row: (row.name,))
    return WorkflowPage(items, following)


def list_versions(database: Database, reference: str, page: PageQuery) -> VersionPage:
    """Return the versions of a workflow, the latest first. Raises Problem 404."""
    before = read_cursor(page.cursor, tuple[int])
    with database.connection() as conn:
        name = find_workflow(conn, reference).name
        until = before[0] if before else 2**31
        asked = reads.list_versions(LISTED, name, page.limit + 1, before=until)
        found = rows(conn, ListedVersion, *asked)
    items, following = cut(found, page.limit, lambda row: (row.version,))
    return VersionPage(items, following)


def read_order(conn: Connection, name: str, version: int) -> list[str]:
    """Return the ids of a version's steps as they were written."""
    (found,) = rows(conn, _VersionId, *reads.find_version("version_id", name, version))
    listed = rows(conn, _StepId, *reads.list_step_order(found.version_id))
    return [each.step for each in listed]


def read_version(database: Database, reference: str, number: str) -> Version:
    """Return one version of a workflow. Raises Problem 404."""
    is_number = number.isdecimal() and number.isascii() and len(number) <= reads.MOST_DIGITS
    wanted = int(number) if is_number else 0
    with database.connection() as conn:
        workflow = find_workflow(conn, reference)
        found = rows(conn, Version, VERSION, {"workflow": workflow.id, "version": wanted})
    if not found:
        raise not_found(f"version {number} of workflow {workflow.name}")
    return found[0]
