"""Types of workflows and their versions."""

from typing import Annotated

import msgspec

from .words import Cursor, Json, Limit, Next, Time


class Registered(msgspec.Struct, frozen=True):
    """A version of a workflow, registered now or found to be the latest already."""

    id: Annotated[int, msgspec.Meta(description="The workflow's number.")]
    name: str
    version: int
    created: Annotated[bool, msgspec.Meta(description="Whether this request made the version.")]


class WorkflowSummary(msgspec.Struct, frozen=True):
    """A workflow and the number of its latest version."""

    id: int
    name: str
    version: Annotated[int, msgspec.Meta(description="The latest version.")]
    created_at: Time
    disabled_at: Annotated[
        Time | None, msgspec.Meta(description="Since when no new instances of it may start.")
    ]


class Workflow(WorkflowSummary, frozen=True):
    """A workflow with the definition of its latest version."""

    definition: Json


class VersionSummary(msgspec.Struct, frozen=True):
    """A version of a workflow."""

    workflow_id: int
    name: str
    version: int
    created_at: Time


class ListedVersion(VersionSummary, frozen=True):
    """A version of a workflow, and what is open of it."""

    open_instances: int
    oldest_open: Annotated[
        Time | None, msgspec.Meta(description="When the oldest of these was started.")
    ]


class Version(VersionSummary, frozen=True):
    """A version of a workflow with its definition."""

    definition: Json


class WorkflowPage(msgspec.Struct, frozen=True):
    """Workflows by name."""

    items: list[WorkflowSummary]
    next: Next


class VersionPage(msgspec.Struct, frozen=True):
    """Versions of a workflow, the latest first."""

    items: list[ListedVersion]
    next: Next


class PageQuery(msgspec.Struct, frozen=True):
    """Which page of a list."""

    limit: Limit = 50
    cursor: Cursor = ""
