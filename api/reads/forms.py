"""Open forms, and what people have done with those of an instance."""

from typing import Final
from uuid import UUID

import msgspec

from ...engine import calls
from ...engine.calls import AnsweredForm, FormAnswer, forms
from ...engine.calls.reads import LOOKED_AT
from ...engine.definition import check_input
from ..database import Connection, Database, rows
from ..problems import Fault
from ..schemas.forms import Form, FormEntry, FormPage, FormsQuery
from .instances import find_instance
from .paging import cut, read_cursor, write_cursor
from .workflows import find_workflow

SECONDS: Final = 1.0
"""That the check of an answer may take."""


class _Listed(Form, frozen=True):
    n: int


class _Last(msgspec.Struct, frozen=True):
    n: int


class _Asked(msgspec.Struct, frozen=True):
    schema: msgspec.Raw


def people_of(text: str | None) -> list[str] | None:
    """Return the people in a text with commas between them; None where there are none."""
    return [name for part in (text or "").split(",") if (name := part.strip())] or None


def list_forms(database: Database, query: FormsQuery) -> FormPage:
    """Return the open forms that match, the oldest first. Raises Problem 404, 422."""
    after = read_cursor(query.cursor, tuple[int])
    with database.connection() as conn:
        named = None if query.workflow is None else find_workflow(conn, query.workflow).name
        wanted = forms.FormFilter(
            people=people_of(query.to),
            workflow=named,
            instance=query.instance,
            task=query.task,
            claimed_by=query.claimed_by,
        )
        behind = after[0] if after else None
        asked = forms.page_open_forms(f"{forms.FORM}, n", wanted, query.limit + 1, behind)
        found = rows(conn, _Listed, *asked)
        last: list[_Last] = []
        if len(found) <= query.limit:
            last = rows(conn, _Last, *forms.last_open_form(wanted, behind))
    items, following = cut(found, query.limit, lambda row: (row.n,))
    shown = [msgspec.convert(item, Form, from_attributes=True) for item in items]
    if last:
        return FormPage(shown, write_cursor((last[0].n,)), LOOKED_AT)
    return FormPage(shown, following)


def find_form(database: Database, instance: UUID, task: str) -> Form | None:
    """Return an open form; None where there is none, or none any more."""
    with database.connection() as conn:
        wanted = forms.FormFilter(instance=instance, task=task)
        found = rows(conn, Form, *forms.list_open_forms(forms.FORM, wanted, 1))
    return found[0] if found else None


def read_log(database: Database, instance: UUID) -> list[FormEntry]:
    """Return what people have done with the forms of an instance. Raises Problem 404."""
    with database.connection() as conn:
        find_instance(conn, instance)
        return rows(
            conn, FormEntry, *forms.list_form_log("task, step, what, by, at, payload", instance)
        )


def answer_faults(conn: Connection, answer: FormAnswer) -> list[Fault]:
    """Return what of an answer does not fit all of its form's schema, if that is open."""
    wanted = forms.FormFilter(instance=answer.instance_id, task=answer.task)
    found = rows(conn, _Asked, *forms.list_open_forms("schema", wanted, 1))
    faults = check_input(found[0].schema, answer.answer, SECONDS) if found else []
    return [Fault(f"/answer{fault.place}", fault.message) for fault in faults]


def answer_form(database: Database, answer: FormAnswer) -> tuple[AnsweredForm, list[Fault]]:
    """Answer a form; what is wrong with the answer besides, where it is invalid."""
    with database.connection() as conn:
        faults = answer_faults(conn, answer)
        if faults:
            refused = AnsweredForm(answer.instance_id, answer.task, "invalid", "", None)
            return refused, faults
        (answered,) = calls.answer_forms(conn, [answer])
    return answered, [Fault(of["place"], of["message"]) for of in answered.faults or []]
