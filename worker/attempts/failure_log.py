"""The one line that a worker logs of an attempt that failed."""

import logging
from typing import Any

from ...engine.calls import Grant
from .traced import of_grant

log = logging.getLogger("onceflow.worker")


def warn_of_failure(grant: Grant, error: dict[str, Any], state: str | None) -> None:
    """Warn of an attempt that was answered by ``error``; ``state`` is what became of its task."""
    code = error.get("code")
    fields = {
        "task": grant.task,
        "attempt": grant.attempt,
        "key": grant.key,
        "code": code,
        "fingerprint": error.get("fingerprint"),
        "state": state,
        "handler": grant.handler,
        "workflow": grant.workflow,
        "version": grant.version,
    }
    values = (grant.key, grant.attempt, state, code, error.get("message"))
    log.warning("%s: attempt %d failed (%s): %s: %s", *values, extra=of_grant(grant, **fields))
