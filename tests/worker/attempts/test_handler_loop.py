"""The event loop of handlers: what is called on it, and when."""

import asyncio
import threading
from typing import NoReturn

import pytest

from onceflow.worker.attempts.handler_loop import HandlerLoop


# guarantee: factory-at-once
@pytest.mark.parametrize("factory", [False, True])
def test_a_factory_of_a_handler_s_runs_nothing_in_the_turn(factory: bool) -> None:
    loop = HandlerLoop()
    called: list[str] = []
    ended = threading.Event()

    def make(_: asyncio.AbstractEventLoop, coroutine: object, **__: object) -> NoReturn:
        raise AssertionError(coroutine)

    def begin() -> None:
        called.append("begun")
        loop.call_soon(ended.set)

    def turn() -> None:
        if factory:
            asyncio.get_running_loop().set_task_factory(make)
        loop.call(begin)
        called.append("turned")

    loop.call(turn)
    assert ended.wait(10)
    assert called == (["turned", "begun"] if factory else ["begun", "turned"])
    loop.call(lambda: asyncio.get_running_loop().set_task_factory(None))
    loop.close()
