"""The secrets by which webhooks know their senders: those of this process."""

from collections.abc import Iterable
from typing import Final, LiteralString

import msgspec

from ...engine.secrets import SecretMissing, Secrets
from ..database import Connection, rows
from ..schemas.system import MissingHookSecret

WEBHOOKS: Final[LiteralString] = """
select workflow, trigger, spec -> 'secrets' as secrets
  from onceflow.triggers
 where kind = 'webhook' and paused_at is null order by workflow, trigger limit 1000"""


class _Webhook(msgspec.Struct, frozen=True):
    workflow: str
    trigger: str
    secrets: msgspec.Raw


def read_secrets(secrets: Secrets, names: Iterable[str]) -> tuple[list[str], list[str]]:
    """Return the secrets that are there, and in words those that are not."""
    found: list[str] = []
    missing: list[str] = []
    for name in names:
        try:
            found.append(secrets.read(name, "api"))
        except SecretMissing as error:
            missing.append(str(error))
    return found, missing


def missing_hook_secrets(conn: Connection, secrets: Secrets) -> list[MissingHookSecret]:
    """Return which webhooks lack a secret in this process."""
    return [
        MissingHookSecret(webhook.workflow, webhook.trigger, why)
        for webhook in rows(conn, _Webhook, WEBHOOKS)
        for why in read_secrets(secrets, msgspec.json.decode(webhook.secrets, type=list[str]))[1]
    ]
