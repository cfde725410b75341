"""The error document that an exception becomes: always one that Postgres can keep."""

from decimal import Decimal

from onceflow.worker import Cancelled, PermanentError, RetryableError, UnknownOutcome
from onceflow.worker.handlers.errors import DETAIL_LIMIT, MESSAGE_LIMIT, describe


def test_our_exceptions_say_what_is_known() -> None:
    permanent = describe(PermanentError("no orders", code="invoice.empty", detail={"n": 0}))
    assert not permanent.retryable
    assert permanent.error["code"] == "invoice.empty"
    assert permanent.error["message"] == "no orders"
    assert "unknown" not in permanent.error

    later = describe(RetryableError("busy", retry_after=7.5))
    assert later.retryable
    assert later.error["retry_after"] == 7.5

    lost = describe(UnknownOutcome("no answer"))
    assert (lost.retryable, lost.error["unknown"]) == (True, True)
    given_up = describe(UnknownOutcome("no answer", retryable=False))
    assert (given_up.retryable, given_up.error["unknown"]) == (False, True)
    assert describe(Cancelled("told to")).error["unknown"] is True


def test_any_other_exception_may_be_tried_again() -> None:
    found = describe(KeyError("x"))
    assert found.retryable
    assert found.error == {"code": "exception.KeyError", "message": "'x'", "type": "KeyError"}
    assert describe(ValueError()).error["message"] == "the handler raised ValueError"


def test_documents_are_fit_to_be_kept() -> None:
    text = describe(ValueError("a\0b\ud800" + "x" * 10_000)).error["message"]
    assert "\0" not in text
    assert text.encode()
    assert len(text) < MESSAGE_LIMIT + 100

    def detail(value: object) -> object:
        return describe(PermanentError("x", detail=value)).error["detail"]

    assert bytes(detail({"a": Decimal("1.10")})) == b'{"a":1.10}'  # type: ignore[arg-type]
    assert "no JSON form" in str(detail(Decimal("NaN")))
    assert "left out" in str(detail("y" * DETAIL_LIMIT))
    assert "NUL" in str(detail("\0"))
    circle: list[object] = []
    circle.append(circle)
    assert "no JSON form" in str(detail(circle))
