"""Whatever a handler raises or returns, its attempt is answered and its slot is free again."""

import asyncio
import datetime
import gc
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from uuid import UUID

import hypothesis
import msgspec
import pytest
from hypothesis import strategies

from onceflow.worker import (
    Context,
    PermanentError,
    Registry,
    RetryableError,
    TaskError,
    UnknownOutcome,
)

from ...servers import Servers
from ...support import wait_until
from ..support import Stack, deploy, make_stack, start, task_of, wait_for_ends

pytestmark = pytest.mark.only("postgres", reason="how tasks come to the worker does not matter")

HANDLERS = Registry()
MODES = ("sync", "asynchronous", "transactional", "transactional_asynchronous")

Act = Callable[[], Any]
"""What a handler does: it raises, or returns a result."""
ACTS: dict[int, Act] = {}
"""By number: an act cannot travel in an input."""


def act(number: int) -> Any:
    return ACTS[number]()


@HANDLERS.task("sync")
def sync(number: int) -> Any:
    return act(number)


@HANDLERS.task("asynchronous")
async def asynchronous(number: int) -> Any:
    await asyncio.sleep(0)
    return act(number)


@HANDLERS.task("transactional", transactional=True)
def transactional(number: int, ctx: Context) -> Any:
    ctx.connection.execute("select 1")
    return act(number)


@HANDLERS.task("transactional_asynchronous", transactional=True)
async def transactional_asynchronous(number: int) -> Any:
    await asyncio.sleep(0)
    return act(number)


@HANDLERS.task("leaves_one_behind")
async def leaves_one_behind() -> None:
    async def leave() -> None:
        sys.exit(3)

    asyncio.get_running_loop().create_task(leave())
    await asyncio.sleep(0)


@HANDLERS.task("stops_the_loop")
async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()


@HANDLERS.task("takes_its_context_apart")
def takes_its_context_apart(ctx: Context) -> None:
    ctx.logger = None  # type: ignore[assignment,method-assign]
    raise ValueError("x")


@HANDLERS.task("closes_its_connection", transactional=True)
def closes_its_connection(ctx: Context) -> None:
    ctx.connection.close()


@dataclass
class Converted:
    n: int

    def __post_init__(self) -> None:
        raise SystemExit("while it is converted")


@HANDLERS.task("converts")
def converts(value: Converted) -> None:
    raise AssertionError(value)


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport, concurrency=4) as made:
        for mode in MODES:
            deploy(made.conn, single(mode, "with: {number: $.input.number}"))
        for task in (
            leaves_one_behind,
            stops_the_loop,
            takes_its_context_apart,
            closes_its_connection,
        ):
            deploy(made.conn, single(task.__name__))
        deploy(made.conn, single("converts", "with: {value: {n: 1}}"))
        yield made


def single(task: str, more: str = "") -> str:
    """Return a workflow of one step that is tried once."""
    return f"""
        name: {task}
        on_failure: fail
        steps:
          - id: only
            task: {task}
            retry: {{attempts: 1}}
            {more}
        """


def answers(stack: Stack, acts: list[tuple[str, Act]]) -> list[dict[str, Any]]:
    """Do each act in a handler of its mode; return the rows of their tasks, all of them ended."""
    ids: list[UUID] = []
    for mode, one in acts:
        ACTS[len(ACTS)] = one
        ids += start(stack.conn, mode, [{"number": len(ACTS) - 1}])
    wait_for_ends(stack.conn, ids)
    wait_until(lambda: stack.worker.busy == 0, "the slots being free")
    return [task_of(stack.conn, instance, "only") for instance in ids]


def raising(error: object) -> Act:
    def do() -> Any:
        raise error  # type: ignore[misc]

    return do


class Mute(Exception):
    """As of a library whose message formats an attribute that is missing."""

    def __str__(self) -> str:
        raise AttributeError("response")

    __repr__ = __str__


class Fatal(Exception):
    def __str__(self) -> str:
        raise SystemExit


class Endless(Exception):
    def __str__(self) -> str:
        return str(self)


class Text(str):
    def replace(self, *_: Any, **__: Any) -> str:  # type: ignore[override]
        raise KeyError

    __str__ = __len__ = __getitem__ = encode = replace  # type: ignore[assignment]


class Hidden(Exception):
    @property
    def __class__(self) -> type:  # type: ignore[override]
        raise RuntimeError

    def __getattribute__(self, name: str) -> Any:
        raise RuntimeError(name)


class Meta(type):
    def __getattribute__(cls, name: str) -> Any:
        raise RuntimeError(name)


class Odd(Exception, metaclass=Meta):
    pass


class Judged(TaskError):
    retryable = "perhaps"  # type: ignore[assignment]
    unknown = Mute()  # type: ignore[assignment]


def circle() -> Exception:
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first
    return first


def deep() -> list[Any]:
    result: list[Any] = []
    for _ in range(100_000):
        result = [result]
    return result


def round_() -> list[Any]:
    result: list[Any] = []
    result.append(result)
    return result


class Nowhere(datetime.tzinfo):
    def utcoffset(self, dt: datetime.datetime | None) -> datetime.timedelta:
        raise KeyboardInterrupt


@dataclass
class Lazy:
    n: int

    def __getattribute__(self, name: str) -> Any:
        raise Fatal


FAILURES: dict[str, Callable[[], object]] = {
    "a code that is a number": lambda: PermanentError("x", code=404),  # type: ignore[arg-type]
    "a code that is a list": lambda: PermanentError("x", code=[1]),  # type: ignore[arg-type]
    "a code that misbehaves": lambda: PermanentError("x", code=Text("a")),
    "a code with a NUL": lambda: PermanentError("x", code="a\0"),
    "a code without end": lambda: PermanentError("x", code="a" * 1_000_000),
    "a span of time": lambda: RetryableError("x", retry_after=datetime.timedelta(1)),  # type: ignore[arg-type]
    "a header": lambda: RetryableError("x", retry_after="5"),  # type: ignore[arg-type]
    "no number": lambda: RetryableError("x", retry_after=float("nan")),
    "never again": lambda: RetryableError("x", retry_after=float("inf")),
    "an object": lambda: RetryableError("x", retry_after=object()),  # type: ignore[arg-type]
    "an exception without text": Mute,
    "a text that ends the process": Fatal,
    "a text of itself": Endless,
    "a text that misbehaves": lambda: ValueError(Text("a")),
    "no attributes": Hidden,
    "a type without a name": Odd,
    "flags that are none": lambda: Judged("x"),
    "a circle of causes": circle,
    "a huge message": lambda: ValueError("x" * 50_000_000),
    "a lone surrogate and a NUL": lambda: ValueError("\ud800\0"),
    "a group": lambda: ExceptionGroup("g", [ValueError("a"), Mute(), PermanentError("b")]),
    "a group of groups": lambda: BaseExceptionGroup("g", [BaseExceptionGroup("h", [SystemExit()])]),
    "the end of the process": lambda: SystemExit(1),
    "an interrupt": KeyboardInterrupt,
    "the end of a generator": lambda: GeneratorExit("x"),
    "the end of an iteration": lambda: StopIteration("x"),
    "a cancellation that nobody asked for": asyncio.CancelledError,
    "no exception": lambda: 7,
    "a detail that misbehaves": lambda: PermanentError("x", detail=[Mute(), Lazy(1)]),
    "a detail in itself": lambda: PermanentError("x", detail=round_()),
    "a detail that Postgres refuses": lambda: PermanentError("x", detail=Decimal("1e-200000")),
}

RESULTS: dict[str, Callable[[], object]] = {
    "itself": round_,
    "very deep": deep,
    "an object": object,
    "an object that misbehaves": lambda: [Lazy(1)],
    "a time that nobody can tell": lambda: datetime.datetime(2026, 1, 1, tzinfo=Nowhere()),
    "an exception": Mute,
    "a lone surrogate": lambda: "\ud800",
    "a NUL": lambda: {"\0": "\0"},
    "too large": lambda: "x" * 2_000_000,
    "no JSON": lambda: msgspec.Raw(b"1], [2"),
    "no text": lambda: msgspec.Raw(b"\xff"),
    "nothing at all": lambda: msgspec.Raw(b""),
    "no number": lambda: Decimal("NaN"),
    "keys that are none": lambda: {(1, 2): object()},
    "many digits": lambda: 10**10_000,
}


@pytest.mark.parametrize("kind", FAILURES)
def test_a_handler_that_raises(stack: Stack, kind: str) -> None:
    for mode, row in zip(
        MODES, answers(stack, [(mode, raising(FAILURES[kind]())) for mode in MODES]), strict=True
    ):
        assert (row["state"], row["attempts"]) == ("DEAD_LETTER", 1), mode
        assert row["error"]["code"], mode
        assert row["error"]["message"], mode


@pytest.mark.parametrize("kind", RESULTS)
def test_a_handler_that_returns(stack: Stack, kind: str) -> None:
    for mode, row in zip(MODES, answers(stack, [(m, RESULTS[kind]) for m in MODES]), strict=True):
        assert row["state"] == "DEAD_LETTER", mode
        assert row["error"]["code"].startswith("output."), mode
        assert row["error"].get("unknown", False) is not mode.startswith("transactional"), mode


@pytest.mark.parametrize("task", ["leaves_one_behind", "stops_the_loop"])
def test_the_loop_of_all_handlers_goes_on(stack: Stack, task: str) -> None:
    wait_for_ends(stack.conn, start(stack.conn, task, [{}]))
    (row,) = answers(stack, [("asynchronous", lambda: "still here")])
    assert row["output"] == "still here"
    gc.collect()  # asyncio logs what was left behind as it goes, and a parser must not be at work


def test_an_error_that_cannot_be_logged_is_recorded(stack: Stack) -> None:
    (instance,) = start(stack.conn, "takes_its_context_apart", [{}])
    wait_for_ends(stack.conn, [instance])
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "exception.ValueError"


def test_a_connection_that_is_closed_has_completed_nothing(stack: Stack) -> None:
    (instance,) = start(stack.conn, "closes_its_connection", [{}])
    wait_for_ends(stack.conn, [instance])
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "transaction.ended"
    (row,) = answers(stack, [("transactional", lambda: "another")])
    assert row["output"] == "another"


def test_an_input_whose_conversion_fails_has_not_been_worked_on(stack: Stack) -> None:
    (instance,) = start(stack.conn, "converts", [{}])
    wait_for_ends(stack.conn, [instance])
    error = task_of(stack.conn, instance, "only")["error"]
    assert (error["code"], error["message"]) == ("input.invalid", "while it is converted")
    assert "unknown" not in error


# Hypothesis cannot bear such objects itself, so it draws what makes them, as plain data.

ODD = strategies.sampled_from([*FAILURES, *RESULTS]).map(lambda kind: ("kind", kind)) | (
    strategies.text()
    | strategies.binary(max_size=3)
    | strategies.floats()
    | strategies.decimals()
    | strategies.integers()
    | strategies.none()
    | strategies.timedeltas()
).map(lambda value: ("value", value))
NESTED = strategies.recursive(
    ODD,
    lambda inner: (
        strategies.lists(inner, max_size=3).map(lambda members: ("list", members))
        | strategies.dictionaries(strategies.text() | strategies.integers(), inner, max_size=3).map(
            lambda members: ("dict", members)
        )
    ),
    max_leaves=5,
)
FIELDS = strategies.dictionaries(
    strategies.sampled_from(["code", "retryable", "unknown", "retry_after", "detail"]), NESTED
)
ERRORS = strategies.sampled_from(
    [
        *(ValueError, OSError, UnicodeError, SystemExit, asyncio.CancelledError, ExceptionGroup),
        *(PermanentError, RetryableError, UnknownOutcome, Judged, Mute),
    ]
)


def make(recipe: Any) -> Any:
    """Return the object that was drawn."""
    match recipe:
        case ("kind", kind):
            return (FAILURES | RESULTS)[kind]()
        case ("list", members):
            return [make(member) for member in members]
        case ("dict", members):
            return {key: make(member) for key, member in members.items()}
        case _:
            return recipe[1]


def act_of(result: Any, kind: type[Exception] | None, fields: dict[str, Any]) -> Act:
    """Return the act that returns ``result``, or raises a ``kind`` of it with these fields."""

    def do() -> Any:
        if kind is None:
            return make(result)
        error = (
            kind("group", [ValueError(make(result))])
            if kind is ExceptionGroup
            else kind(make(result))
        )
        for name, value in fields.items():
            setattr(error, name, make(value))
        raise error

    return do


@hypothesis.given(
    strategies.lists(
        strategies.tuples(
            strategies.sampled_from(MODES), NESTED, strategies.none() | ERRORS, FIELDS
        ),
        min_size=4,
        max_size=12,
    )
)
@hypothesis.settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
def test_whatever_a_handler_does(stack: Stack, drawn: list[tuple[str, Any, Any, Any]]) -> None:
    acts = [(mode, act_of(result, kind, fields)) for mode, result, kind, fields in drawn]
    for row in answers(stack, acts):
        assert row["state"] in ("SUCCEEDED", "DEAD_LETTER")
        assert (row["error"] is None) is (row["state"] == "SUCCEEDED")
