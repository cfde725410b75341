"""The error document of a failed attempt: whatever a handler raised, it can be written and kept.

An error document is JSON: ``{"code", "message", "fingerprint", "type"?, "cause"?, "traceback"?,
"detail"?, "unknown"?, "retry_after"?}``, of some 16 KB at most. ``unknown`` is true where the
effect may have happened although the attempt failed; the step is then compensated too.
``retry_after`` is in seconds and delays the next attempt. Of the others tell ``fingerprints.py``
and ``traces.py``.

An exception is an object of strangers. Its text, its attributes and its detail may raise, or be of
any type, so each is read on its own, and nothing here ever raises.
"""

from dataclasses import dataclass, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

import msgspec

from ...engine.payloads import payload_fault
from ...engine.redact import SecretMask, masked_json
from .errors import Cancelled, PermanentError, RetryableError, TaskError, UnknownOutcome
from .fingerprints import fingerprint
from .texts import keepable, text_of, type_name
from .traces import Trace, trace

MESSAGE_LIMIT = 4_000
"""Characters of an error message that are kept; the middle of a longer one is left out."""
DETAIL_LIMIT = 6_000
"""Bytes of a detail as JSON; a larger one is replaced by a remark about its size."""
LONGEST_DELAY = 1e9
"""Seconds that an exception may ask for before the next attempt, at most."""
MEMBERS = 5
"""Exceptions of a group that its message names."""

NOWHERE: Final = Trace({}, "")

_encoder = msgspec.json.Encoder(decimal_format="number", enc_hook=repr)


@dataclass(frozen=True, slots=True)
class Fault:
    """A failed attempt as it is recorded: the error document, and whether a retry makes sense.

    ``never_again``: its exception is of a type that the handler's own policy does not try again.
    """

    error: dict[str, Any]
    retryable: bool
    never_again: bool = False


UNDESCRIBED: Final = Fault(
    {
        "code": "exception.undescribed",
        "message": "the handler failed by an exception that cannot be described",
        "fingerprint": fingerprint("exception.undescribed", "", "", ""),
        "unknown": True,
    },
    True,
)
"""The last resort, there before it is needed: taking it is no call that could fail too."""


def fault(
    code: str,
    message: str,
    *,
    retryable: bool = False,
    unknown: bool = False,
    retry_after: float | None = None,
    detail: Any = None,
    raised: BaseException | None = None,
) -> Fault:
    """Return a fault whose document is sure to be accepted: short enough, and text that is text.

    ``raised`` is the exception that it tells of: its type and its origin are recorded.
    """
    code, message = keepable(code, 200), keepable(message, MESSAGE_LIMIT)
    error: dict[str, Any] = {"code": code, "message": message}
    origin = NOWHERE if raised is None else trace(raised)
    if raised is not None:
        error["type"] = keepable(type_name(raised), 200)
    error |= origin.fields
    error["fingerprint"] = fingerprint(code, error.get("type", ""), origin.where, message)
    if detail is not None:
        error["detail"] = _plain(detail)
    if unknown:
        error["unknown"] = True
    if retry_after is not None:
        error["retry_after"] = retry_after
    return Fault(error, retryable)


def describe(error: BaseException, *, unknown: bool) -> Fault:
    """Return the fault that an exception of a handler means.

    PermanentError and RetryableError say that the effect did not happen, or that they do not know.
    Any other exception says nothing: ``unknown`` tells what that means for this attempt.
    """
    try:
        if issubclass(type(error), TaskError):
            return _describe_ours(error, unknown)
        name = type_name(error)
        message = _message(error) or f"the handler raised {name}"
        return fault(f"exception.{name}", message, retryable=True, unknown=unknown, raised=error)
    except BaseException:
        return UNDESCRIBED


def masked_fault(found: Fault, mask: SecretMask | None) -> Fault:
    """Return a fault without the secrets that its attempt was given; raises nothing."""
    if mask is None:
        return found
    try:
        return replace(found, error=mask.value(found.error))
    except BaseException:
        return UNDESCRIBED


def _describe_ours(error: BaseException, unknown: bool) -> Fault:
    """Describe an exception that says what it means, as far as what it says can be used."""
    ours = (PermanentError, RetryableError, UnknownOutcome, Cancelled, TaskError)
    base = next(kind for kind in ours if issubclass(type(error), kind))
    says_what_it_knows = base is PermanentError or base is RetryableError
    remarks: list[str] = []

    def read(name: str) -> Any:
        try:
            return getattr(error, name)
        except BaseException as raised:
            remarks.append(f"its {name} raises {type_name(raised)}")
            return None

    code = _code(read("code"), base.code, remarks)
    retryable, own = read("retryable"), read("unknown")
    retry_after = _seconds(read("retry_after"), remarks)
    return fault(
        code,
        "; ".join([_message(error) or code, *remarks]),
        retryable=retryable if type(retryable) is bool else base.retryable,
        unknown=own is True or base.unknown or (unknown and not says_what_it_knows),
        retry_after=retry_after,
        detail=read("detail"),
        raised=error,
    )


def _code(value: Any, default: str, remarks: list[str]) -> str:
    if issubclass(type(value), str):  # an enum's member, for example
        return str.__str__(value) or default
    if type(value) is int and abs(value) < 10**18:
        return str(value)
    if value is not None:
        remarks.append(f"its code is no text but a {type_name(value)}")
    return default


def _seconds(value: Any, remarks: list[str]) -> float | None:
    """Return a delay that can be kept; what is none, or is no number, is told and left out."""
    if value is None:
        return None
    if issubclass(type(value), timedelta):
        value = timedelta.total_seconds(value)
    if type(value) in (int, float, Decimal, str):  # a text as it stands in an HTTP header
        try:
            seconds = float(value)
        except (ValueError, OverflowError):
            seconds = -1.0
        if 0 <= seconds <= LONGEST_DELAY:
            return seconds
    remarks.append("its retry_after is no number of seconds")
    return None


def _message(error: BaseException) -> str:
    """Return the text of an exception, and what the first members of a group say."""
    text = text_of(error)
    if not issubclass(type(error), BaseExceptionGroup):
        return text
    members: Any = vars(BaseExceptionGroup)["exceptions"].__get__(error)[:MEMBERS]
    said = [f"{type_name(member)}: {keepable(text_of(member), 500)}" for member in members]
    return f"{keepable(text, 1_000)}: {'; '.join(said)}"


def _plain(detail: Any) -> Any:
    """Return ``detail`` as JSON that a jsonb column takes; what cannot be is told in words."""
    try:
        encoded = _encoder.encode(detail)
        msgspec.json.decode(encoded)  # a Decimal NaN is written, and is not JSON
    except BaseException as error:  # its methods may raise anything
        return keepable(
            f"a detail of type {type_name(detail)} has no JSON form: {text_of(error)}", 500
        )
    if len(encoded) > DETAIL_LIMIT:
        return f"a detail of {len(encoded)} bytes was left out; the limit is {DETAIL_LIMIT}"
    if found := payload_fault(encoded):
        return f"a detail was left out: {found[0] or 'it'} {found[1]}"
    if rb"\u0000" in encoded:
        return "a detail with a NUL character was left out; Postgres cannot keep it"
    return msgspec.Raw(masked_json(encoded))
