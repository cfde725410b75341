"""What handlers raise and return that nobody expects: objects by name, and drawn by Hypothesis."""

import asyncio
import datetime
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from hypothesis import strategies

from onceflow.worker import PermanentError, RetryableError, TaskError, UnknownOutcome

Act = Callable[[], Any]
"""What a handler does: it raises, or returns a result."""


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


# Hypothesis cannot bear such objects itself, so it draws recipes: plain data, whose repr can travel
# in an input too.

Recipe = Any
"""``(kind, what)``, read by ``make``."""


def _kind(name: str) -> Callable[[Any], Recipe]:
    return lambda what: (name, what)


ODD = (
    strategies.sampled_from([*FAILURES, *RESULTS]).map(_kind("named"))
    | (
        strategies.text()
        | strategies.binary(max_size=3)
        | strategies.integers()
        | strategies.none()
        | strategies.booleans()
    ).map(_kind("value"))
    | strategies.floats().map(repr).map(_kind("float"))
    | strategies.decimals().map(str).map(_kind("decimal"))
    | strategies.floats(-1e9, 1e9).map(_kind("span"))
)


def _around(inner: strategies.SearchStrategy[Recipe]) -> strategies.SearchStrategy[Recipe]:
    keys = strategies.text() | strategies.integers() | strategies.none()
    return (
        strategies.lists(inner, max_size=3).map(_kind("list"))
        | strategies.lists(inner, max_size=2).map(_kind("tuple"))
        | strategies.dictionaries(keys, inner, max_size=3).map(_kind("dict"))
        | inner.map(_kind("generator"))
    )


NESTED = ODD | _around(ODD) | _around(ODD | _around(ODD))
FIELDS = strategies.dictionaries(
    strategies.sampled_from(
        ["code", "retryable", "unknown", "retry_after", "detail", "args", "__cause__", "__notes__"]
    ),
    NESTED,
    max_size=4,
)
ERRORS: dict[str, Callable[..., BaseException]] = {
    kind.__name__: kind
    for kind in (
        *(ValueError, OSError, KeyError, SystemExit, KeyboardInterrupt, asyncio.CancelledError),
        *(GeneratorExit, StopIteration, StopAsyncIteration, MemoryError, RecursionError),
        *(PermanentError, RetryableError, UnknownOutcome, TaskError, Judged, Mute, Fatal, Hidden),
    )
}
RAISED = strategies.none() | strategies.sampled_from(
    [*ERRORS, "group", "chain", "UnicodeDecodeError"]
)
"""What is raised of what was drawn; None: it is returned."""
CONDUCT = strategies.tuples(NESTED, RAISED, FIELDS)
"""What a handler does, for ``act_of``."""


def make(recipe: Recipe) -> Any:
    """Return the object that was drawn."""
    match recipe:
        case ("named", name):
            return (FAILURES | RESULTS)[name]()
        case ("float", text):
            return float(text)
        case ("decimal", text):
            return Decimal(text)
        case ("span", seconds):
            return datetime.timedelta(seconds=seconds)
        case ("list", members):
            return [make(member) for member in members]
        case ("tuple", members):
            return tuple(make(member) for member in members)
        case ("dict", members):
            return {key: make(member) for key, member in members.items()}
        case ("generator", member):
            return (make(member) for _ in range(3))
        case _:
            return recipe[1]


def act_of(result: Recipe, raised: str | None, fields: dict[str, Recipe]) -> Act:
    """Return the act that returns ``result``, or raises an exception of it with these fields."""

    def do() -> Any:
        if raised is None:
            return make(result)
        error = _error(raised, make(result))
        for name, value in fields.items():
            try:
                setattr(error, name, make(value))
            except (TypeError, AttributeError):
                pass  # Python itself refuses some
        raise error

    return do


def _error(kind: str, value: Any) -> BaseException:
    if kind == "group":
        return BaseExceptionGroup(
            "group", [ValueError(value), Mute(), ExceptionGroup("g", [Odd()])]
        )
    if kind == "UnicodeDecodeError":
        return UnicodeDecodeError("utf-8", b"\xff" * 1000, 0, 1000, "x" * 100_000)
    if kind == "chain":
        first = last = ValueError(value)
        for _ in range(3_000):
            last.__cause__ = ValueError(value)
            last = last.__cause__
        return first
    return ERRORS[kind](value)
