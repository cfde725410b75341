"""What the tests of waiting have in common: one instance, and signals that are sent to it."""

from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls import SentSignal, Signal
from onceflow.engine.definition import compile_definition

from ...play import Play

Json = Any
WORK = {"task": "work"}


def begin(play: Play, *steps: dict[str, Any], given: Json = None, **more: Any) -> UUID:
    """Start an instance of these steps; further arguments are keys of the workflow."""
    document = {"name": "flow", "steps": list(steps), **more}
    return play.start(play.deploy(compile_definition(document)), given)


def send(
    play: Play, instance: UUID, name: str, payload: Json = None, key: str | None = None
) -> SentSignal:
    """Send one signal."""
    (sent,) = calls.send_signals(play.conn, [Signal(instance, name, payload, key)])
    return sent


def whole(play: Play) -> bool:
    """Tell whether the checks find nothing wrong; what they find fails the test."""
    assert calls.check_instances(play.conn) == []
    return True
