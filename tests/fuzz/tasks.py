"""Handlers of the workers that are tried: they do what their inputs say."""

import ast
import asyncio
import datetime
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from onceflow.worker import Context, task

from ..worker.attempts.odd import act_of, make


def act(conduct: str) -> Any:
    """Do what was drawn; it comes as Python writes it."""
    return act_of(*ast.literal_eval(conduct))()


@task("fuzz.echo")
def echo(value: Any = None) -> Any:
    """Return what is given."""
    return value


@task("fuzz.echo_async")
async def echo_async(value: Any = None) -> Any:
    """Return what is given."""
    return value


@task("fuzz.grow")
def grow(value: Any = None) -> Any:
    """Return what is given many times."""
    return [value] * 50


@task("fuzz.fail")
def fail(value: Any = None) -> Any:
    """Fail by what is given."""
    raise ValueError(value)


@task("fuzz.keep", transactional=True)
def keep(ctx: Context, value: Any = None) -> Any:
    """Use the connection, tell what is given as the progress, and return it."""
    ctx.connection.execute("select 1")
    ctx.progress(value)
    return {"kept": value}


@dataclass
class Order:
    """A type of a user."""

    id: UUID
    at: datetime.datetime
    day: datetime.date
    total: Decimal
    lines: list[tuple[str, int]]
    kind: Literal["a", "b"] | None = None


TYPES: dict[str, Any] = {
    "order": Order | list[Order] | int | None,
    "moment": datetime.datetime,
    "span": datetime.timedelta | bool,
    "number": Decimal | float,
    "bytes": bytes,
    "sets": set[int] | dict[str, float],
    "pair": tuple[UUID, datetime.time | None],
}


def typed(name: str, kind: Any) -> None:
    """Register a handler that takes only what its type allows."""

    async def take(value: Any = None) -> Any:
        return [value]

    take.__annotations__["value"] = kind
    task(f"fuzz.{name}")(take)


for name, kind in TYPES.items():
    typed(name, kind)


@task("fuzz.act")
def act_sync(conduct: str, ctx: Context, told: str | None = None) -> Any:
    """Do what was drawn, in a thread."""
    if told is not None:
        ctx.progress(make(ast.literal_eval(told)))
    return act(conduct)


@task("fuzz.act_async")
async def act_async(conduct: str, ctx: Context, told: str | None = None) -> Any:
    """Do what was drawn, on the event loop."""
    await asyncio.sleep(0)
    if told is not None:
        ctx.progress(make(ast.literal_eval(told)))
    return act(conduct)


@task("fuzz.act_transactional", transactional=True)
def act_transactional(conduct: str, ctx: Context, told: str | None = None) -> Any:
    """Do what was drawn, in the transaction of the completion."""
    ctx.connection.execute("select 1")
    if told is not None:
        ctx.publish("fuzz", make(ast.literal_eval(told)))
    return act(conduct)


@task("fuzz.act_transactional_async", transactional=True)
async def act_transactional_async(conduct: str, ctx: Context, told: str | None = None) -> Any:
    """Do what was drawn, on the event loop, in the transaction of the completion."""
    await asyncio.sleep(0)
    if told is not None:
        ctx.logger.warning("%s", told)
    return act(conduct)
