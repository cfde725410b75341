"""Questions about the log of an instance. With scopes it may be of any length."""

from typing import Any, Final, LiteralString
from uuid import UUID

from .reads import Query

BEGIN: Final = (-1, -1)
"""Before the first entry of a log, by seq and n."""

# Where it happened: all places of one answer are asked for at once.
PATH: Final[LiteralString] = """nullif(concat_ws('/', p.place, split_part(t.task, '/', 1)
       || coalesce('#' || nullif(split_part(t.task, '/', 3), ''), '')), '') as path"""


def list_transitions(
    columns: LiteralString, instance: UUID, limit: int | None = None, *, scopes: bool = False
) -> Query:
    """Ask for the log of an instance, of ``t`` and ``p``, in the order of time.

    A claim has no seq: its time puts it between the transitions. ``scopes``: it has some.
    """
    order: LiteralString = "t.at, t.seq nulls first, t.n, t.task, t.attempt"
    return _entries(columns, instance, limit, "true", order, order, {}, scopes=scopes)


def first_transitions(
    columns: LiteralString, instance: UUID, limit: int, *, above: tuple[int, int] | None = None
) -> Query:
    """Ask for the log of an instance with scopes, as it stands in its index.

    However long it is, no more is read of it; the claims, which have no seq, come last. With
    ``above``, a seq and an n, it begins behind that entry, and has no claims.
    """
    beyond: LiteralString = "true" if above is None else "(t.seq, t.n) > (%(seq)s, %(n)s)"
    seq, n = above or (None, None)
    order: LiteralString = "t.seq, t.n"
    given = {"seq": seq, "n": n}
    return _entries(columns, instance, limit, beyond, order, order, given, scopes=True)


def find_further(instance: UUID, most: int) -> Query:
    """Ask for the ``id`` of an instance whose log has more entries than so many."""
    text: LiteralString = (
        "select instance_id as id from onceflow.transitions where instance_id = %(id)s"
        " offset %(most)s limit 1"
    )
    return Query(text, {"id": instance, "most": most})


def last_transitions(columns: LiteralString, instance: UUID, limit: int) -> Query:
    """Ask for the end of the log of an instance with scopes, without claims."""
    backwards: LiteralString = "t.seq desc, t.n desc"
    where: LiteralString = "t.seq is not null"
    return _entries(columns, instance, limit, where, backwards, "t.seq, t.n", {}, scopes=True)


def _entries(
    columns: LiteralString,
    instance: UUID,
    limit: int | None,
    where: LiteralString,
    read: LiteralString,
    shown: LiteralString,
    given: dict[str, Any],
    *,
    scopes: bool,
) -> Query:
    """Ask for entries that are ``read`` in one order, up to the limit, and ``shown`` in another."""
    places: LiteralString = "cross join (select null::text as place) p"
    if scopes:
        places = (
            "left join onceflow.scope_places(%(id)s, array(select distinct e.scope from entries e"
            " where e.scope > 0)) p on p.scope = t.scope"
        )
    text: LiteralString = (
        "with entries as materialized (select t.seq, t.n, t.task, t.attempt, t.state,"
        " t.worker_id, t.error, t.at, t.scope from onceflow.transitions t"
        f" where t.instance_id = %(id)s and {where} order by {read} limit %(limit)s)"
        f" select {columns} from entries t {places} order by {shown}"
    )
    return Query(text, {"id": instance, "limit": limit, **given})
