"""The operations on forms, in which people are asked to decide, as statements."""

from collections.abc import Sequence
from typing import Any, LiteralString
from uuid import UUID

import msgspec

from ..engine.calls.base import json_array
from ..engine.calls.forms import (
    ANSWER_FORMS,
    CLAIM_FORMS,
    FORM,
    REASSIGN_FORMS,
    RELEASE_FORMS,
    FormFilter,
    list_open_forms,
)
from ..engine.definition import check_input
from ..engine.errors import Fault
from .model import Decided, Form
from .operations import Answer, Key, Page, Plan, WantedForms, answered
from .statements import Statement, in_json, name_of, read_rows


class SqlForms:
    """Every operation on forms, as statements."""

    def forms(self, wanted: WantedForms, limit: int, cursor: str) -> Plan[Statement, Page[Form]]:
        name = None if wanted.workflow is None else (yield from name_of(wanted.workflow))
        chosen = FormFilter(
            people=wanted.to,
            workflow=name,
            instance=wanted.instance,
            task=wanted.task,
            claimed_by=wanted.claimed_by,
        )
        after = int(cursor) if cursor else None
        rows = yield in_json(*list_open_forms(f"{FORM}, n", chosen, limit, after))
        found = read_rows(rows, _Listed)
        items = [msgspec.convert(each, Form, from_attributes=True) for each in found]
        return Page(items, str(found[-1].n) if len(found) == limit else None)

    def claim_forms(self, keys: Sequence[Key], by: str) -> Plan[Statement, list[Decided]]:
        return (yield from _decide(CLAIM_FORMS, keys, by))

    def release_forms(self, keys: Sequence[Key], by: str) -> Plan[Statement, list[Decided]]:
        return (yield from _decide(RELEASE_FORMS, keys, by))

    def reassign_forms(
        self, keys: Sequence[Key], by: str, to: Sequence[str]
    ) -> Plan[Statement, list[Decided]]:
        return (yield from _decide(REASSIGN_FORMS, keys, by, list(to)))

    def answer_form(self, form: Key, answer: Answer) -> Plan[Statement, str]:
        instance, task = form
        text = answer.written()
        wanted = FormFilter(instance=instance, task=task)
        asked = read_rows((yield in_json(*list_open_forms("schema", wanted, 1))), _Asked)
        # Of what Postgres checks itself it tells; this is for all of the schema.
        faults = check_input(asked[0].schema, text) if asked else []
        if faults:
            placed = [Fault(f"/answer{fault.place}", fault.message) for fault in faults]
            return answered(form, "invalid", "", placed)
        keys = None if answer.key is None else [answer.key]
        given = ([instance], [task], [answer.decision], json_array([text]), [answer.by], keys)
        (row,) = read_rows((yield in_json(ANSWER_FORMS, given)), _Answered)
        return answered(form, row.outcome, row.detail, row.faults or [])


class _Listed(Form, frozen=True, kw_only=True):
    n: int


class _Asked(msgspec.Struct):
    schema: msgspec.Raw


class _Answered(msgspec.Struct):
    outcome: str
    detail: str
    faults: list[Fault] | None


class _Outcome(msgspec.Struct):
    instance_id: UUID
    task: str
    outcome: Any
    detail: str


def _decide(text: LiteralString, keys: Sequence[Key], *more: Any) -> Plan[Statement, list[Decided]]:
    if not keys:
        return []
    columns = ([instance for instance, _ in keys], [task for _, task in keys])
    rows = read_rows((yield in_json(text, (*columns, *more))), _Outcome)
    return [Decided(row.instance_id, row.task, row.outcome, row.detail) for row in rows]
