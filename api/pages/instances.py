"""/ui/instances: finding instances, and seeing one of them."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Final
from urllib.parse import urlencode
from uuid import UUID

import msgspec
from msgspec.structs import replace
from starlette.responses import Response

from ...engine import calls
from ...engine.calls.reads import ids_from
from ..accounts.visitor import in_the_name_of
from ..database import Connection
from ..problems import Fault, Problem, invalid, not_found
from ..reads import instances as reads
from ..reads.overview import STATES
from ..reads.signals import send_signal
from ..schemas.instances import AllInstancesQuery, InstancePage, Reason
from .charts import NO_LIFE, make_lives
from .page import Visit, see_other, typed_json, unless_refused
from .render import render
from .scopes import KEPT, read_inside

FILTERS: Final = (
    "workflow",
    "id",
    "key",
    "input",
    "label",
    "status",
    "suspended",
    "parent",
    "started_after",
    "started_before",
)
WHOLE: Final = 32
"""Digits of an id."""
MOST_OF_LOG: Final = 200
"""Entries of the log that a page shows unless more are asked for: each is half a KB of it."""
Decide = Callable[[Connection, Sequence[UUID]], list[calls.Decided]]
DECISIONS: Final[dict[str, Decide]] = {
    "cancel": calls.cancel_instances,
    "suspend": calls.suspend_instances,
    "resume": calls.resume_instances,
}


def instance_id(visit: Visit) -> UUID:
    """Return the instance that the path names. Raises Problem 404."""
    try:
        return UUID(visit.path["instance"])
    except ValueError:
        raise not_found(f"instance {visit.path['instance']!r}") from None


def show_instances(visit: Visit) -> Response:
    """List instances."""

    def read() -> InstancePage:
        query = visit.read_query(AllInstancesQuery)
        if typed := visit.given("input").get("input"):
            query = replace(query, fields=_pair(typed, "query.input", "order=O-36"))
        if typed := visit.given("label").get("label"):
            query = replace(query, labels=_pair(typed, "query.label", "customer=ACME"))
        return reads.list_instances(visit.database, query, query.workflow)

    found, problem = unless_refused(read, InstancePage([], None))
    kept = visit.given(*FILTERS)
    following = "?" + urlencode({**kept, "cursor": found.next}) if found.next else None
    return render(
        "instances.html",
        {
            "page": found,
            "given": kept,
            "following": following,
            "states": STATES,
            "problem": problem,
        },
        problem.status if problem else 200,
    )


def _pair(text: str, place: str, such_as: str) -> dict[str, str]:
    """Read what was typed as NAME=VALUE. Raises Problem 422."""
    name, equals, value = text.partition("=")
    name = name.strip().removeprefix("$.").removeprefix("input.")
    if not equals or not name or "\0" in text:
        raise invalid([Fault(place, f"is not NAME=VALUE, such as {such_as}")])
    return {name: value.strip()}


def show_instance(visit: Visit) -> Response:
    """Show one instance; by the beginning of its id the browser is sent on to it."""
    typed = visit.path["instance"]
    if len(typed.replace("-", "")) < WHOLE and ids_from(typed):
        query = AllInstancesQuery(id=typed, limit=2)
        begun = reads.list_instances(visit.database, query).items
        if begun:
            one = f"/{begun[0].id}" if len(begun) == 1 else "?" + urlencode({"id": typed})
            return see_other(f"/ui/instances{one}")
    wanted = reads.MOST_OF_SCOPES if visit.given("log") else MOST_OF_LOG
    found = reads.read_instance(visit.database, instance_id(visit), most_of_scopes=wanted)
    because = reads.explain(visit.database, found.id).because if not found.ended_at else []
    until = found.ended_at or datetime.now(UTC)
    inside = read_inside(visit, found)
    open_tasks = {task.task for task in inside.shown() if task.open}
    # A log that is not whole, and without claims, tells of no task how long it waited and ran.
    tail = found.truncated and found.scopes > 0  # then it was read from its end
    log = [] if tail else found.log
    begins = found.truncated and not tail  # and then from its beginning
    few = found.log[:MOST_OF_LOG] if begins else found.log[-MOST_OF_LOG:]
    shown = found.log if visit.given("log") else few
    cut = tail and len(found.log) == MOST_OF_LOG  # more were not read
    kept = visit.given(*KEPT)
    return render(
        "instance.html",
        {
            "instance": found,
            "labels": msgspec.json.decode(found.labels, type=dict[str, str]),
            "because": because,
            "trace_url": visit.trace_url.replace("{trace_id}", found.trace),
            "signals": _signals(because),
            "inside": inside,
            "has_children": any(task.child for task in inside.shown()),
            "lives": make_lives(log, open_tasks, found.started_at, until),
            "no_life": NO_LIFE,
            "until": until,
            "refresh": "refresh" in visit.query,
            "log": shown,
            "log_begins": begins,
            "log_is_tail": tail,
            "log_length": reads.MOST_OF_SCOPES if cut else len(found.log),
            "more_log": "?" + urlencode({**kept, "log": "all"}),
            "kept": urlencode({**kept, **visit.given("log")}),
        },
    )


def _signals(because: Sequence[Reason]) -> list[str]:
    """Return the names of the signals that its steps wait for."""
    given = [reason.advice for reason in because if reason.advice is not None]
    return sorted({each.args["signal"] for each in given if each.verb == "signal"})


def _signal(visit: Visit, instance: UUID) -> Response:
    """Send the signal that was typed. Raises Problem 404, 409, 422."""
    payload = typed_json(visit.form.get("payload", "").strip() or "null", "/payload")
    name = visit.form.get("name", "")
    with visit.database.connection() as conn:
        send_signal(conn, calls.Signal(instance, name, payload))
    return see_other(f"/ui/instances/{instance}")


def decide(visit: Visit) -> Response:
    """Carry out an operator's decision about an instance, or send it a signal."""
    wanted = instance_id(visit)
    if visit.path["decision"] == "signal":
        return _signal(visit, wanted)
    decision = _decision(visit)
    with visit.database.connection() as conn:
        (decided,) = decision(conn, [wanted])
    if decided.outcome == "unknown":
        raise not_found(f"instance {wanted}")
    if decided.outcome == "refused":
        raise Problem(409, f"Refused: {decided.detail}.")
    return see_other(f"/ui/instances/{wanted}")


def _decision(visit: Visit) -> Decide:
    """Return what is to be done. Raises Problem 404, and 422 where it is not said with what."""
    verb = visit.path["decision"]
    if verb == "erase":
        by = in_the_name_of(visit.form.get("by", "").strip())
        if not by:
            raise invalid([Fault("/by", "is missing: say who wants the payloads to be erased")])
        return partial(calls.erase_instances, by=by)
    if verb == "label":
        labels = _pair(visit.form.get("label", ""), "/label", "customer=ACME")
        given = {name: value or None for name, value in labels.items()}
        return partial(calls.set_labels, labels=given)
    if verb not in DECISIONS:
        raise not_found(f"decision {verb!r}")
    return DECISIONS[verb]
