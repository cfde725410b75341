"""/ui/forms: what people are asked, and the forms in which they answer."""

from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.responses import Response

from ...engine import calls
from ...engine.calls import FormAnswer, Key
from ..accounts.visitor import in_the_name_of
from ..problems import Fault, Problem, invalid, not_found
from ..reads import forms as reads
from ..schemas.forms import Form, FormPage, FormsQuery
from .fields import PREFIX, make_fields, read_answer
from .page import Visit, see_other, unless_refused
from .render import render

FILTERS: Final = ("to", "workflow", "claimed_by", "instance")
NONE: Final = FormPage([], None)
DONE: Final = {
    "answer": "Answered.",
    "claim": "Claimed.",
    "release": "Released.",
    "reassign": "Reassigned.",
}


class Told(msgspec.Struct, frozen=True):
    """What the page tells after it was used, and who did."""

    did: Literal["answer", "claim", "release", "reassign"] | None = None
    by: str = ""


def show_forms(visit: Visit) -> Response:
    """List open forms."""
    found, problem = unless_refused(
        lambda: reads.list_forms(visit.database, visit.read_query(FormsQuery)), NONE
    )
    kept = visit.given(*FILTERS)
    told = visit.read_query(Told)
    following = "?" + urlencode({**kept, "cursor": found.next}) if found.next else None
    shown = {
        "page": found,
        "given": kept,
        "problem": problem,
        "told": DONE.get(told.did or ""),
        "by": told.by or kept.get("to", ""),
        "following": following,
    }
    return render("forms.html", shown, problem.status if problem else 200)


def show_form(visit: Visit) -> Response:
    """Show one open form, with a field for each thing that it asks."""
    told = visit.read_query(Told)
    form = _find(visit, visit.given("task").get("task", ""))
    return _show(form, {"by": told.by or form.claimed_by or ""}, told=DONE.get(told.did or ""))


def _show(
    form: Form, typed: dict[str, str], problem: Problem | None = None, told: str | None = None
) -> Response:
    schema = msgspec.json.decode(form.schema)
    shown = {
        "form": form,
        "fields": make_fields(schema, typed, problem.faults if problem else ()),
        "typed": typed,
        "problem": problem,
        "told": told,
    }
    return render("form.html", shown, problem.status if problem else 200)


def _find(visit: Visit, task: str) -> Form:
    """Return the form that the path names. Raises Problem 404."""
    try:
        instance = UUID(visit.path["instance"])
    except ValueError:
        raise not_found(f"instance {visit.path['instance']!r}") from None
    form = reads.find_form(visit.database, instance, task)
    if form is None:
        raise Problem(404, f"There is no open form {instance}/{task}: it may have been answered.")
    return form


def decide(visit: Visit) -> Response:
    """Carry out what was done with a form; what was typed stays where it is refused."""
    verb = visit.path["decision"]
    if verb not in DONE:
        raise not_found(f"decision {verb!r}")
    form = _find(visit, visit.form.get("task", ""))
    by = ""
    try:
        by = in_the_name_of(visit.form.get("by", "").strip())
        if not by:
            raise invalid([Fault("/by", "is missing: say who you are")])
        if verb == "answer":
            _answer(visit, form, by)
        else:
            _change(visit, form, verb, by)
    except Problem as problem:
        return _show(form, dict(visit.form), problem)
    if verb == "answer":
        return see_other("/ui/forms?" + urlencode({"did": verb, "by": by}))
    place = {"task": form.task, "did": verb, "by": by}
    return see_other(f"/ui/forms/{form.instance}?" + urlencode(place))


def _answer(visit: Visit, form: Form, by: str) -> None:
    """Answer a form. Raises Problem 409, 422."""
    schema = msgspec.json.decode(form.schema)
    value = read_answer(schema, visit.form)
    decision = visit.form.get("decision", "")
    answered, faults = reads.answer_form(
        visit.database, FormAnswer(form.instance, form.task, decision, by, value)
    )
    if faults:
        told = [Fault(of.place.removeprefix(f"/{PREFIX}"), of.message) for of in faults]
        raise invalid(told, "The answer")
    if answered.outcome != "accepted":
        raise Problem(409, f"Refused: {answered.detail}.")


def _change(visit: Visit, form: Form, verb: str, by: str) -> None:
    """Claim, release or reassign a form. Raises Problem 409, 422."""
    keys = [Key(form.instance, form.task)]
    with visit.database.connection() as conn:
        match verb:
            case "claim":
                (decided,) = calls.claim_forms(conn, keys, by)
            case "release":
                (decided,) = calls.release_forms(conn, keys, by)
            case _:
                to = reads.people_of(visit.form.get("to"))
                if to is None:
                    raise invalid([Fault("/to", "is missing: say who is asked instead")])
                (decided,) = calls.reassign_forms(conn, keys, by, to)
    if decided.outcome != "done":
        raise Problem(409, f"Refused: {decided.detail}.")
