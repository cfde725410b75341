"""Senders whose way of signing is known by name."""

from collections.abc import Mapping
from typing import Final

import msgspec

from .signature import Signature


class Preset(msgspec.Struct, frozen=True):
    """A sender: how it signs, what tells its deliveries apart.

    ``key`` is an expression, the idempotency key of a delivery; ``form`` the field in which a form
    brings JSON. What it asks without meaning an instance is answered in api/hooks/greetings.
    """

    signature: Signature
    key: str
    form: str | None = None


PRESETS: Final[Mapping[str, Preset]] = {
    "github": Preset(
        Signature("X-Hub-Signature-256", format="sha256={hex}"),
        key="$.headers.x-github-delivery",
        form="payload",
    ),
    "stripe": Preset(
        Signature("Stripe-Signature", format="t={time},v1={hex}", signed="{time}.{body}"),
        key="$.body.id",
    ),
    "slack": Preset(
        Signature(
            "X-Slack-Signature",
            format="v0={hex}",
            signed="v0:{time}:{body}",
            timestamp="X-Slack-Request-Timestamp",
        ),
        # Of events; then of commands and clicks, which are not sent again.
        key="$.body.event_id | default($.body.trigger_id) | default(null)",
        form="payload",
    ),
}
