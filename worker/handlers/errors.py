"""What a handler raises to say how it failed; ``faults.py`` makes what is recorded of it."""

from typing import Any


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
