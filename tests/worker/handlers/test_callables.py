"""Handlers under wrappers: they work, or are refused when they are registered, in a sentence."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator
from decimal import Decimal
from typing import Any

import pytest

from onceflow.worker import Context, Registry

from .test_registry import context, handler

GIVEN = '{"price": 1.50, "count": 2}'


def total(price: Decimal, count: int = 1) -> str:
    return str(price * count)


def hands_on(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return f"<{function(*args, **kwargs)}>"

    return wrapper


def nameless(function: Callable[..., Any]) -> Callable[..., Any]:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


def own_parameters(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def wrapper(price: Decimal, count: int) -> Any:
        return f"{price} x {function(price, count)}"

    return wrapper


class Shop:
    factor = 3

    def total(self, price: "Decimal", count: int) -> str:
        return str(price * count * self.factor)

    @classmethod
    def of_class(cls, price: Decimal, count: int) -> str:
        return str(price * count * cls.factor)

    @staticmethod
    def of_nobody(price: Decimal, count: int) -> str:
        return total(price, count)

    def __call__(self, price: Decimal, count: int, ctx: Context) -> str:
        return f"{ctx.task}: {self.total(price, count)}"


class Later:
    async def __call__(self, price: Decimal, count: int) -> str:
        return total(price, count)


async def total_async(price: Decimal, count: int = 1) -> str:
    return str(price * count)


def generates(price: Decimal) -> Iterator[Decimal]:
    yield price


async def generates_async(price: Decimal) -> AsyncIterator[Decimal]:
    yield price


@pytest.mark.parametrize(
    ("function", "answer"),
    [
        (total, "3.00"),
        (hands_on(total), "<3.00>"),
        (hands_on(hands_on(total)), "<<3.00>>"),
        (own_parameters(total), "1.50 x 3.00"),
        (functools.lru_cache(total), "3.00"),
        (functools.partial(total), "3.00"),
        (functools.partial(hands_on(total), count=7), "<3.00>"),
        (Shop().total, "9.00"),
        (hands_on(Shop().total), "<9.00>"),
        (Shop.of_class, "9.00"),
        (Shop.of_nobody, "3.00"),
        (staticmethod(total), "3.00"),
        (Shop(), "a: 9.00"),
        (functools.partial(Shop()), "a: 9.00"),
    ],
)
def test_what_is_wrapped_gets_its_input_by_its_own_hints(
    function: Callable[..., Any], answer: str
) -> None:
    handlers = Registry()
    handlers.add("h", function)
    assert handler(handlers, "h").call(GIVEN, context()) == answer


def test_what_a_partial_gives_need_not_come_and_can() -> None:
    handlers = Registry()
    handlers.add("h", functools.partial(total, count=7))
    assert handler(handlers, "h").call('{"price": 1.50}', context()) == "10.50"
    handlers.add("first", functools.partial(total, Decimal(2)))
    assert handler(handlers, "first").call('{"count": 2}', context()) == "4"


@pytest.mark.parametrize(
    ("function", "said"),
    [
        (nameless(total), "functools.wraps"),
        (Shop, "is a class"),
        (functools.partial(Shop), "is a class"),
        (Shop.total, "is a method without its self"),
        (generates, "yields"),
        (hands_on(generates), "yields"),
        (generates_async, "yields"),
        (functools.partial(print), "has "),
        (dict.fromkeys, "does not tell its parameters|positional-only"),
    ],
)
def test_what_cannot_be_a_handler_is_refused_in_a_sentence(
    function: Callable[..., Any], said: str
) -> None:
    with pytest.raises(TypeError, match=said) as caught:
        Registry().add("h", function)
    assert str(caught.value).startswith("the task ")


def test_whether_a_handler_is_async_is_told_by_its_outermost_wrapper() -> None:
    handlers = Registry()
    for name, function in {
        "plain": total_async,
        "partial": functools.partial(total_async, count=2),
        "object": Later(),
        "under": hands_on(total_async),
    }.items():
        handlers.add(name, function)
    told = {name: handler(handlers, name).is_async for name in handlers.names()}
    assert told == {"plain": True, "partial": True, "object": True, "under": False}


def test_a_transactional_one_must_tell_whether_it_is_async() -> None:
    with pytest.raises(TypeError, match="async under a wrapper that is not"):
        Registry().add("h", hands_on(total_async), transactional=True)
    Registry().add("h", functools.partial(total_async), transactional=True)


def test_two_places_of_one_name_are_told_apart_under_their_wrappers() -> None:
    handlers = Registry()
    handlers.add("h", hands_on(total))
    handlers.add("h", functools.partial(total, count=2))  # the same function, wrapped anew
    with pytest.raises(ValueError, match="already"):
        handlers.add("h", hands_on(total_async))
