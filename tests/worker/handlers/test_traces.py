"""What an error document tells of its origin: causes, traceback, fingerprint; masked, and small."""

import json
import linecache
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from onceflow.worker import PermanentError
from onceflow.worker.handlers import traces
from onceflow.worker.handlers.faults import describe, fault
from onceflow.worker.handlers.fingerprints import same_words


def document(handler: Callable[[], Any]) -> dict[str, Any]:
    """Return the error document of what ``handler`` raises."""
    try:
        handler()
    except BaseException as error:
        return describe(error, unknown=False).error
    raise AssertionError("it has raised nothing")


def look_up(orders: dict[str, int], name: str) -> int:
    return orders[name]


def chained() -> None:
    try:
        look_up({}, "O-36")
    except KeyError as error:
        raise PermanentError("no such order", code="order.unknown") from error


def test_the_chain_of_causes_is_told_with_the_lines_of_code() -> None:
    error = document(chained)
    assert error["code"] == "order.unknown"
    last = error["traceback"][-1]
    assert " in chained: raise PermanentError(" in last
    assert last.startswith(f"{__file__}:")
    (cause,) = error["cause"]
    assert (cause["relation"], cause["type"], cause["message"]) == ("cause", "KeyError", "'O-36'")
    assert cause["traceback"][-1].endswith(" in look_up: return orders[name]")


def test_what_was_being_handled_is_told_unless_it_was_denied() -> None:
    def handling(denied: bool) -> None:
        try:
            look_up({}, "a")
        except KeyError:
            if denied:
                raise ValueError("b") from None
            raise ValueError("b")  # noqa: B904

    assert [one["relation"] for one in document(lambda: handling(False))["cause"]] == ["context"]
    assert "cause" not in document(lambda: handling(True))


def test_circles_groups_and_long_chains_end() -> None:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    assert [one["message"] for one in describe(first, unknown=False).error["cause"]] == ["second"]

    inner = ValueError("a")
    inner.__cause__ = OSError("disk full")
    group = ExceptionGroup("two", [inner, ExceptionGroup("nested", [KeyError("b")])])
    told = describe(group, unknown=False).error["cause"]
    assert [one["relation"] for one in told] == ["member", "member", "cause", "member"]
    assert told[2]["message"] == "disk full"

    long = ValueError("0")
    for number in range(10_000):
        long, before = ValueError(str(number)), long
        long.__cause__ = before
    told = describe(long, unknown=False).error["cause"]
    assert len(told) == traces.CAUSES + 1
    assert told[-1]["relation"] == "more"


def test_frames_of_the_user_are_kept_first_and_libraries_named_by_their_module() -> None:
    class Badly:
        def __init__(self) -> None:
            self.x = self

    def handler() -> None:
        json.dumps(Badly().__dict__)  # fails deep within the library

    lines = document(handler)["traceback"]
    assert any("handler: json.dumps(" in line for line in lines)
    assert lines[-1].startswith("json/encoder.py:")

    def endless(depth: int) -> None:
        endless(depth + 1)

    lines = document(lambda: endless(0))["traceback"]
    assert len([line for line in lines if "left out" not in line]) == traces.FRAMES
    assert any("frames left out" in line for line in lines)


def test_no_value_of_a_variable_is_told() -> None:
    def handler(card: str) -> None:
        raise ValueError("declined")

    card = str(4111 * 10**12)
    assert card not in str(document(lambda: handler(card)))


SECRET = "hunter2"


@pytest.mark.parametrize(
    "text",
    [
        f"connection to postgresql://app:{SECRET}@db:5432/shop failed",
        f"connection to postgresql://app:a/{SECRET}@x@db/shop failed",
        f"https://{SECRET}@github.com/x not found",
        f"host=db user=app password={SECRET} dbname=shop",
        f"password = '{SECRET} and more' dbname=shop",
        f"GET /?api_key={SECRET}&page=2",
        f"headers: {{'Authorization': 'Bearer {SECRET}'}}",
        "x" * 3_990 + f" postgresql://app:{SECRET}@db/ " + "x" * 10_000,
    ],
)
def test_credentials_are_masked_wherever_they_stand(text: str) -> None:
    def handler() -> None:
        try:
            raise OSError(text)
        except OSError as error:
            raise PermanentError(text, detail={"url": f"amqp://a:{SECRET}@mq"}) from error

    error = document(handler)
    assert SECRET not in msgspec.json.encode(error).decode()
    assert "***" in error["message"] or "left out" in error["message"]
    assert msgspec.json.decode(error["detail"]) == {"url": "amqp://***@mq"}


def test_code_is_masked_too(tmp_path: Path) -> None:
    file = tmp_path / "handlers.py"
    file.write_text(f'def f():\n    open("postgresql://app:{SECRET}@db/x")\n')
    scope: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), scope)  # noqa: S102
    error = document(scope["f"])
    assert error["traceback"][-1].endswith(' in f: open("postgresql://***@db/x")')
    assert error["message"].endswith("'postgresql://***@db/x'")


@pytest.mark.parametrize("path", ["/dev/zero", "/proc/self/mem", "\0", "<string>", "a/\ud800.py"])
def test_a_path_that_names_no_source_is_not_read(path: str) -> None:
    scope: dict[str, Any] = {}
    exec(compile("def f():\n    1 / 0\n", "x", "exec").replace(co_filename=path), scope)  # noqa: S102
    scope["f"].__code__ = scope["f"].__code__.replace(co_filename=path)
    error = document(scope["f"])
    assert error["code"] == "exception.ZeroDivisionError"
    assert error["fingerprint"]
    assert path not in linecache.cache


def test_a_document_is_small_whatever_was_raised() -> None:
    def handler() -> None:
        try:
            raise ValueError("\U0001f4a5" * 100_000)
        except ValueError as error:
            raise PermanentError(
                "\U0001f4a5" * 100_000, code="x" * 1_000, detail="y" * 5_900
            ) from ExceptionGroup("z" * 100_000, [error, OSError("é" * 10_000)] * 50)

    assert len(msgspec.json.encode(document(handler))) < 16_000


def fail(message: str) -> str:
    def handler() -> None:
        raise ValueError(message)

    return document(handler)["fingerprint"]


def test_failures_that_differ_in_values_alone_have_one_fingerprint() -> None:
    for one, other in [
        ("order 36 has 2 lines", "order 7 has 19.5 lines"),
        ("order O-36 is gone", "order O-37 is gone"),
        (f"no {uuid.uuid4()} there", f"no {uuid.uuid4()} there"),
        ("at 0x7f10aa", "at 0x55d0bc"),
        ("commit deadbeef", "commit cafebabe01"),
        ("no customer 'Ann'", "no customer 'Ben O'Brien'"),
        ('field "a b" is missing', 'field "c" is missing'),
        ("since 2026-01-31T03:00:00Z", "since 2025-12-01T13:10:59Z"),
        ("it  was\nlate", "it was late"),
    ]:
        assert fail(one) == fail(other), (same_words(one), same_words(other))
    for one, other in [
        ("order 36 is gone", "order 36 is closed"),
        ("can't pay", "can't ship"),
        ("a", "b"),
    ]:
        assert fail(one) != fail(other)


def test_a_fingerprint_tells_codes_types_and_places_apart() -> None:
    def here() -> None:
        raise KeyError("x")

    def there() -> None:
        raise KeyError("x")

    assert document(here)["fingerprint"] != document(there)["fingerprint"]
    assert (
        fault("timeout", "did not end within 5 s").error["fingerprint"]
        == fault("timeout", "did not end within 7 s").error["fingerprint"]
        != fault("worker.no_thread", "did not end within 5 s").error["fingerprint"]
    )
