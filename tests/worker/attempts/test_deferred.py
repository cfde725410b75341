"""Handlers that return Later: somebody else answers, by the token of the attempt."""

from collections.abc import Iterator
from datetime import timedelta
from uuid import UUID

import pytest

from onceflow.client import Client, Refused
from onceflow.worker import AsyncContext, Context, Later, Registry

from ...servers import Servers
from ...support import wait_until
from ..support import (
    Stack,
    deploy,
    effects,
    make_effect_table,
    make_stack,
    task_of,
    wait_for_ends,
    wait_for_task,
)

HANDLERS = Registry()
TOKENS: dict[str, list[str]] = {}
"""By instance: what was handed on by each attempt."""


def hand_on(ctx: Context | AsyncContext) -> None:
    TOKENS.setdefault(str(ctx.instance_id), []).append(ctx.token)


@HANDLERS.task("later")
def later(ctx: Context, timeout: float = 60) -> Later:
    hand_on(ctx)
    return Later(timeout)


@HANDLERS.task("later_async")
async def later_async(ctx: Context) -> Later:
    hand_on(ctx)
    return Later(timedelta(minutes=1))


@HANDLERS.task("later_transactional", transactional=True)
def later_transactional(ctx: Context) -> Later:
    ctx.connection.execute("insert into effect (key) values (%s)", (ctx.key,))
    hand_on(ctx)
    return Later(60)


@HANDLERS.task("later_transactional_async", transactional=True)
async def later_transactional_async(ctx: AsyncContext) -> Later:
    await ctx.connection.execute("insert into effect (key) values (%s)", (ctx.key,))
    hand_on(ctx)
    return Later(60)


@HANDLERS.task("answered_at_once")
def answered_at_once(ctx: Context, dsn: str) -> Later:
    """Whoever was given the token is faster than this handler."""
    with Client(dsn) as client:
        assert client.complete(ctx.token, "fast") == "accepted"
    return Later(60)


@HANDLERS.task("answered_in_transaction", transactional=True)
def answered_in_transaction(ctx: Context, dsn: str, code: str = "") -> Later:
    """The same before its commit; as a failure of the first attempt, where there is a code."""
    ctx.connection.execute("insert into effect (key) values (%s)", (ctx.key,))
    with Client(dsn) as client:
        if code and ctx.attempt == 1:
            assert client.fail(ctx.token, code) == "accepted"
        else:
            assert client.complete(ctx.token, "fast") == "accepted"
    return Later(60)


@HANDLERS.task("wrong_timeout")
def wrong_timeout() -> Later:
    return Later(-1)


@HANDLERS.task("read")
def read(given: str) -> str:
    return f"was {given}"


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport, concurrency=2) as made:
        make_effect_table(made.conn)
        yield made


def begin(stack: Stack, task: str, given: str = "", retry: str = "{attempts: 1}") -> UUID:
    name = task.replace("_", "-")
    deploy(
        stack.conn,
        f"""
        name: {name}
        on_failure: fail
        steps:
          - {{id: first, task: {task}, retry: {retry}, with: {{{given}}}}}
          - {{id: second, task: read, with: {{given: $.steps.first.output}}}}
        """,
    )
    return stack.run(name)


@pytest.mark.parametrize(
    "task", ["later", "later_async", "later_transactional", "later_transactional_async"]
)
def test_its_output_comes_from_outside_and_takes_no_slot(stack: Stack, task: str) -> None:
    instances = [begin(stack, task) for _ in range(5)]  # there are two slots
    for instance in instances:
        wait_for_task(stack.conn, instance, "first", "WAITING")
    with Client(stack.settings.dsn) as client:
        for instance in instances:
            (token,) = TOKENS[str(instance)]
            assert client.complete(token, "sent") == "accepted"
            assert client.complete(token, "again") == "repeated"
        assert wait_for_ends(stack.conn, instances) == ["SUCCEEDED"] * 5
    assert task_of(stack.conn, instances[0], "second")["output"] == "was sent"
    if "transactional" in task:
        written = dict(effects(stack.conn))
        assert [written[f"{instance}/first"] for instance in instances] == [1] * 5


def test_whoever_is_faster_than_the_handler_has_answered(stack: Stack) -> None:
    instance = begin(stack, "answered_at_once", f"dsn: '{stack.settings.dsn}'")
    assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
    assert task_of(stack.conn, instance, "second")["output"] == "was fast"


@pytest.mark.parametrize("code", ["", "not.yet"])
def test_what_a_transaction_did_stands_once_where_its_token_was_answered_before(
    stack: Stack, code: str
) -> None:
    given = f"dsn: '{stack.settings.dsn}', code: '{code}'"
    retry = "{attempts: 2, backoff: 10ms}"
    instance = begin(stack, "answered_in_transaction", given, retry)
    assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
    key = f"{instance}/first"
    wait_until(lambda: dict(effects(stack.conn)).get(key) == 1, "the effect")
    assert task_of(stack.conn, instance, "first")["attempts"] == (2 if code else 1)


def test_without_an_answer_it_is_tried_again_under_another_token(stack: Stack) -> None:
    instance = begin(stack, "later", "timeout: 0.2", "{attempts: 2, backoff: 10ms}")
    wait_until(lambda: len(TOKENS.get(str(instance), [])) == 2, "a second attempt")
    first, second = TOKENS[str(instance)]
    with Client(stack.settings.dsn) as client:
        with pytest.raises(Refused, match="is over"):
            client.complete(first, "too late")
        assert wait_for_ends(stack.conn, [instance]) == ["FAILED"]
        with pytest.raises(Refused, match="is over"):
            client.fail(second, "bank.refused")
    assert task_of(stack.conn, instance, "first")["error"]["code"] == "timeout"


def test_a_failure_from_outside_is_the_tasks(stack: Stack) -> None:
    instance = begin(stack, "later")
    wait_for_task(stack.conn, instance, "first", "WAITING")
    with Client(stack.settings.dsn) as client:
        client.fail(TOKENS[str(instance)][0], "bank.refused", "no money", retryable=False)
    assert wait_for_ends(stack.conn, [instance]) == ["FAILED"]
    error = task_of(stack.conn, instance, "first")["error"]
    assert error == {"code": "bank.refused", "message": "no money"}


def test_a_timeout_that_is_none_fails_the_attempt_in_words(stack: Stack) -> None:
    instance = begin(stack, "wrong_timeout")
    assert wait_for_ends(stack.conn, [instance]) == ["FAILED"]
    assert "Later(timeout=-1)" in task_of(stack.conn, instance, "first")["error"]["message"]
