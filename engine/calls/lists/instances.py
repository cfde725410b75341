"""Instances by filters that no index serves together.

One filter leads along its index, from the youngest instance on: fields, a parent, or a workflow,
version by version. The others are tried on the first LOOKED_AT that each of these finds.
"""

from typing import Any, Final, LiteralString

from ..reads import AT_MOST, LOOKED_AT, InstanceFilter, Query, bounds, by_fields_alone, tried
from ..search import conditions

_KNOWN: Final[LiteralString] = (
    "version_id, state, suspended_at, suspended_by, parent_id, started_at"
)
_ORDER: Final[LiteralString] = "order by id desc"
_OF_VERSION: Final[LiteralString] = "order by version_id desc, id desc"
"""An order that only the index by version has: in a week in which one version alone ran, reading
all of the week in the order of the ids looks as good, and is not for others."""


def is_served(wanted: InstanceFilter) -> bool:
    """Return whether ``reads`` finds them along one index, or what it finds is only few."""
    if wanted.key is not None or by_fields_alone(wanted):
        return True
    leads = wanted.fields or wanted.parent is not None or wanted.workflow is not None
    return not leads or _rest(wanted) == "true"


def find_looked_at(wanted: InstanceFilter, limit: int) -> Query:
    """Ask for the ids alone, as ``id``, of those that match among so many, the youngest first.

    ``reads.list_these`` asks for the instances.
    """
    source, parameters = _source(wanted)
    found: LiteralString = (
        f"select k.id from ({source} limit {AT_MOST}) k where {_rest(wanted)}"
        f" {_order(wanted)} limit %(limit)s"
    )
    text = f"select f.id from {_led(wanted, found)} {_ORDER} limit %(limit)s"
    return Query(text, {**parameters, "limit": limit})


def last_looked_at(wanted: InstanceFilter) -> Query:
    """Ask for the ``id`` down to which all were looked at, where there are further ones."""
    source, parameters = _source(wanted)
    last: LiteralString = f"select k.id from ({source} offset {AT_MOST} - 1 limit 1) k"
    return Query(f"select f.id from {_led(wanted, last)} {_ORDER} limit 1", parameters)


def _by_version(wanted: InstanceFilter) -> bool:
    """Return whether a workflow leads, each of its versions on its own."""
    return not wanted.fields and wanted.parent is None and wanted.workflow is not None


def _order(wanted: InstanceFilter) -> LiteralString:
    """Return the order in which what leads is read."""
    return _OF_VERSION if _by_version(wanted) else _ORDER


def _led(wanted: InstanceFilter, found: LiteralString) -> LiteralString:
    """Return what is read of each that leads."""
    if not _by_version(wanted):
        return f"({found}) f"
    return (
        f"onceflow.workflow_versions v cross join lateral ({found}) f where v.name = %(workflow)s"
    )


def _source(wanted: InstanceFilter) -> tuple[LiteralString, dict[str, Any]]:
    """Return what leads, the youngest first, and all parameters."""
    parameters: dict[str, Any] = {
        "most": LOOKED_AT,
        "state": None if wanted.states is None else list(wanted.states),
        "workflow": wanted.workflow,
        "parent": wanted.parent,
    }
    tried(wanted, parameters)
    if wanted.fields:
        leading, given = conditions(wanted.fields)
        within = " and ".join([leading, *bounds("s.instance_id", wanted, parameters)])
        text: LiteralString = (
            f"select s.instance_id as id, s.workflow, {_KNOWN} from onceflow.search_values s"
            f" cross join lateral (select {_KNOWN} from onceflow.instances"
            f" where id = s.instance_id offset 0) i where {within} {_order(wanted)}"
        )
        return text, parameters | given
    lead: LiteralString = (
        "version_id between v.version_id and v.version_id"
        if _by_version(wanted)
        else "parent_id = %(parent)s"
    )
    within = " and ".join([lead, *bounds("id", wanted, parameters)])
    return (
        f"select id, workflow, {_KNOWN} from onceflow.instances where {within} {_order(wanted)}",
        parameters,
    )


def _rest(wanted: InstanceFilter) -> LiteralString:
    """Return what is tried on those that are looked at."""
    rest: list[LiteralString] = []
    if wanted.states is not None:
        rest.append("state = any (%(state)s::text[])")
    rest += tried(wanted, {})
    if wanted.workflow is not None and (wanted.fields or wanted.parent is not None):
        rest.append("workflow = %(workflow)s")
    if wanted.parent is not None and wanted.fields:
        rest.append("parent_id = %(parent)s")
    return " and ".join(rest) or "true"
