"""Calls about webhooks: what receives the requests of other services."""

from typing import Any, Final, Literal, LiteralString, cast
from uuid import UUID

import msgspec

from ...json_text import Json
from ...tracing import Trace
from ...webhooks import Signature
from ..base import Connection, Record, fetch, fetch_value, json_of, trace_of, word
from ..slow_expressions import in_time

RECEIVE_WEBHOOK: Final[LiteralString] = """
select outcome, instance_id, error
  from onceflow.receive_webhook(p_workflow => %s::text, p_trigger => %s::text,
                                p_request => %s::jsonb, p_id => %s::uuid,
                                p_trace => %s::jsonb)"""

NOTE_WEBHOOK_REFUSALS: Final[LiteralString] = """
select onceflow.note_webhook_refusals(p_workflow => %s::text, p_trigger => %s::text,
                                      p_code => %s::text, p_message => %s::text,
                                      p_times => %s::bigint)"""


class Webhook(Record, frozen=True):
    """A webhook: how its sender signs (None: not at all), by which secrets.

    ``preset`` is the sender's name where it is one that we know, ``form`` the field in which its
    forms bring JSON.
    """

    workflow: str
    trigger: str
    signature: Signature | None
    secrets: list[str]
    preset: str | None
    form: str | None


OUTCOMES: Final = ("started", "exists", "passed", "failed", "paused", "disabled", "unknown")


class Received(Record, frozen=True):
    """What a delivery came to.

    ``exists``: its key was that of an earlier one. ``passed``: the webhook's `when` does not hold.
    ``failed``: nothing was started; ``error`` {code, message} says why. ``paused``, ``disabled``:
    an operator lets nothing start. ``unknown``: there is no such webhook.
    """

    outcome: Literal["started", "exists", "passed", "failed", "paused", "disabled", "unknown"]
    instance_id: UUID | None
    error: dict[str, Any] | None


def find_webhook(conn: Connection, workflow: str, trigger: str) -> Webhook | None:
    """Return a webhook by its workflow's name and its own id, or None."""
    asked: LiteralString = (
        "select workflow, trigger, spec from onceflow.triggers"
        " where workflow = %s and trigger = %s and kind = 'webhook'"
    )
    for name, own, spec in fetch(conn, asked, (workflow, trigger)):
        said = cast("dict[str, Any]", spec)
        signature = said.get("signature")
        return Webhook(
            name,
            own,
            None if signature is None else msgspec.convert(signature, Signature),
            said.get("secrets", []),
            said.get("preset"),
            said.get("form"),
        )
    return None


def receive_webhook(
    conn: Connection,
    workflow: str,
    trigger: str,
    request: Json,
    instance_id: UUID,
    trace: Trace | None = None,
) -> Received:
    """Start an instance for a request whose signature was checked.

    ``request`` is {body, headers, query} as JSON text, ``instance_id`` of ``engine.ids.make_ids``:
    a call whose reply was lost is repeated with the same. ``trace`` is a W3C trace context.
    """
    parameters = (workflow, trigger, json_of(request), instance_id, trace_of(trace))
    ((outcome, started, error),) = in_time(conn, lambda: fetch(conn, RECEIVE_WEBHOOK, parameters))
    return Received(word(outcome, *OUTCOMES), started, error)


def note_webhook_refusals(
    conn: Connection, workflow: str, trigger: str, code: str, message: str, times: int
) -> bool:
    """Count requests that were not taken for the sender's; False where there is no such webhook."""
    parameters = (workflow, trigger, code, message, times)
    return fetch_value(conn, NOTE_WEBHOOK_REFUSALS, parameters)
