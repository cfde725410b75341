"""/ui/keys: the keys of programs, for admins; a new one is shown once."""

from collections.abc import Mapping
from typing import Annotated

import msgspec
from starlette.responses import Response

from ...engine import calls
from ...engine.accounts.roles import WORDS
from ..accounts.visitor import require_known
from ..problems import Problem, not_found
from ..reads.accounts import create_key, revoke_key
from .page import Visit, refusal_of, see_other
from .render import render


class Wanted(msgspec.Struct, frozen=True):
    """What the form of a new key says."""

    name: str
    role: str
    days: Annotated[int, msgspec.Meta(ge=1, le=36500)] | None = None


def show_keys(visit: Visit) -> Response:
    """List keys."""
    return _show(visit)


def change_keys(visit: Visit) -> Response:
    """Make a key, and show it this once; or revoke one."""
    require_known()
    match visit.path["decision"]:
        case "create":
            try:
                return _show(visit, made=_create(visit))
            except Exception as error:
                return _show(visit, problem=refusal_of(error))
        case "revoke":
            revoke_key(visit.database, visit.form.get("name", ""))
            return see_other("/ui/keys")
        case other:
            raise not_found(f"decision {other!r}")


def _create(visit: Visit) -> tuple[str, str]:
    """Return the name of a new key, and itself."""
    wanted = visit.read_form(Wanted)
    return wanted.name, create_key(visit.database, wanted.name, wanted.role, wanted.days)


def _show(
    visit: Visit, made: tuple[str, str] | None = None, problem: Problem | None = None
) -> Response:
    with visit.database.connection() as conn:
        keys = calls.list_api_keys(conn)
    typed: Mapping[str, str] = visit.form if problem else {}
    shown = {"keys": keys, "made": made, "problem": problem, "roles": WORDS, "typed": typed}
    return render("keys.html", shown, problem.status if problem else 200)
