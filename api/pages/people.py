"""/ui/people: who may log in, for admins."""

from collections.abc import Mapping
from typing import Final

import msgspec
from starlette.responses import Response

from ...engine import calls
from ...engine.accounts.passwords import hash_password
from ...engine.accounts.roles import WORDS
from ..accounts.visitor import require_known
from ..problems import Fault, Problem, invalid, not_found
from ..reads.accounts import change_person
from .page import Visit, refusal_of, see_other
from .render import render

DECISIONS: Final = ("create", "set-role", "set-password", "disable", "enable")


class Wanted(msgspec.Struct, frozen=True):
    """What the form of a new person says."""

    name: str
    role: str


def show_people(visit: Visit) -> Response:
    """List people."""
    return _show(visit)


def change_people(visit: Visit) -> Response:
    """Let somebody log in, or change what he may."""
    require_known()
    if visit.path["decision"] not in DECISIONS:
        raise not_found(f"decision {visit.path['decision']!r}")
    try:
        _change(visit, visit.path["decision"])
    except Exception as error:
        return _show(visit, refusal_of(error))
    return see_other("/ui/people")


def _change(visit: Visit, decision: str) -> None:
    """Carry out a decision. Raises Problem, BadArgument, Refused."""
    name, role = visit.form.get("name", ""), visit.form.get("role", "")
    sets = decision in ("create", "set-password")
    password = hash_password(visit.form.get("password", "")) if sets else None
    if decision == "create":
        wanted = visit.read_form(Wanted)
        with visit.database.connection() as conn:
            calls.create_person(conn, wanted.name, wanted.role, password)
        return
    if decision == "set-role" and not role:
        raise invalid([Fault("/role", "is missing")])
    disabled = {"disable": True, "enable": False}.get(decision)
    given = role if decision == "set-role" else None
    change_person(visit.database, name, role=given, password=password, disabled=disabled)


def _show(visit: Visit, problem: Problem | None = None) -> Response:
    with visit.database.connection() as conn:
        people = calls.list_people(conn)
    typed: Mapping[str, str] = visit.form if problem else {}
    shown = {"people": people, "problem": problem, "roles": WORDS, "typed": typed}
    return render("people.html", shown, problem.status if problem else 200)
