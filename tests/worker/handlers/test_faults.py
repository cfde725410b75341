"""The error document that an exception becomes: always one that Postgres can keep."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

from onceflow.worker import Cancelled, PermanentError, RetryableError, TaskError, UnknownOutcome
from onceflow.worker.handlers.faults import DETAIL_LIMIT, MESSAGE_LIMIT, describe


def test_our_exceptions_say_what_is_known() -> None:
    permanent = describe(
        PermanentError("no orders", code="invoice.empty", detail={"n": 0}), unknown=False
    )
    assert not permanent.retryable
    assert permanent.error["code"] == "invoice.empty"
    assert permanent.error["message"] == "no orders"
    assert "unknown" not in permanent.error

    later = describe(RetryableError("busy", retry_after=7.5), unknown=False)
    assert later.retryable
    assert later.error["retry_after"] == 7.5

    lost = describe(UnknownOutcome("no answer"), unknown=False)
    assert (lost.retryable, lost.error["unknown"]) == (True, True)
    given_up = describe(UnknownOutcome("no answer", retryable=False), unknown=False)
    assert (given_up.retryable, given_up.error["unknown"]) == (False, True)
    assert describe(Cancelled("told to"), unknown=False).error["unknown"] is True


def test_any_other_exception_may_be_tried_again() -> None:
    found = describe(KeyError("x"), unknown=False)
    assert found.retryable
    assert (found.error["code"], found.error["type"]) == ("exception.KeyError", "KeyError")
    assert found.error["message"] == "'x'"
    assert describe(KeyError("x"), unknown=True).error["unknown"] is True
    assert describe(ValueError(), unknown=False).error["message"] == "the handler raised ValueError"


def test_documents_are_fit_to_be_kept() -> None:
    text = describe(ValueError("a\0b\ud800" + "x" * 10_000), unknown=False).error["message"]
    assert "\0" not in text
    assert text.encode()
    assert len(text) < MESSAGE_LIMIT + 100

    def detail(value: object) -> object:
        return describe(PermanentError("x", detail=value), unknown=False).error["detail"]

    assert bytes(detail({"a": Decimal("1.10")})) == b'{"a":1.10}'  # type: ignore[arg-type]
    assert "no JSON form" in str(detail(Decimal("NaN")))
    assert "left out" in str(detail("y" * DETAIL_LIMIT))
    assert "NUL" in str(detail("\0"))
    circle: list[object] = []
    circle.append(circle)
    assert "no JSON form" in str(detail(circle))


class Named(str):
    def __str__(self) -> str:
        raise LookupError


class Mute(Exception):
    def __str__(self) -> str:
        raise LookupError("response")


class Changing(PermanentError):
    @property
    def code(self) -> str:  # type: ignore[override]
        raise SystemExit


def test_what_an_exception_says_wrongly_is_left_out_and_told() -> None:
    def told(error: BaseException) -> dict[str, Any]:
        return describe(error, unknown=False).error

    assert told(PermanentError("x", code=404))["code"] == "404"  # type: ignore[arg-type]
    assert told(PermanentError("x", code=Named("named")))["code"] == "named"
    assert told(PermanentError("x", code=b"a"))["code"] == "task.permanent"  # type: ignore[arg-type]
    assert "its code is no text" in told(PermanentError("x", code=b"a"))["message"]  # type: ignore[arg-type]
    changing = Changing("x")
    assert told(changing)["message"] == "x; its code raises SystemExit"
    assert "LookupError" in told(Mute())["message"]
    assert told(Mute())["code"] == "exception.Mute"

    def delay(value: object) -> object:
        error = RetryableError("busy", retry_after=value)  # type: ignore[arg-type]
        return told(error).get("retry_after", told(error)["message"])

    assert delay(timedelta(seconds=5)) == 5
    assert delay("7.5") == 7.5  # a header as it stands
    for odd in (-1, float("nan"), float("inf"), "soon", 10**400, b"1", object()):
        assert delay(odd) == "busy; its retry_after is no number of seconds"


def test_a_group_tells_what_its_first_members_say() -> None:
    group = ExceptionGroup("two of them", [ValueError("a"), Mute()])
    message = describe(group, unknown=False).error["message"]
    assert message.startswith("two of them (2 sub-exceptions): ValueError: a; Mute: ")


def test_only_our_own_exceptions_say_that_nothing_has_happened() -> None:
    class Own(PermanentError):
        pass

    class Strange(TaskError):
        pass

    for error, unknown in (
        (PermanentError("x"), False),
        (Own("x"), False),
        (RetryableError("x"), False),
        (RetryableError("x", unknown=True), True),
        (Strange("x"), True),
        (UnknownOutcome("x"), True),
        (ValueError("x"), True),
        (SystemExit(1), True),
    ):
        assert describe(error, unknown=True).error.get("unknown", False) is unknown, error
