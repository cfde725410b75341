"""The audit: who changed what; and how long that is kept."""

from datetime import datetime
from typing import Any, Final, LiteralString

import msgspec

from .base import Connection, change
from .reads import LOOKED_AT, Query

DROP_AUDIT: Final[LiteralString] = """
select onceflow.drop_audit(p_before => %s::timestamptz, p_limit => %s::int)"""

ENTRY: Final[LiteralString] = (
    "id, at, who, login, actor, address, verb, kind, target, part, before, after, count"
)
"""Columns of an entry, as the API and the command line tell them."""


def drop_audit(conn: Connection, before: datetime, limit: int = 10_000) -> int:
    """Delete up to ``limit`` rows of the audit from before a time; return how many.

    Call it, in autocommit, until it returns 0. Raises BadArgument for one of the last 30 days.
    """
    ((count,),) = change(conn, DROP_AUDIT, (before, limit))
    return count


# Reads


class AuditFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which entries: those of which all holds that is given."""

    actor: str | None = None
    """Who acted: the actor that was claimed, or where none was the login."""
    target: str | None = None
    verb: str | None = None
    kind: str | None = None
    after: datetime | None = None
    """From then on,"""
    until: datetime | None = None
    """and before then."""
    before: int | None = None
    """The id with which the last page ended."""

    @property
    def is_served(self) -> bool:
        """Whether one index finds them. Else of what it finds the first so many are looked at."""
        given = (self.target, self.actor, self.verb, self.kind)
        return self.kind is None and sum(each is not None for each in given) <= 1


def list_audit(columns: LiteralString, wanted: AuditFilter, limit: int) -> Query:
    """Ask for entries, the latest first."""
    of, rest, parameters = _conditions(wanted)
    source: LiteralString = f"select {columns} from onceflow.audit where {of} {_ORDER}"
    if not wanted.is_served:
        looked: LiteralString = f"select * from onceflow.audit where {of} {_ORDER} limit %(most)s"
        source = f"select {columns} from ({looked}) a where {rest} {_ORDER}"
    return Query(f"{source} limit %(limit)s", {**parameters, "limit": limit})


def last_looked_at(wanted: AuditFilter) -> Query:
    """Ask for the ``id`` of the last entry that ``list_audit`` looks at, where that is not all."""
    of, _, parameters = _conditions(wanted)
    text: LiteralString = (
        f"select id from onceflow.audit where {of} {_ORDER} offset %(most)s - 1 limit 1"
    )
    return Query(text, parameters)


_ORDER: Final[LiteralString] = "order by at desc, id desc"


def _conditions(wanted: AuditFilter) -> tuple[LiteralString, LiteralString, dict[str, Any]]:
    """Return what an index finds, what is looked for among that, and the parameters."""
    equal: list[LiteralString] = []
    if wanted.target is not None:
        equal.append("target = %(target)s")
    if wanted.actor is not None:
        equal.append("who = %(actor)s")
    if wanted.verb is not None:
        equal.append("verb = %(verb)s")
    if wanted.kind is not None:
        equal.append("kind = %(kind)s")
    led = [] if wanted.kind is not None and len(equal) == 1 else equal[:1]
    of: list[LiteralString] = ["true", *led]
    if wanted.after is not None:
        of.append("at >= %(after)s")
    if wanted.until is not None:
        of.append("at < %(until)s")
    if wanted.before is not None:
        of.append(
            "(at, id) < ((select b.at from onceflow.audit b where b.id = %(before)s), %(before)s)"
        )
    rest: list[LiteralString] = ["true", *equal[len(led) :]]
    parameters = msgspec.structs.asdict(wanted) | {"most": LOOKED_AT}
    return " and ".join(of), " and ".join(rest), parameters
