"""Types of the audit."""

from typing import Annotated

import msgspec

from .words import Cursor, JsonOrNull, Limit, LookedAt, Next, Time


class AuditEntry(msgspec.Struct, frozen=True):
    """A change: who made it, when, from where, and of what."""

    id: int
    at: Time
    who: Annotated[str, msgspec.Meta(description="The actor, or where none is known the login.")]
    login: Annotated[str, msgspec.Meta(description="The role that was logged in to Postgres.")]
    actor: Annotated[
        str | None,
        msgspec.Meta(description="Who acts through that, as API, command line or client claim."),
    ]
    address: str | None
    verb: Annotated[str, msgspec.Meta(description="The function of SQL that made the change.")]
    kind: str
    target: Annotated[str, msgspec.Meta(description="Its id or name.")]
    part: Annotated[
        str | None, msgspec.Meta(description="Of an instance its task, of a workflow its trigger.")
    ]
    before: JsonOrNull
    after: JsonOrNull
    count: Annotated[
        int, msgspec.Meta(description="More than one: of so many changed at once, target is one.")
    ]


class AuditPage(msgspec.Struct, frozen=True):
    """Changes, the latest first."""

    items: list[AuditEntry]
    next: Next
    looked_at: LookedAt = None


class AuditFilter(msgspec.Struct, frozen=True):
    """Which changes."""

    actor: Annotated[
        str | None, msgspec.Meta(description="Who acted: `person ann`, `key ci`, or a login.")
    ] = None
    target: Annotated[
        str | None, msgspec.Meta(description="The id of an instance, the name of a workflow, …")
    ] = None
    verb: Annotated[str | None, msgspec.Meta(description="Such as `cancel_instances`.")] = None
    kind: Annotated[str | None, msgspec.Meta(description="Of what: `instance`, `queue`, …")] = None
    after: Annotated[Time | None, msgspec.Meta(description="From then on.")] = None
    until: Annotated[Time | None, msgspec.Meta(description="Before then.")] = None


class AuditQuery(AuditFilter, frozen=True):
    """Which changes, and which page of them."""

    limit: Limit = 50
    cursor: Cursor = ""
