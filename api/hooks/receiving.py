"""Takes the request of a webhook: is it its sender's, and what does it start?

Whoever cannot prove that he is the sender is told nothing but that; what he sent is read no
further, and nothing of it is kept.
"""

import time
from typing import Annotated, Any, Final
from uuid import UUID

import msgspec
import psycopg

from ...engine import calls
from ...engine.ids import make_ids
from ...engine.tracing import Trace
from ...engine.webhooks import Signature, Signed, verify
from ..database import Connection, Database
from ..operation import Answer, Call, Delivery, Nothing
from ..problems import Fault, Problem, invalid
from .bodies import read_request, refuse_encoded
from .greetings import greet
from .refusals import Refused
from .secrets import read_secrets

PAUSED: Final = 300
"""Seconds after which a sender may try a paused webhook again."""
MISSING: Final = 60
"""Seconds after which it may try one whose secret is missing."""


class Delivered(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a delivery came to."""

    started: Annotated[
        bool,
        msgspec.Meta(
            description="Whether an instance was started for it, now or when it was sent before."
        ),
    ]
    id: Annotated[
        UUID | msgspec.UnsetType, msgspec.Meta(description="The instance; the same at each repeat.")
    ] = msgspec.UNSET
    challenge: Annotated[
        str | msgspec.UnsetType, msgspec.Meta(description="What a sender asked to have back.")
    ] = msgspec.UNSET


def receive(call: Call[Nothing, Delivery]) -> Answer:
    """Answer one delivery."""
    delivery = call.body
    refuse_encoded(delivery)
    workflow, trigger = call.path["workflow"], call.path["trigger"]
    with call.context.database.connection() as conn:
        hook = calls.find_webhook(conn, workflow, trigger)
    if hook is None:
        raise Problem(404, "There is no such webhook.")
    signature = hook.signature
    if signature is not None:
        _require_signature(call, hook, signature)
    elif delivery.elsewhere:
        raise Problem(403, "This request was made by a page of another site.")
    request = read_request(delivery, signature, hook.form)
    if greeting := greet(hook.preset, request):
        return Answer(200, Delivered(False, challenge=greeting.challenge))
    received = _receive(call.context.database, hook, request, call.trace)
    return _answer(hook, received)


def _require_signature(
    call: Call[Nothing, Delivery], hook: calls.Webhook, signature: Signature
) -> None:
    """Raise Problem 401 where the delivery is not its sender's, 503 where we cannot tell."""
    secrets, missing = read_secrets(call.context.secrets, hook.secrets)
    request = Signed(call.body.headers_by_name(), call.body.body)
    wrong = verify(signature, secrets, request, time.time())
    if wrong is None:
        return
    refusals = call.context.refusals
    if missing:
        refusals.note(Refused(hook.workflow, hook.trigger, "secret.missing", "; ".join(missing)))
        raise Problem(
            503,
            "This webhook cannot tell at the moment who sends to it: try again later.",
            headers={"Retry-After": str(MISSING)},
        )
    refusals.note(Refused(hook.workflow, hook.trigger, "signature", wrong))
    raise Problem(
        401,
        "The signature of this request is missing, wrong or too old.",
        headers={"WWW-Authenticate": "Signature"},
    )


def _receive(
    database: Database, hook: calls.Webhook, request: bytes, trace: Trace | None
) -> calls.Received:
    """Hand a delivery on, and once more where the connection broke: its id is the same."""
    (instance_id,) = make_ids(1)

    def once(conn: Connection) -> calls.Received:
        return calls.receive_webhook(conn, hook.workflow, hook.trigger, request, instance_id, trace)

    with database.connection() as conn:
        try:
            return once(conn)
        except psycopg.Error:
            if not conn.broken:
                raise
    with database.connection() as conn:
        return once(conn)


def _answer(hook: calls.Webhook, received: calls.Received) -> Answer:
    match received.outcome:
        case "started" | "exists":
            # Slack takes nothing else for an answer to a command or a click.
            status = 200 if hook.preset == "slack" else 202
            return Answer(status, Delivered(True, received.instance_id or msgspec.UNSET))
        case "passed":
            return Answer(202, Delivered(False))
        case "paused" | "disabled":
            raise Problem(
                503,
                "This webhook takes nothing at the moment: send it again later.",
                headers={"Retry-After": str(PAUSED)},
            )
        case "failed":
            raise invalid(_faults(received.error), "What was sent")
        case _:  # taken away since it was looked for
            raise Problem(404, "There is no such webhook.")


def _faults(error: Any) -> list[Fault]:
    """Return what is wrong with the input that was made of a delivery."""
    listed = error.get("faults") or [{"place": "", "message": error["message"]}]
    return [Fault(one["place"], one["message"]) for one in listed]
