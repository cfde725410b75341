"""Handlers of workers that are killed: they leave traces in Postgres of what they did."""

import os

import psycopg

from onceflow.worker import Context, Retry, task

SOON = Retry(attempts=10, backoff=0.01)


@task("crash.inside", retry=SOON, transactional=True)
def inside(ctx: Context) -> str:
    """Record an effect in the transaction of the completion; nothing keeps it from coming twice."""
    ctx.connection.execute("insert into effect (key) values (%s)", (ctx.key,))
    return ctx.task


@task("crash.outside", retry=SOON)
def outside(ctx: Context) -> str:
    """Record an effect at a receiver that honours the idempotency key, and each call to it."""
    # Each by itself: whoever is frozen in here is to keep nobody waiting for its transaction.
    with psycopg.connect(os.environ["ONCEFLOW_DSN"], autocommit=True) as receiver:
        receiver.execute("insert into called (key) values (%s)", (ctx.key,))
        receiver.execute("insert into kept (key) values (%s) on conflict do nothing", (ctx.key,))
    return ctx.task


@task("crash.outside_async", retry=SOON)
async def outside_async(ctx: Context) -> str:
    """Do the same in an async handler."""
    return outside(ctx)


@task("crash.do", retry=SOON, transactional=True)
def do(what: str, ctx: Context) -> str:
    """Record in the transaction of the completion that something was done."""
    ctx.connection.execute("insert into done (key, what) values (%s, %s)", (ctx.key, what))
    return what


@task("crash.undo", retry=SOON, transactional=True)
def undo(what: str, ctx: Context) -> str:
    """Record in the transaction of the completion that something was undone."""
    ctx.connection.execute(
        "insert into done (key, what) values (%s, %s)", (ctx.key, f"undo {what}")
    )
    return what
