"""How what waits by itself comes into each of the states of the table, by public calls alone."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from ...play import Play, pass_time
from ..subject import Subject

Json = Any
UNDO = {"task": "work", "compensate": {"task": "undo"}}
DONE = {"id": "first", **UNDO}
SIGNAL = {"wait_for": "paid", "timeout": "30m"}
EVENT = {"wait_for": {"event": "paid", "key": "36"}, "timeout": "30m"}
FORM = {"approve": {"title": "pay?", "to": "ada", "due": "30m"}}
CHILD = {"workflow": "ship", "timeout": "30m"}


def _begin(play: Play, step: Json, *others: Json, **more: Json) -> UUID:
    """Start an instance whose step `w` comes due behind one that is done; deliver what is sent."""
    ship = {"name": "ship", "steps": [{"id": "a", **UNDO}]}
    play.deploy(compile_definition(ship))
    steps = [DONE, {"id": "w", **step}, *others]
    document = {"name": "flow", "steps": steps, **more}
    instance = play.begin(compile_definition(document))
    play.complete(instance, "first")
    deliver(play)
    return instance


def deliver(play: Play) -> None:
    """Apply all that is sent."""
    while calls.apply_deliveries(play.conn, 1000):
        pass


def _child(play: Play) -> UUID:
    return play.value("select id from onceflow.instances where parent_id is not null")


def waiting_for(step: Json) -> Callable[[Play], Subject]:
    """Return how a step of this kind comes to wait."""
    return lambda play: Subject(_begin(play, step), "w")


def child_closing(play: Play) -> Subject:
    subject = waiting_for(CHILD)(play)
    calls.cancel_instances(play.conn, [subject.instance])
    return subject


def child_undone(play: Play) -> Subject:
    last = {"id": "last", "task": "work"}
    instance = _begin(play, CHILD, last)
    play.complete(_child(play), "a")
    deliver(play)
    play.fail(instance, "last")
    deliver(play)
    return Subject(instance, "w.compensate")


def child_failed(play: Play) -> Subject:
    instance = _begin(play, CHILD, on_failure="suspend")
    play.fail(_child(play), "a")
    deliver(play)
    return Subject(instance, "w")


def timed_out(play: Play) -> Subject:
    instance = _begin(play, SIGNAL, on_failure="suspend")
    pass_time(play.conn, "31 min")
    play.tick()
    return Subject(instance, "w")


def resting(play: Play, step: Json = SIGNAL) -> Subject:
    document = {"name": "flow", "steps": [DONE, {"id": "w", **step}]}
    instance = play.begin(compile_definition(document))
    grant = play.take(instance, "first")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)
    return Subject(instance, "w")


WAITS: dict[str, Callable[[Play], Subject]] = {
    "WAITING, an event / RUNNING": waiting_for(EVENT),
    "WAITING, a form / RUNNING": waiting_for(FORM),
    "WAITING, a child / RUNNING": waiting_for(CHILD),
    "WAITING, a child / CLOSING": child_closing,
    "WAITING, undoing a child / COMPENSATING": child_undone,
    "READY, to wait for a signal / RUNNING, suspended": resting,
    "READY, to sleep no more / RUNNING, suspended": lambda play: resting(play, {"sleep": 0}),
    "DEAD_LETTER, of a child / RUNNING, dead letter": child_failed,
    "DEAD_LETTER, a wait's timeout / RUNNING, dead letter": timed_out,
}

SENT: dict[str, Callable[[Play], Subject]] = {
    "WAITING, a signal / RUNNING": waiting_for(SIGNAL),
    **WAITS,
}
"""The situations of the table of what is sent."""
