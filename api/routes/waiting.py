"""/instances/{instanceId}/signals and /events: what instances wait for."""

from typing import Any, Final, cast

from ...engine import calls, failpoints
from ...engine.accounts.roles import Role
from ...engine.calls import NamedEvent, Signal
from ...engine.calls.waiting import AT_ONCE
from ..operation import Call, Nothing, Operation
from ..problems import Fault, Problem, invalid
from ..reads.signals import send_signal
from ..schemas.waiting import EventAnswer, EventRequest, SignalAnswer, SignalRequest
from ..schemas.words import given


def signal(call: Call[Nothing, SignalRequest]) -> SignalAnswer:
    """Send a signal to an instance."""
    instance, name = call.uuid("instanceId", "instance"), call.path["name"]
    payload = given(call.body.payload, b"null")
    with call.context.database.connection() as conn:
        sent = send_signal(conn, Signal(instance, name, payload, call.body.key))
    failpoints.hit("api.after_send")
    return SignalAnswer(instance, cast(Any, sent.outcome), sent.task, sent.detail)


def send_event(call: Call[Nothing, EventRequest]) -> EventAnswer:
    """Send an event to whoever waits for it."""
    body = call.body
    event = NamedEvent(body.name, body.key, given(body.payload, b"null"), body.id)
    with call.context.database.connection() as conn:
        (sent,) = calls.send_events(conn, [event])
        failpoints.hit("api.after_send")
        if sent.waited:
            calls.apply_deliveries(conn, AT_ONCE)
    if sent.outcome == "invalid":
        raise invalid([Fault("", sent.detail)])
    if sent.outcome == "conflict":
        raise Problem(409, f"Refused: {sent.detail}.")
    return EventAnswer(sent.id, cast(Any, sent.outcome), sent.waited)


OPERATIONS: Final = [
    Operation(
        method="POST",
        path="/instances/{instanceId}/signals/{name}",
        name="signalInstance",
        role=Role.STARTER,
        tag="signals and events",
        summary="Send a signal to an instance",
        description="A step `wait_for: NAME` that waits for it gives the payload; where none waits "
        "the signal is kept, and the next that begins to wait takes the oldest. An instance that "
        "has ended, or is ending, takes none. Where its definition declares `signals` it takes no "
        "others, and a payload must fit its schema: else 422.",
        handler=signal,
        body=SignalRequest,
        body_required=False,
        answers={200: SignalAnswer},
        problems=(409,),
    ),
    Operation(
        method="POST",
        path="/events",
        name="sendEvent",
        role=Role.STARTER,
        tag="signals and events",
        summary="Send an event to whoever waits for it",
        description="Every step that waits for its name and key gives the payload; those that "
        "begin to wait later take it while it is kept.",
        handler=send_event,
        body=EventRequest,
        answers={200: EventAnswer},
        problems=(409,),
    ),
]
