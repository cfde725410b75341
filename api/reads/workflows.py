"""Workflows and their versions."""

from typing import Final, LiteralString

import msgspec

from ..database import Connection, Database, rows
from ..problems import not_found
from ..schemas.workflows import (
    PageQuery,
    Version,
    VersionPage,
    VersionSummary,
    Workflow,
    WorkflowPage,
    WorkflowSummary,
)
from .paging import cut, read_cursor

MOST_DIGITS: Final = 18
"""Every number of so many digits fits into a bigint."""

VERSION: Final[LiteralString] = """
select workflow_id, name, version, created_at, definition
  from onceflow.workflow_versions
 where workflow_id = %(workflow)s and version = %(version)s"""


class Startable(msgspec.Struct, frozen=True):
    """The version that an instance is to run, and the JSON Schema of its input where it has one."""

    name: str
    version: int
    input_schema: msgspec.Raw | None


def _named(reference: str, column: LiteralString) -> LiteralString:
    """Return the condition for an id (in this column) or name; no name is a number.

    Raises Problem 404 for a number that no id can be.
    """
    if not (reference.isdecimal() and reference.isascii()):
        return "name = %(reference)s"
    if len(reference) > MOST_DIGITS:
        raise not_found(f"workflow {reference}")
    return column + " = %(reference)s::bigint"


def find_workflow(conn: Connection, reference: str) -> WorkflowSummary:
    """Return the workflow of an id or name. Raises Problem 404."""
    query: LiteralString = (
        "select id, name, version, created_at from onceflow.workflows where "  # noqa: S608  literals
        + _named(reference, "id")
    )
    found = rows(conn, WorkflowSummary, query, {"reference": reference})
    if not found:
        raise not_found(f"workflow {reference}")
    return found[0]


def find_startable(conn: Connection, reference: str, version: int | None) -> Startable:
    """Return a version of a workflow, the latest unless one is named. Raises Problem 404."""
    query: LiteralString = (
        "select name, version, input_schema from onceflow.workflow_versions where "  # noqa: S608
        + _named(reference, "workflow_id")
        + (" and version = %(version)s" if version else "")
        + " order by version desc limit 1"
    )
    found = rows(conn, Startable, query, {"reference": reference, "version": version})
    if not found:
        workflow = find_workflow(conn, reference)
        raise not_found(f"version {version} of workflow {workflow.name}")
    return found[0]


def read_workflow(database: Database, reference: str) -> Workflow:
    """Return a workflow with its latest definition. Raises Problem 404."""
    with database.connection() as conn:
        found = find_workflow(conn, reference)
        (version,) = rows(conn, Version, VERSION, {"workflow": found.id, "version": found.version})
    return Workflow(found.id, found.name, found.version, found.created_at, version.definition)


def list_workflows(database: Database, page: PageQuery) -> WorkflowPage:
    """Return workflows by name."""
    after = read_cursor(page.cursor, tuple[str])
    found = database.rows(
        WorkflowSummary,
        "select id, name, version, created_at from onceflow.workflows"
        " where name > %(after)s order by name limit %(limit)s",
        {"after": after[0] if after else "", "limit": page.limit + 1},
    )
    items, following = cut(found, page.limit, lambda row: (row.name,))
    return WorkflowPage(items, following)


def list_versions(database: Database, reference: str, page: PageQuery) -> VersionPage:
    """Return the versions of a workflow, the latest first. Raises Problem 404."""
    before = read_cursor(page.cursor, tuple[int])
    with database.connection() as conn:
        found = rows(
            conn,
            VersionSummary,
            "select workflow_id, name, version, created_at from onceflow.workflow_versions"
            " where workflow_id = %(workflow)s and version < %(before)s"
            " order by version desc limit %(limit)s",
            {
                "workflow": find_workflow(conn, reference).id,
                "before": before[0] if before else 2**31,
                "limit": page.limit + 1,
            },
        )
    items, following = cut(found, page.limit, lambda row: (row.version,))
    return VersionPage(items, following)


def read_version(database: Database, reference: str, number: str) -> Version:
    """Return one version of a workflow. Raises Problem 404."""
    is_number = number.isdecimal() and number.isascii() and len(number) <= MOST_DIGITS
    wanted = int(number) if is_number else 0
    with database.connection() as conn:
        workflow = find_workflow(conn, reference)
        found = rows(conn, Version, VERSION, {"workflow": workflow.id, "version": wanted})
    if not found:
        raise not_found(f"version {number} of workflow {workflow.name}")
    return found[0]
