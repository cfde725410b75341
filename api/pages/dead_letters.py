"""/ui/dead-letters: what failed for good, and the forms by which a person decides about it."""

from typing import Final, Literal
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from starlette.responses import Response

from ...engine import calls
from ...engine.calls import Decided, Key
from ..problems import Fault, Problem, invalid, not_found
from ..reads.dead_letters import find_dead_letters, list_dead_letters
from ..schemas.dead_letters import DeadLetterFilter, DeadLetterPage, DeadLettersQuery
from .page import Visit, see_other, typed_json, unless_refused
from .render import render

FILTERS: Final = ("workflow", "step", "code", "queue", "instance")
MOST_AT_ONCE: Final = 1000
NONE: Final = DeadLetterPage([], None)
DONE: Final = {"redrive": "tried again", "skip": "skipped", "discard": "discarded"}


class Told(msgspec.Struct, frozen=True):
    """What the page tells after a decision."""

    did: Literal["redrive", "skip", "discard"] | None = None
    done: int = 0
    refused: int = 0


class Typed(msgspec.Struct, frozen=True):
    """What was typed into the form of a decision that was refused."""

    verb: str
    task: str
    json: str


def show_dead_letters(visit: Visit) -> Response:
    """List open dead letters."""
    found, problem = unless_refused(
        lambda: list_dead_letters(visit.database, visit.read_query(DeadLettersQuery)), NONE
    )
    kept = visit.given(*FILTERS)
    following = "?" + urlencode({**kept, "cursor": found.next}) if found.next else None
    return _show(found, kept, problem, told=visit.read_query(Told), following=following)


def _show_again(visit: Visit, verb: str, problem: Problem) -> Response:
    """Show the dead letters of an instance with what was typed for one of them."""
    given = {"instance": visit.form.get("instance", "")}
    found, _ = unless_refused(
        lambda: list_dead_letters(visit.database, visit.read(given, DeadLettersQuery)), NONE
    )
    typed = Typed(verb, visit.form["task"], visit.form.get("json", ""))
    return _show(found, given, problem, typed=typed)


def _show(
    found: DeadLetterPage,
    given: dict[str, str],
    problem: Problem | None,
    *,
    told: Told | None = None,
    typed: Typed | None = None,
    following: str | None = None,
) -> Response:
    shown = {
        "page": found,
        "given": given,
        "problem": problem,
        "told": told or Told(),
        "typed": typed,
        "following": following,
        "words": DONE,
        "most": MOST_AT_ONCE,
    }
    return render("dead_letters.html", shown, problem.status if problem else 200)


def decide(visit: Visit) -> Response:
    """Carry out a decision about one dead letter, or about all that match a filter."""
    verb = visit.path["decision"]
    if verb not in DONE:
        raise not_found(f"decision {verb!r}")
    one = bool(visit.form.get("task"))
    try:
        decided = _decide_one(visit, verb) if one else _decide_matching(visit, verb)
    except Problem as problem:
        if not one:
            raise
        return _show_again(visit, verb, problem)
    refused = [of for of in decided if of.outcome != "done"]
    if one and refused:
        return _show_again(visit, verb, Problem(409, f"Refused: {refused[0].detail}."))
    told = {"did": verb, "done": len(decided) - len(refused), "refused": len(refused)}
    kept = {} if one else {name: visit.form[name] for name in FILTERS if visit.form.get(name)}
    return see_other("/ui/dead-letters?" + urlencode(told | kept))


def _decide_one(visit: Visit, verb: str) -> list[Decided]:
    try:
        key = Key(UUID(visit.form.get("instance", "")), visit.form["task"])
    except ValueError:
        raise invalid([Fault("/instance", "is no id of an instance")]) from None
    given = visit.form.get("json", "").strip()
    json = typed_json(given, "/json") if given else None
    with visit.database.connection() as conn:
        if verb == "redrive":
            return calls.redrive_dead_letters(conn, [key], None if json is None else [json])
        if verb == "skip":
            return calls.skip_dead_letters(conn, [key], [json or msgspec.Raw(b"null")])
        return calls.discard_dead_letters(conn, [key])


def _decide_matching(visit: Visit, verb: str) -> list[Decided]:
    wanted = visit.read_form(DeadLetterFilter)
    keys = find_dead_letters(visit.database, wanted, MOST_AT_ONCE)
    if not keys:
        return []
    with visit.database.connection() as conn:
        if verb == "redrive":
            return calls.redrive_dead_letters(conn, keys)
        if verb == "skip":
            return calls.skip_dead_letters(conn, keys, [msgspec.Raw(b"null")] * len(keys))
        return calls.discard_dead_letters(conn, keys)
