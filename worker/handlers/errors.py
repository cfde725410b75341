"""What a handler raises to say how it failed, and the error document that is recorded for it.

An error document is JSON: ``{"code", "message", "type"?, "detail"?, "unknown"?, "retry_after"?}``.
``unknown`` is true where the effect may have happened although the attempt failed; the step is then
compensated too. ``retry_after`` is in seconds and delays the next attempt.
"""

from dataclasses import dataclass
from typing import Any

import msgspec

MESSAGE_LIMIT = 4_000
"""Characters of an error message that are kept; the middle of a longer one is left out."""
DETAIL_LIMIT = 16_000
"""Bytes of a detail as JSON; a larger one is replaced by a remark about its size."""

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=repr)


class TaskError(Exception):
    """A failure with a code. Raise one of its subclasses.

    ``code`` names the kind of failure (``invoice.empty``) for retry policies, operators and
    statistics. ``detail`` is any value that has a JSON form. ``unknown`` is true where the effect
    may have happened.
    """

    code = "task.failed"
    retryable = True
    unknown = False
    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        detail: Any = None,
        unknown: bool | None = None,
    ) -> None:
        super().__init__(message)
        self.detail = detail
        if code is not None:
            self.code = code
        if unknown is not None:
            self.unknown = unknown


class PermanentError(TaskError):
    """The task cannot succeed as it stands: no retry follows."""

    code = "task.permanent"
    retryable = False


class RetryableError(TaskError):
    """The task may succeed later. ``retry_after`` (seconds) asks for at least that delay."""

    code = "task.retryable"

    def __init__(
        self,
        message: str,
        *,
        retry_after: float | None = None,
        code: str | None = None,
        detail: Any = None,
        unknown: bool | None = None,
    ) -> None:
        super().__init__(message, code=code, detail=detail, unknown=unknown)
        self.retry_after = retry_after


class UnknownOutcome(TaskError):
    """The effect may or may not have happened: the answer was lost on the way.

    It is tried again unless ``retryable`` is false: leave it true where the receiver honours the
    idempotency key, or where a second effect does no harm.
    """

    code = "task.unknown_outcome"
    unknown = True

    def __init__(
        self,
        message: str,
        *,
        retryable: bool = True,
        code: str | None = None,
        detail: Any = None,
    ) -> None:
        super().__init__(message, code=code, detail=detail)
        self.retryable = retryable


class Cancelled(TaskError):
    """What ``Context.raise_if_cancelled`` raises in a task that was told to stop.

    Half of the effect may have happened, so the outcome counts as unknown.
    """

    code = "task.cancelled"
    unknown = True


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed attempt as it is recorded: the error document, and whether a retry makes sense."""

    error: dict[str, Any]
    retryable: bool


def fault(
    code: str,
    message: str,
    *,
    retryable: bool = False,
    unknown: bool = False,
    retry_after: float | None = None,
    detail: Any = None,
    type_name: str | None = None,
) -> Fault:
    """Return a fault whose document is sure to be accepted: short enough, and text that is text."""
    error: dict[str, Any] = {"code": _text(code, 200), "message": _text(message, MESSAGE_LIMIT)}
    if type_name is not None:
        error["type"] = _text(type_name, 200)
    if detail is not None:
        error["detail"] = _plain(detail)
    if unknown:
        error["unknown"] = True
    if retry_after is not None and 0 <= retry_after < 1e9:
        error["retry_after"] = retry_after
    return Fault(error, retryable)


def describe(error: BaseException) -> Fault:
    """Return the fault that an exception of a handler means."""
    name = type(error).__name__
    if isinstance(error, TaskError):
        return fault(
            error.code,
            str(error),
            retryable=error.retryable,
            unknown=error.unknown,
            retry_after=error.retry_after,
            detail=error.detail,
            type_name=name,
        )
    # An exception is an answer: the handler says that its effect did not happen. One that cannot
    # say so raises UnknownOutcome.
    message = str(error) or f"the handler raised {name}"
    return fault(f"exception.{name}", message, retryable=True, type_name=name)


def _text(value: str, limit: int) -> str:
    """Return ``value`` as text that a jsonb column takes: no NUL, no lone surrogates, bounded."""
    clean = value.replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8")
    if len(clean) <= limit:
        return clean
    half = limit // 2
    return f"{clean[:half]} … {len(clean) - 2 * half} characters left out … {clean[-half:]}"


def _plain(detail: Any) -> Any:
    """Return ``detail`` as JSON that a jsonb column takes; what cannot be is told in words."""
    try:
        encoded = _encoder.encode(detail)
        msgspec.json.decode(encoded)  # a Decimal NaN is written, and is not JSON
    except (TypeError, ValueError, RecursionError, msgspec.MsgspecError) as error:
        return f"a detail of type {type(detail).__name__} that has no JSON form: {error}"
    if len(encoded) > DETAIL_LIMIT:
        return f"a detail of {len(encoded)} bytes was left out; the limit is {DETAIL_LIMIT}"
    if rb"\u0000" in encoded:
        return "a detail with a NUL character was left out; Postgres cannot keep it"
    return msgspec.Raw(encoded)
