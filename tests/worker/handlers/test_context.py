"""``Context.for_test``: what a unit test hands to a handler."""

import asyncio
from typing import Any

import psycopg
import pytest

from onceflow.worker import AsyncContext, Cancelled, Context


def test_each_is_a_task_of_its_own_with_the_key_of_its_attempts() -> None:
    one, other = Context.for_test(), Context.for_test(attempt=3, task="render", version=2)
    assert one.key != other.key
    assert other.key == f"{other.instance_id}/render"
    assert (one.attempt, other.attempt, other.version) == (1, 3, 2)
    same = Context.for_test(instance_id=other.instance_id, task="render")
    assert same.key == other.key
    assert same.token != other.token


def test_it_reports_and_is_cancelled_as_in_a_worker() -> None:
    ctx = Context.for_test()
    ctx.progress({"done": 3})
    assert bytes(ctx.last_progress or b"") == b'{"done":3}'
    assert not ctx.wait_cancelled(0)
    ctx.tell_to_stop("enough")
    assert ctx.cancelled
    assert ctx.wait_cancelled(10)
    with pytest.raises(Cancelled, match="enough"):
        ctx.raise_if_cancelled()


def test_only_with_a_connection_is_it_that_of_a_transactional_handler() -> None:
    ctx = Context.for_test()
    with pytest.raises(RuntimeError, match="transactional=True"):
        _ = ctx.connection
    with pytest.raises(RuntimeError, match="transactional=True"):
        ctx.publish("topic", 1)


def test_a_connection_is_the_tests_own_and_events_are_kept(dsn: str) -> None:
    with psycopg.connect(dsn) as conn:
        ctx = Context.for_test(conn)
        assert ctx.connection is conn
        assert ctx.publish("orders", {"id": 7}) == f"{ctx.key}/1"
    (event,) = ctx.take_events()
    assert (event.topic, event.value) == ("orders", '{"id":7}')


def test_an_async_context_has_an_asynchronous_connection(dsn: str) -> None:
    async def handler(ctx: AsyncContext) -> Any:
        return await (await ctx.connection.execute("select 7")).fetchone()

    async def run() -> Any:
        async with await psycopg.AsyncConnection.connect(dsn) as conn:
            return await handler(AsyncContext.for_test(conn))

    assert asyncio.run(run()) == (7,)
