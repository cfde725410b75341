"""What is alike for handlers of all kinds: how they are called, and what an exception means."""

import asyncio
import logging
from dataclasses import replace
from typing import Any, cast

from ...engine import failpoints
from ...engine.secrets import Secrets
from ..handlers.conversion import InputInvalid
from ..handlers.faults import Fault, describe, fault, masked_fault
from ..handlers.registry import Handler
from ..handlers.secrets import SecretsMissing, fill_secrets
from ..handlers.texts import text_of, type_name
from .attempt import Attempt
from .traced import of_grant

log = logging.getLogger("onceflow.worker")


def begin(attempt: Attempt, handler: Handler, secrets: Secrets) -> Any:
    """Convert the input, note that the handler is about to run, and call it.

    An async one gives a coroutine. Raises InputInvalid and SecretsMissing: then it has not run.
    """
    input_json = attempt.grant.input_json
    if attempt.grant.extra_json is not None:
        input_json, attempt.mask = fill_secrets(input_json, attempt.grant.extra_json, secrets)
        attempt.context.mask = attempt.mask
    arguments = handler.arguments(input_json, attempt.context)
    attempt.started = True
    failpoints.hit("worker.in_handler")
    return handler.function(*arguments[0], **arguments[1])


def tell_masked(attempt: Attempt) -> None:
    """Warn of an answer that held secrets."""
    if attempt.mask is not None and attempt.mask.told:
        names = ", ".join(sorted(attempt.mask.told))
        grant = attempt.grant
        told = of_grant(grant)
        log.warning("%s: its answer held the secret %s, masked there", grant.key, names, extra=told)


def fault_of(attempt: Attempt, error: BaseException) -> Fault:
    """Return what an exception means for its attempt; raises nothing: isinstance() might.

    Before the handler has run, and where its effects are rolled back, the outcome is known.
    """
    transactional = attempt.handler is not None and attempt.handler.transactional
    unknown = attempt.started and not transactional
    if issubclass(type(error), InputInvalid):
        found = fault("input.invalid", text_of(error))
        if getattr(error, "unknown_field", False):  # a worker of another release may know it
            found.error["unknown_field"] = True
    elif issubclass(type(error), SecretsMissing):  # another worker may have them, or this one soon
        found = fault("secret.missing", text_of(error), retryable=True)
        found.error["missing_secrets"] = cast("SecretsMissing", error).names
    elif issubclass(type(error), asyncio.CancelledError) and attempt.context.cancelled:
        message = "the handler was cancelled, as its task was told to stop"
        found = fault("task.cancelled", message, retryable=True, unknown=unknown)
    else:
        found = describe(error, unknown=unknown)
        if attempt.handler is not None and attempt.handler.refuses_retry(error):
            found = replace(found, never_again=True)
    found = masked_fault(found, attempt.mask)
    try:
        logger = attempt.context.logger
        logger.debug("attempt %d raised", attempt.grant.attempt, exc_info=error)
    except BaseException as raised:  # of a log handler, or of the error's own text
        log.warning("a failed attempt could not be logged: %s", type_name(raised))
    return found
