"""Calls about what definitions need of a deployment: its configuration, and secrets of workers."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Final, Literal, LiteralString

from ..json_text import Json
from .base import Connection, Record, change, fetch, json_of, word
from .reads import Query

SET_CONFIG_VALUES: Final[LiteralString] = """
select name, version, outcome
  from onceflow.set_config_values(p_names => %s::text[], p_values => %s::jsonb[],
                                  p_by => %s::text)"""


class ConfigSet(Record, frozen=True):
    """What became of one value: ``version`` is its latest now, 0 where there never was one.

    ``unchanged``: it had that value already. ``unknown``: there is none to be taken away.
    """

    name: str
    version: int
    outcome: Literal["done", "unchanged", "unknown"]


class Need(Record, frozen=True):
    """A value of the configuration, or a secret, that steps of a version name.

    ``is_there`` is None of a secret where no live worker tells whether it has it; ``lacking`` are
    the names of workers that say they have not.
    """

    kind: Literal["config", "secret"]
    name: str
    steps: list[str]
    is_there: bool | None
    lacking: list[str]


def set_config_values(
    conn: Connection, values: Mapping[str, Json], by: str | None = None
) -> list[ConfigSet]:
    """Set values of the configuration, all or none, in the name of ``by`` (else of the login).

    Raises BadArgument for what is no name, and a value of more than 64 KiB.
    """
    return _set(conn, list(values), [json_of(value) for value in values.values()], by)


def unset_config_values(
    conn: Connection, names: Sequence[str], by: str | None = None
) -> list[ConfigSet]:
    """Take values of the configuration away; their history stays."""
    return _set(conn, list(names), [None] * len(names), by)


def read_needs(conn: Connection, workflow: str, version: int) -> list[Need]:
    """Return what a version of a workflow, by its name, needs, by kind and name."""
    needs: list[Need] = []
    rows = fetch(conn, *list_needs(workflow, version))
    for (kind, name), group in groupby(rows, key=lambda row: (row[0], row[1])):
        _, _, steps, there, lacking = zip(*group, strict=True)
        needs.append(
            Need(
                word(kind, "config", "secret"),
                name,
                list(steps),
                False if False in there else None if None in there else True,
                sorted({worker for names in lacking for worker in names}),
            )
        )
    return needs


def _set(
    conn: Connection, names: list[str], values: Sequence[str | None], by: str | None
) -> list[ConfigSet]:
    return [
        ConfigSet(name, version, word(outcome, "done", "unchanged", "unknown"))
        for name, version, outcome in change(conn, SET_CONFIG_VALUES, (names, list(values), by))
    ]


# Reads


def list_needs(workflow: str, version: int) -> Query:
    """Ask what the steps of a version need, by its workflow's name."""
    text: LiteralString = (
        "select kind, name, step, is_there, coalesce(lacking, '{}') from onceflow.workflow_needs"
        " where workflow = %(workflow)s and version = %(version)s order by kind, name, step"
    )
    return Query(text, {"workflow": workflow, "version": version})


def list_config(columns: LiteralString, name: str | None = None) -> Query:
    """Ask for the values of the configuration, or for that of one name."""
    where: LiteralString = "true" if name is None else "name = %(name)s"
    text: LiteralString = (
        f"select {columns} from onceflow.config_values where {where} order by name"
    )
    return Query(text, {"name": name})


def list_config_history(columns: LiteralString, name: str, limit: int) -> Query:
    """Ask for the versions of a value of the configuration, the latest first."""
    text: LiteralString = (
        f"select {columns} from onceflow.config_history where name = %(name)s"
        " order by version desc limit %(limit)s"
    )
    return Query(text, {"name": name, "limit": limit})
