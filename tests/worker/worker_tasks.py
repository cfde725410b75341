"""The handlers of a worker under test, and workflows of one step that call them."""

import asyncio
import functools
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from onceflow.worker import Context, PermanentError, Registry, Retry, RetryableError

from ..servers import Servers
from .support import (
    Gates,
    Stack,
    deploy,
    make_stack,
    wait_for_ends,
)

HANDLERS = Registry()
GATES = Gates()


@HANDLERS.task("add")
async def add(n: int, more: int = 1) -> dict[str, int]:
    return {"n": n + more}


@HANDLERS.task("add_sync")
def add_sync(n: int) -> dict[str, int]:
    return {"n": n + 1}


def timed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator as it is written for functions that are not async."""

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return wrapper


@HANDLERS.task("async_under_a_wrapper")
@timed
async def async_under_a_wrapper(gate: str, ctx: Context) -> str:
    if ctx.attempt == 1:
        GATES[gate].arrive()
        await asyncio.sleep(60)
    return f"attempt {ctx.attempt}"


@HANDLERS.task("fail_until")
def fail_until(attempt: int, ctx: Context) -> int:
    if ctx.attempt < attempt:
        raise RetryableError(f"attempt {ctx.attempt} is too early", code="early")
    return ctx.attempt


@HANDLERS.task("own_policy", retry=Retry(attempts=2, backoff=0.01, jitter=0))
def own_policy() -> None:
    raise OSError("never")


class Unreadable(ValueError):
    pass


class Busy(RetryableError):
    pass


NEVER = Retry(backoff=0.01, non_retryable=(LookupError, ValueError, Busy))


@HANDLERS.task("raise", retry=NEVER)
def raise_by_name(kind: str) -> None:
    kinds = {
        "subclass": Unreadable("x"),
        "builtin": KeyError("x"),
        "ours": Busy("x", code="shop.busy"),
        "other": RetryableError("x"),
    }
    raise kinds[kind]


@HANDLERS.task("raise_in_transaction", retry=NEVER, transactional=True)
def raise_in_transaction(kind: str) -> None:
    raise_by_name(kind)


@HANDLERS.task("own_transaction", transactional=True)
def own_transaction(ctx: Context) -> str:
    ((xid,),) = ctx.connection.execute("select pg_current_xact_id()::text").fetchall()
    return xid


@HANDLERS.task("refuse")
def refuse() -> None:
    raise PermanentError("that is no order", code="order.none", detail={"order": 7})


@HANDLERS.task("echo")
def echo(value: Any) -> Any:
    return value


@HANDLERS.task("hold")
def hold(gate: str, ctx: Context) -> str:
    GATES[gate].wait()
    return f"attempt {ctx.attempt}"


@HANDLERS.task("hold_async")
async def hold_async(gate: str) -> None:
    GATES[gate].arrive()
    try:
        await asyncio.Event().wait()
    finally:
        GATES[gate].open()


@HANDLERS.task("until_cancelled")
def until_cancelled(gate: str, ctx: Context) -> str:
    GATES[gate].arrive()
    assert ctx.wait_cancelled(30)
    assert ctx.cancelled
    return "stopped when told"


@HANDLERS.task("report")
def report(gate: str, ctx: Context) -> None:
    ctx.progress({"done": 1})
    ctx.progress({"done": 2, "of": 3})
    GATES[gate].wait()


@HANDLERS.task("on_paper", queue="paper")
def on_paper() -> str:
    return "printed"


WORKFLOWS = """
name: {name}
on_failure: fail
steps:
  - id: only
    task: {task}
    {more}
"""


def made_stack(servers: Servers, transport: str) -> Iterator[Stack]:
    """Make the stack of a module: a relay, and a worker of these handlers."""
    GATES.renew()
    with make_stack(
        servers, HANDLERS, transport, queues=["default", "paper"], concurrency=8
    ) as made:
        yield made
        GATES.open_all()


def single(stack: Stack, name: str, task: str, *more: str) -> None:
    """Deploy a workflow of one step."""
    deploy(stack.conn, WORKFLOWS.format(name=name, task=task, more="\n    ".join(more)))


def ends(stack: Stack, instance_id: UUID) -> str:
    return wait_for_ends(stack.conn, [instance_id])[0]
