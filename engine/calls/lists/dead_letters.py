"""Dead letters.

What is open is found by an index, of one instance or of all; a page by any other filter tries that
on the first LOOKED_AT of these.
"""

import re
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from ..reads import AT_MOST, LOOKED_AT, Query


class DeadLetterFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which dead letters: those of which all holds that is given."""

    records: bool = False
    """Also those that nothing can be done about any more."""
    instance: UUID | None = None
    workflow: str | None = None
    """Its name."""
    step: str | None = None
    """Its step, or a block around it."""
    queue: str | None = None
    code: str | None = None
    """Of its error; ``*`` stands for any letters."""


def list_dead_letters(
    columns: LiteralString,
    wanted: DeadLetterFilter,
    limit: int,
    after: tuple[UUID, str] | None = None,
) -> Query:
    """Ask for dead letters, those of the oldest instances first, ``after`` one of them."""
    where, parameters = _dead_letters(wanted)
    if after is not None:
        where += " and (instance_id, task) > (%(after)s, %(after_task)s)"
        parameters["after"], parameters["after_task"] = after
    text: LiteralString = (
        f"select {columns} from onceflow.dead_letters where {where}"
        " order by instance_id, task limit %(limit)s"
    )
    return Query(text, {**parameters, "limit": limit})


def page_dead_letters(
    columns: LiteralString,
    wanted: DeadLetterFilter,
    limit: int,
    after: tuple[UUID, str] | None = None,
    *,
    whole: bool = False,
    oldest: bool = False,
) -> Query:
    """Ask for dead letters, those of the youngest (``oldest``) instances first, ``after`` one.

    Among so many, unless the ``whole`` of them is to be looked at.
    """
    of, rest, parameters = _paged(wanted, after, oldest)
    order = _order(oldest)
    if whole:
        of, rest = f"{of} and {rest}", "true"
    source: LiteralString = f"select * from onceflow.dead_letters where {of} {order}"
    text: LiteralString = (
        f"select {columns} from ({source} limit {AT_MOST}) d where {rest} {order} limit %(limit)s"
    )
    if rest == "true":
        text = f"select {columns} from onceflow.dead_letters where {of} {order} limit %(limit)s"
    return Query(text, {**parameters, "limit": limit})


def last_dead_letter(
    wanted: DeadLetterFilter, after: tuple[UUID, str] | None = None, *, oldest: bool = False
) -> Query:
    """Ask for the last (``instance``, ``task``) that ``page_dead_letters`` looks at, where those
    are not all: of filters that no index serves.
    """
    source: LiteralString = "dead_letters" if wanted.records else "open_dead_letters"
    of, rest, parameters = _paged(msgspec.structs.replace(wanted, records=True), after, oldest)
    more: LiteralString = "false" if rest == "true" else of
    text: LiteralString = (
        f"select instance_id as instance, task from onceflow.{source} where {more} {_order(oldest)}"
        f" offset {AT_MOST} - 1 limit 1"
    )
    return Query(text, parameters)


def _order(oldest: bool) -> LiteralString:
    return "order by instance_id, task" if oldest else "order by instance_id desc, task"


def _paged(
    wanted: DeadLetterFilter, after: tuple[UUID, str] | None, oldest: bool
) -> tuple[LiteralString, LiteralString, dict[str, Any]]:
    """Return what an index finds, what is looked for among that, and the parameters."""
    of, _ = _dead_letters(DeadLetterFilter(records=wanted.records, instance=wanted.instance))
    rest, parameters = _dead_letters(msgspec.structs.replace(wanted, records=True, instance=None))
    parameters |= {"instance": wanted.instance, "most": LOOKED_AT}
    if after is not None:
        behind: LiteralString = (
            " and instance_id <= %(after)s and (instance_id < %(after)s or task > %(after_task)s)"
        )
        of += " and (instance_id, task) > (%(after)s, %(after_task)s)" if oldest else behind
        parameters["after"], parameters["after_task"] = after
    return of, rest, parameters


def _dead_letters(wanted: DeadLetterFilter) -> tuple[LiteralString, dict[str, Any]]:
    conditions: list[tuple[LiteralString, object]] = [
        ("instance_id = %(instance)s", wanted.instance),
        ("workflow = %(workflow)s", wanted.workflow),
        ("(step = %(step)s or %(step)s = any (blocks))", wanted.step),
        ("queue = %(queue)s", wanted.queue),
        ("error ->> 'code' like %(pattern)s", wanted.code),
    ]
    where: list[LiteralString] = ["true" if wanted.records else "open"]
    for condition, value in conditions:
        if value is not None:
            where.append(condition)
    pattern = None if wanted.code is None else _pattern(wanted.code)
    return " and ".join(where), {**msgspec.structs.asdict(wanted), "pattern": pattern}


def _pattern(text: str) -> str:
    """Return what LIKE takes for a text in which ``*`` stands for any letters."""
    return re.sub(r"([\\%_])", r"\\\1", text).replace("*", "%")
