"""Calls and questions about forms, in which people are asked for a decision."""

from collections.abc import Sequence
from typing import Any, Final, Literal, LiteralString, TypeAlias
from uuid import UUID

import msgspec

from ..json_text import Json
from .base import (
    Connection,
    Decided,
    Key,
    Record,
    Row,
    change,
    decided,
    fetch_value,
    json_array,
    word,
)
from .reads import AT_MOST, LOOKED_AT, Query
from .slow_expressions import in_time

ANSWER_FORMS: Final[LiteralString] = """
select instance_id, task, outcome, detail, faults
  from onceflow.answer_forms(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                             p_decisions => %s::text[], p_answers => %s::jsonb[],
                             p_by => %s::text[], p_keys => %s::text[])
 order by ordinal"""

CLAIM_FORMS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.claim_forms(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                            p_by => %s::text)
 order by ordinal"""

RELEASE_FORMS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.release_forms(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                              p_by => %s::text)
 order by ordinal"""

REASSIGN_FORMS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.reassign_forms(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                               p_by => %s::text, p_to => %s::text[])
 order by ordinal"""

REMIND_PEOPLE: Final[LiteralString] = """
select onceflow.remind_people(p_limit => %s::int, p_skip => %s::int)"""

FORM: Final[LiteralString] = """instance_id as instance, task, workflow, version, step, title,
       people as to, array(select jsonb_array_elements_text(decisions)) as decisions, schema,
       claimed_by, claimed_at, opened_at, due_at"""
"""The columns of an open form, as every door tells them."""

AnswerWord: TypeAlias = Literal[
    "accepted", "repeated", "conflict", "answered", "claimed", "ended", "invalid", "unknown"
]


class FormAnswer(Record, frozen=True):
    """What somebody decides about a form; under one ``key`` it is taken once.

    ``answer`` is an object that fits the form's schema; None is {}.
    """

    instance_id: UUID
    task: str
    decision: str
    by: str
    answer: Json = None
    key: str | None = None


class AnsweredForm(Record, frozen=True):
    """What became of one answer.

    ``accepted``: the step has it. ``repeated``: it came before. Else it was refused, and
    ``detail`` says why in words; ``invalid`` has ``faults``, each {place, message}.
    """

    instance_id: UUID
    task: str
    outcome: AnswerWord
    detail: str
    faults: list[dict[str, Any]] | None = None


def answer_forms(conn: Connection, answers: Sequence[FormAnswer]) -> list[AnsweredForm]:
    """Answer forms; what became of each, in order."""
    keys = [each.key for each in answers]
    parameters = (
        [each.instance_id for each in answers],
        [each.task for each in answers],
        [each.decision for each in answers],
        json_array([{} if each.answer is None else each.answer for each in answers]),
        [each.by for each in answers],
        keys if any(key is not None for key in keys) else None,
    )
    return [_answered(row) for row in in_time(conn, lambda: change(conn, ANSWER_FORMS, parameters))]


def claim_forms(conn: Connection, keys: Sequence[Key], by: str) -> list[Decided]:
    """Take forms upon oneself: nobody else answers them then. Raises BadArgument."""
    return decided(change(conn, CLAIM_FORMS, (*_named(keys), by)))


def release_forms(conn: Connection, keys: Sequence[Key], by: str) -> list[Decided]:
    """Give claimed forms back. Raises BadArgument."""
    return decided(change(conn, RELEASE_FORMS, (*_named(keys), by)))


def reassign_forms(
    conn: Connection, keys: Sequence[Key], by: str, to: Sequence[str]
) -> list[Decided]:
    """Ask other people or groups; a claim ends. Raises BadArgument."""
    return decided(change(conn, REASSIGN_FORMS, (*_named(keys), by, list(to))))


def remind_people(conn: Connection, limit: int, skip: int = 0) -> int:
    """Tell of open forms of which it is time to remind people; return of how many."""
    return fetch_value(conn, REMIND_PEOPLE, (limit, skip))


def _named(keys: Sequence[Key]) -> tuple[list[UUID], list[str]]:
    return [key.instance_id for key in keys], [key.task for key in keys]


def _answered(row: Row) -> AnsweredForm:
    instance_id, task, outcome, detail, faults = row
    known: AnswerWord = word(
        outcome,
        "accepted",
        "repeated",
        "conflict",
        "answered",
        "claimed",
        "ended",
        "invalid",
        "unknown",
    )
    return AnsweredForm(instance_id, task, known, detail, faults)


class FormFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which open forms: those of which all holds that is given."""

    people: Sequence[str] | None = None
    """Any of whom is asked."""
    workflow: str | None = None
    """Its name."""
    instance: UUID | None = None
    task: str | None = None
    claimed_by: str | None = None


def list_open_forms(
    columns: LiteralString, wanted: FormFilter, limit: int, after: int | None = None
) -> Query:
    """Ask for open forms, the oldest first; ``after`` is the ``n`` with which the last page ended.

    What is asked of people is found by an index that holds open forms alone.
    """
    text: LiteralString = (
        f"select {columns} from onceflow.forms where {_served(wanted, after)} and {_rest(wanted)}"
        " order by n limit %(limit)s"
    )
    return Query(text, _parameters(wanted, after, limit))


def page_open_forms(
    columns: LiteralString, wanted: FormFilter, limit: int, after: int | None = None
) -> Query:
    """Ask for open forms as ``list_open_forms`` does, among so many where no index serves."""
    if not _is_tried(wanted):
        return list_open_forms(columns, wanted, limit, after)
    looked_at: LiteralString = (
        "select n, workflow, task, claimed_by from onceflow.forms"
        f" where {_served(wanted, after)} order by n limit {AT_MOST}"
    )
    text: LiteralString = (
        f"select {columns} from onceflow.forms where n = any (array(select k.n"
        f" from ({looked_at}) k where {_rest(wanted)} order by k.n limit %(limit)s)) order by n"
    )
    return Query(text, _parameters(wanted, after, limit))


def last_open_form(wanted: FormFilter, after: int | None = None) -> Query:
    """Ask for the ``n`` up to which ``page_open_forms`` looks, where these are not all."""
    more: LiteralString = _served(wanted, after) if _is_tried(wanted) else "false"
    text: LiteralString = (
        f"select n from onceflow.forms where {more} order by n offset {AT_MOST} - 1 limit 1"
    )
    return Query(text, _parameters(wanted, after, 1))


def _is_tried(wanted: FormFilter) -> bool:
    """Return whether something is asked for that no index serves, of all open forms."""
    return wanted.people is None and wanted.instance is None and _rest(wanted) != "true"


def _served(wanted: FormFilter, after: int | None) -> LiteralString:
    """Return what an index finds."""
    where: list[LiteralString] = []
    if wanted.people is not None:
        where.append("people && %(people)s::text[]")
    if wanted.instance is not None:
        where.append("instance_id = %(instance)s")
    if after is not None:
        where.append("n > %(after)s")
    return " and ".join(where) or "true"


def _rest(wanted: FormFilter) -> LiteralString:
    """Return what is tried on each of these."""
    where: list[LiteralString] = []
    if wanted.workflow is not None:
        where.append("workflow = %(workflow)s")
    if wanted.task is not None:
        where.append("task = %(task)s")
    if wanted.claimed_by is not None:
        where.append("claimed_by = %(claimed_by)s")
    return " and ".join(where) or "true"


def _parameters(wanted: FormFilter, after: int | None, limit: int) -> dict[str, Any]:
    people = None if wanted.people is None else list(wanted.people)
    given = {**msgspec.structs.asdict(wanted), "people": people}
    return {**given, "after": after, "limit": limit, "most": LOOKED_AT}


def list_form_log(columns: LiteralString, instance: UUID) -> Query:
    """Ask for what people have done with the forms of an instance, in order."""
    text: LiteralString = (
        f"select {columns} from onceflow.form_log where instance_id = %(instance)s order by id"
    )
    return Query(text, {"instance": instance})
