"""Registration: what is refused, and how a step's input becomes a handler's parameters."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, TypedDict
from uuid import UUID

import msgspec
import pytest

from onceflow.engine.calls import Grant
from onceflow.worker import AsyncContext, Context, Registry, Retry
from onceflow.worker.handlers.conversion import OUTPUT_LIMIT, InputInvalid, encode_output
from onceflow.worker.handlers.faults import Fault
from onceflow.worker.handlers.registry import Handler

ID = UUID("01890000-0000-7000-8000-000000000001")


def context(input_json: str = "{}") -> Context:
    grant = Grant(ID, "a", ID, "h", "default", input_json, 1, None, f"{ID}/a", "w", 1, False)
    return Context(grant)


def handler(handlers: Registry, name: str) -> Handler:
    found = handlers.find(name)
    assert found is not None
    return found


@dataclass
class Line:
    product: str
    price: Decimal


class Order(msgspec.Struct):
    id: int
    lines: list[Line]


class Shipping(TypedDict):
    city: str


def test_fields_are_converted_by_their_hints() -> None:
    handlers = Registry()

    @handlers.task("h")
    def take(order: Order, on: date, to: Shipping, note: str = "none") -> list[Any]:
        return [order, on, to, note]

    given = (
        '{"order": {"id": 1, "lines": [{"product": "tea", "price": 1265793.0395}]},'
        ' "on": "2026-02-03", "to": {"city": "Gdynia"}}'
    )
    order, on, to, note = handler(handlers, "h").call(given, context())
    assert order == Order(1, [Line("tea", Decimal("1265793.0395"))])
    assert (on, to, note) == (date(2026, 2, 3), {"city": "Gdynia"}, "none")


def test_unhinted_fractions_are_exact() -> None:
    handlers = Registry()

    @handlers.task("h")
    def take(amount: Any, rows: dict[str, Any], ratio: float) -> list[Any]:
        return [amount, rows, ratio]

    given = '{"amount": 0.10, "rows": {"a": 12345678901234567890.123456789}, "ratio": 0.5}'
    amount, rows, ratio = handler(handlers, "h").call(given, context())
    assert (amount, rows["a"]) == (Decimal("0.10"), Decimal("12345678901234567890.123456789"))
    assert type(ratio) is float
    output = encode_output([amount, rows], unknown=True)
    assert output == b'[0.10,{"a":12345678901234567890.123456789}]'


def test_a_positional_only_parameter_takes_the_whole_input() -> None:
    handlers = Registry()

    @handlers.task("whole")
    def whole(order: Order, /, ctx: Context) -> tuple[Order, str]:
        return order, ctx.key

    @handlers.task("anything")
    def anything(value: Any, /) -> Any:
        return value

    given = '{"id": 7, "lines": []}'
    assert handler(handlers, "whole").call(given, context()) == (Order(7, []), f"{ID}/a")
    assert handler(handlers, "anything").call("[1, 2]", context()) == [1, 2]
    assert handler(handlers, "anything").call("null", context()) is None


def test_a_step_without_input_fills_a_handler_without_required_fields() -> None:
    handlers = Registry()

    @handlers.task("h")
    def take(n: int = 3) -> int:
        return n

    assert handler(handlers, "h").call("null", context()) == 3


def test_mutable_defaults_are_pythons_own() -> None:
    handlers = Registry()
    default = {"a": 1}

    @handlers.task("h")
    def take(rows: dict[str, int] = default) -> dict[str, int]:
        return rows

    assert handler(handlers, "h").call("{}", context()) is default


def test_a_trailing_underscore_frees_a_keyword() -> None:
    handlers = Registry()

    @handlers.task("h")
    def send(from_: str, to_: str) -> list[str]:
        return [from_, to_]

    assert handler(handlers, "h").call('{"from": "a", "to_": "b"}', context()) == ["a", "b"]


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ("{}", "missing required field `n`"),
        ('{"n": "1"}', "$.n"),
        ('{"n": 1, "m": 2}', "unknown field `m`"),
        ('{"n": 1, "lines": [{"product": "tea", "price": "dear"}]}', "$.lines[0].price"),
        ("[]", "Expected `object`"),
    ],
)
def test_input_that_does_not_fit_names_the_place(given: str, place: str) -> None:
    handlers = Registry()

    @handlers.task("h")
    def take(n: int, lines: list[Line] = []) -> None:  # noqa: B006 - never changed
        raise AssertionError("called with input that does not fit")

    with pytest.raises(InputInvalid) as raised:
        handler(handlers, "h").call(given, context())
    assert place in str(raised.value)


def test_contexts_are_known_by_their_type() -> None:
    handlers = Registry()

    @handlers.task("sync")
    def one(n: int, run: Context) -> str:
        return run.task

    @handlers.task("async", transactional=True)
    async def two(run: AsyncContext) -> str:
        return run.task

    @handlers.task("optional")
    def three(run: Context | None = None) -> bool:
        return run is not None

    assert handler(handlers, "sync").call('{"n": 1}', context()) == "a"
    assert handler(handlers, "async").is_async
    assert handler(handlers, "optional").call("{}", context()) is True


def test_handlers_that_cannot_be_filled_are_refused() -> None:
    handlers = Registry()

    def rest(**fields: int) -> None: ...
    def unhinted(ctx) -> None: ...  # type: ignore[no-untyped-def]
    def two_wholes(a: int, b: int, /) -> None: ...
    def mixed(a: int, /, b: int) -> None: ...
    def odd(value: Line | Order) -> None: ...

    refused: list[tuple[Callable[..., Any], str]] = [
        (rest, "fields; take the whole input"),
        (unhinted, "write `: Context`"),
        (two_wholes, "more than one"),
        (mixed, "the whole input"),
        (odd, "JSON cannot fill"),
    ]
    for function, words in refused:
        with pytest.raises(TypeError, match=words):
            handlers.add("h", function)


def test_a_name_belongs_to_one_handler() -> None:
    handlers = Registry()

    def one() -> None: ...
    def two() -> None: ...

    handlers.add("h", one)
    handlers.add("h", one)  # a module that is imported again
    with pytest.raises(ValueError, match="already"):
        handlers.add("h", two)
    for name in ("", "two words", "x" * 201):
        with pytest.raises(ValueError, match="no name"):
            handlers.add(name, two)


def test_queues_are_those_of_the_handlers() -> None:
    handlers = Registry()
    handlers.add("a", lambda: None)
    handlers.add("b", print_pdf, queue="pdf")
    assert handlers.queues() == ["default", "pdf"]


def print_pdf() -> None: ...


def test_a_retry_policy_is_checked_and_written_out() -> None:
    policy = Retry(attempts=2, backoff=0.5, non_retryable=("a.b", "c.*", ValueError))
    assert policy.document() == {
        "attempts": 2,
        "backoff": 0.5,
        "factor": 2.0,
        "max": 300.0,
        "jitter": 0.2,
        "non_retryable": ["a.b", "c.*"],
    }
    assert policy.exceptions() == (ValueError,)
    for wrong in ("a.*", ValueError, (ValueError(),), (int,), (None,)):
        with pytest.raises(ValueError, match="a tuple of codes and exception types"):
            Retry(non_retryable=wrong)  # pyright: ignore[reportArgumentType]
    with pytest.raises(ValueError, match=r"attempts.*jitter"):
        Retry(attempts=0, jitter=2)


def test_outputs_that_cannot_be_recorded_are_permanent_faults() -> None:
    def refused(value: Any) -> str:
        answer = encode_output(value, unknown=True)
        assert isinstance(answer, Fault)
        assert not answer.retryable
        assert answer.error["unknown"] is True
        return answer.error["code"]

    assert refused(object()) == "output.invalid"
    assert refused("\ud800") == "output.invalid"
    assert refused("x" * OUTPUT_LIMIT) == "output.too_large"
    assert encode_output("x" * (OUTPUT_LIMIT - 2), unknown=True) == b'"%b"' % (
        b"x" * (OUTPUT_LIMIT - 2)
    )


def test_a_connection_needs_a_transactional_handler() -> None:
    with pytest.raises(RuntimeError, match="transactional=True"):
        context().publish("t", 1)
    with pytest.raises(RuntimeError, match="transactional=True"):
        print(context().connection)
