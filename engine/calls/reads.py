"""What API, web pages and command line read out of the views: each question is asked in one way.

A question is a ``Query``. Each door names the columns that it shows, as its answers call them, and
takes the rows in its own form: ``json_rows`` for the command line, the API's are its types.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from difflib import get_close_matches
from typing import Any, Final, LiteralString, NamedTuple
from uuid import UUID

import msgspec

from .. import json_text
from .base import Connection, fetch
from .search import NAMES as FIELDS
from .search import conditions

MOST_DIGITS: Final = 18
"""Every number of so many digits fits into a bigint."""
NAMES: Final = 1000
"""Workflows among which the nearest name is looked for."""
LOOKED_AT: Final = 20_000
"""Rows that a list looks at for filters that no index serves; then it says how far it came."""
SUMMARY: Final[LiteralString] = """id, key, workflow, version, state as status, closing_as,
       suspended_by, suspended_at, open_tasks, scopes, seq, error, started_at, start_at,
       deadline_at, ended_at, erased_at, erased_by, trigger, scheduled_at,
       parent_id as parent, parent_task, root_id as root, trace_id as trace, labels"""
"""What lists and pages tell of an instance, as columns of the view: InstanceSummary of the API."""
AT_MOST: Final[LiteralString] = "(select %(most)s::bigint)"
"""So many rows, which no plan knows: it reads along an index then and ends early, where it would
sort all that there is for the few that it takes it for."""
SLACK: Final = 60_000
"""Milliseconds by which a start may differ from the time in its instance's id."""


class Query(NamedTuple):
    """A statement and its parameters by name."""

    text: LiteralString
    parameters: dict[str, Any]


def json_rows(conn: Connection, query: Query) -> list[dict[str, Any]]:
    """Return rows as plain values, with all digits of their numbers; times are texts."""
    text: LiteralString = f"select to_jsonb(x)::text from ({query.text}) x"
    return [json_text.decode_exact(row) for (row,) in fetch(conn, text, query.parameters)]


# Workflows


def find_workflow(columns: LiteralString, reference: str) -> Query:
    """Ask for a workflow by id or name."""
    where = _named(reference, "id")
    text: LiteralString = f"select {columns} from onceflow.workflows where {where}"
    return Query(text, {"reference": reference})


def list_names() -> Query:
    """Ask for the names of the workflows that were changed last, as ``name``."""
    text: LiteralString = (
        "select name from onceflow.workflows order by created_at desc limit %(limit)s"
    )
    return Query(text, {"limit": NAMES})


def no_workflow(reference: str, names: Sequence[str]) -> str:
    """Say that there is no such workflow, and which of the names it may have been meant to be."""
    nearest = get_close_matches(reference, names, 1)
    meant = f"; did you mean {nearest[0]}?" if nearest else ""
    return f"there is no workflow {reference}{meant}"


def list_fields() -> Query:
    """Ask for the fields that instances are found by, as ``name``: those of all workflows."""
    return Query(FIELDS, {})


def find_version(columns: LiteralString, reference: str, version: int | None = None) -> Query:
    """Ask for a version of a workflow, named by id or name: the latest unless one is given."""
    where = _named(reference, "workflow_id")
    if version is not None:
        where += " and version = %(version)s"
    text: LiteralString = (
        f"select {columns} from onceflow.workflow_versions where {where}"
        " order by version desc limit 1"
    )
    return Query(text, {"reference": reference, "version": version})


def list_step_order(version_id: int) -> Query:
    """Ask for the ids of a version's steps, as ``step``, in the order in which they are written."""
    text: LiteralString = (
        "select step from onceflow.steps where version_id = %(version)s order by position"
    )
    return Query(text, {"version": version_id})


def list_versions(
    columns: LiteralString,
    workflow: str,
    limit: int,
    *,
    before: int = 2**31,
    only_open: bool = False,
) -> Query:
    """Ask for the versions of a workflow, by its name, the latest first.

    Besides what the view has there are ``open_instances`` and ``oldest_open``.
    """
    joined: LiteralString = "join" if only_open else "left join"
    text: LiteralString = (
        f"select {columns} from (select v.*, coalesce(o.instances, 0) as open_instances,"
        " o.oldest as oldest_open from onceflow.workflow_versions v"
        f" {joined} onceflow.open_versions o on o.version_id = v.version_id) v"
        " where name = %(workflow)s and version < %(before)s"
        " order by version desc limit %(limit)s"
    )
    return Query(text, {"workflow": workflow, "before": before, "limit": limit})


def _named(reference: str, column: LiteralString) -> LiteralString:
    """Return the condition for an id (in this column) or name; no name is a number."""
    if not (reference.isdecimal() and reference.isascii()):
        return "name = %(reference)s"
    if len(reference) > MOST_DIGITS:
        return "false"
    return column + " = %(reference)s::bigint"


# Configuration


# Instances


class InstanceFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which instances: those of which all holds that is given.

    Children are among them where a parent is named, or something else by which one is known.
    """

    workflow: str | None = None
    """Its name."""
    states: Sequence[str] | None = None
    suspended: bool | None = None
    key: str | None = None
    """The idempotency key that it was started with."""
    fields: Mapping[str, str] = {}
    """Of its input, the text of their values: fields that its workflow lists under `search`."""
    started_after: datetime | None = None
    started_before: datetime | None = None
    before: UUID | None = None
    """The id with which the last page ended."""
    id: str | None = None
    """What its id begins with; ``ids_from`` says what may be one."""
    parent: UUID | None = None
    """The instance of which a step has started it."""

    @property
    def only_roots(self) -> bool:
        """Whether children are left out: a list of all would be full of them."""
        known = (self.parent, self.id, self.key)
        if self.fields or self.suspended or any(each is not None for each in known):
            return False
        # By its id a child is as old as its root: along the ids it is not found by its start.
        return self.workflow is None or self.started_after is not None


def find_instance(columns: LiteralString, instance: UUID) -> Query:
    """Ask for an instance."""
    text: LiteralString = f"select {columns} from onceflow.instances where id = %(id)s"
    return Query(text, {"id": instance})


def by_fields_alone(wanted: InstanceFilter) -> bool:
    """Return whether ``list_found_ids`` finds all that there is to know."""
    given = {name for name, value in msgspec.structs.asdict(wanted).items() if value is not None}
    return bool(wanted.fields) and given <= {"fields", "workflow", "before", "id"}


def list_found_ids(wanted: InstanceFilter, limit: int) -> Query:
    """Ask for the ids alone that fields find, the youngest first.

    The instances themselves are asked for by ``list_these``, so that Postgres plans for the weeks
    of these and of no others, however many there are.
    """
    leading, parameters = conditions(wanted.fields)
    of: list[LiteralString] = [leading, *bounds("s.instance_id", wanted, parameters)]
    if wanted.workflow is not None:
        of.append("s.workflow = %(workflow)s")
    text: LiteralString = (
        "select s.instance_id as id from onceflow.search_values s"
        f" where {' and '.join(of)} order by s.instance_id desc limit %(limit)s"
    )
    return Query(text, {**parameters, "workflow": wanted.workflow, "limit": limit})


def list_these(columns: LiteralString, ids: Sequence[UUID]) -> Query:
    """Ask for instances by their ids, the youngest first."""
    text: LiteralString = (
        f"select {columns} from onceflow.instances where id = any (%(ids)s::uuid[])"
        " order by id desc"
    )
    return Query(text, {"ids": list(ids)})


def list_instances(columns: LiteralString, wanted: InstanceFilter, limit: int) -> Query:
    """Ask for instances, the youngest first."""
    where: list[LiteralString] = ["true"]
    parameters: dict[str, Any] = {"limit": limit}
    by_state = len(wanted.states or ()) > 1 and wanted.only_roots and wanted.workflow is None
    if wanted.states is not None and len(wanted.states) == 1:
        where.append("state = %(state)s")  # in the order of its index
        parameters["state"] = wanted.states[0]
    elif wanted.states is not None:
        own_state: LiteralString = "state between s.state and s.state"
        where.append(own_state if by_state else "state = any (%(states)s::text[])")
        parameters["states"] = sorted(set(wanted.states))
    if wanted.key is not None:
        where.append(
            "id = any (array(select k.instance_id from onceflow.idempotency_keys k"
            " where k.key = %(key)s))"
        )
        parameters["key"] = wanted.key
    if wanted.parent is not None:
        where.append("parent_id = %(parent)s")
        parameters["parent"] = wanted.parent
    where += tried(wanted, parameters)
    within = bounds("id", wanted, parameters)
    matching: LiteralString = " and ".join(where + within)
    text: LiteralString = (
        f"select {columns} from onceflow.instances where {matching}"
        " order by id desc limit %(limit)s"
    )
    if wanted.fields:
        # Along the index of what is looked for, from the youngest on: each instance is one look.
        leading, given = conditions(wanted.fields)
        parameters |= given
        of: list[LiteralString] = [leading, *bounds("s.instance_id", wanted, parameters)]
        if wanted.workflow is not None:
            of.append("s.workflow = %(workflow)s")
            parameters["workflow"] = wanted.workflow
        text = (
            "select i.* from onceflow.search_values s cross join lateral ("
            f"select {columns} from onceflow.instances"
            f" where id = s.instance_id and {' and '.join(where)}) i"
            f" where {' and '.join(of)} order by s.instance_id desc limit %(limit)s"
        )
    elif by_state:
        # State by state, each in the order of the index of states alone: what is in none of them is
        # not read.
        text = (
            "select i.* from unnest(%(states)s::text[]) s (state) cross join lateral ("
            f"select {columns} from onceflow.instances where {matching}"
            " order by state desc, (parent_id is null) desc, id desc limit %(limit)s) i"
            " order by i.id desc limit %(limit)s"
        )
    elif wanted.workflow is not None:
        # Version by version, each along its own index: a workflow that rarely runs is found as
        # fast among millions of others' instances.
        parameters["workflow"] = wanted.workflow
        own: LiteralString = "= v.version_id"
        order: LiteralString = "id desc"
        if where == ["true"]:
            # By an order that only that index has: in a week in which one version alone ran,
            # reading all of the week in the order of the ids looks as good, and is not for others.
            own = "between v.version_id and v.version_id"
            order = "version_id desc, id desc"
        text = (
            "select i.* from onceflow.workflow_versions v cross join lateral ("
            f"select {columns} from onceflow.instances"
            f" where version_id {own} and {matching} order by {order} limit %(limit)s) i"
            " where v.name = %(workflow)s order by i.id desc limit %(limit)s"
        )
    return Query(text, parameters)


def tried(wanted: InstanceFilter, parameters: dict[str, Any]) -> list[LiteralString]:
    """Return what is tried on each instance that is found otherwise, and add its parameters."""
    where: list[LiteralString] = []
    if wanted.suspended is not None:
        # By an operator; the time besides, by which those few are found.
        held: LiteralString = "suspended_at is not null and suspended_by = 'operator'"
        where.append(held if wanted.suspended else "suspended_by is distinct from 'operator'")
    if wanted.only_roots:
        where.append("parent_id is null")
    if wanted.started_after is not None:
        where.append("started_at > %(after)s")
        parameters["after"] = wanted.started_after
    if wanted.started_before is not None:
        where.append("started_at < %(until)s")
        parameters["until"] = wanted.started_before
    return where


def bounds(
    column: LiteralString, wanted: InstanceFilter, parameters: dict[str, Any]
) -> list[LiteralString]:
    """Return what holds of the ids, and add its parameters.

    An id carries the time of the start, to the millisecond: its bounds, a little wider, keep the
    search within the partitions of that time. A child's id carries its root's time.
    """
    bounds: list[LiteralString] = []
    if wanted.id is not None:
        within = ids_from(wanted.id)
        bounds.append(column + " between %(first_id)s and %(last_id)s" if within else "false")
        parameters["first_id"], parameters["last_id"] = within or (None, None)
    if wanted.before is not None:
        bounds.append(column + " < %(before)s")
        parameters["before"] = wanted.before
    if wanted.parent is not None:
        bounds.append(column + " between %(first_of_family)s and %(last_of_family)s")
        family = ids_from(wanted.parent.hex[:_OF_TIME])
        parameters["first_of_family"], parameters["last_of_family"] = family or (None, None)
    if wanted.started_after is not None and wanted.only_roots:
        bounds.append(column + " >= %(after_id)s")
        parameters["after_id"] = first_id(wanted.started_after, -SLACK)
    if wanted.started_before is not None:
        bounds.append(column + " <= %(until_id)s")
        parameters["until_id"] = first_id(wanted.started_before, SLACK)
    return bounds


def ids_from(text: str) -> tuple[UUID, UUID] | None:
    """Return the first and the last id that begin with a text; None where none can.

    An id begins with the time of its start: what lies close to it in the index.
    """
    digits = text.replace("-", "").lower()
    if not _ID_BEGINS.fullmatch(digits):
        return None
    return UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))


_ID_BEGINS: Final = re.compile("[0-9a-f]{1,32}", re.ASCII)
_OF_TIME: Final = 12
"""Digits of an id that tell the time."""


def first_id(time: datetime, milliseconds: int) -> UUID:
    """Return the smallest UUIDv7 so long after a time: they begin with 48 bits of milliseconds."""
    milliseconds += int(time.timestamp() * 1000)
    return UUID(int=min(max(milliseconds, 0), 2**48 - 1) << 80)
