"""Handlers that are past their time, or whose instance is cancelled"""

from collections.abc import Iterator

import pytest

from onceflow.engine.calls import cancel_instances

from ..servers import Servers
from ..support import wait_until
from .support import (
    Stack,
    task_of,
)
from .worker_tasks import GATES, ends, made_stack, single


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    yield from made_stack(servers, transport)


def test_an_async_handler_under_a_wrapper_that_is_not_runs_and_is_interrupted(
    stack: Stack,
) -> None:
    more = "timeout: 500ms", "with: {gate: wrapped}", "retry: {attempts: 2, backoff: 10ms}"
    single(stack, "wrapped", "async_under_a_wrapper", *more)
    instance = stack.run("wrapped")
    assert ends(stack, instance) == "SUCCEEDED"
    assert task_of(stack.conn, instance, "only")["output"] == "attempt 2"


def test_an_async_handler_past_its_time_is_cancelled(stack: Stack) -> None:
    single(
        stack,
        "slow-async",
        "hold_async",
        "with: {gate: slow-async}",
        "timeout: 300ms",
        "retry: {attempts: 1}",
    )
    instance = stack.run("slow-async")
    assert ends(stack, instance) == "FAILED"
    error = task_of(stack.conn, instance, "only")["error"]
    assert error["code"] == "timeout"
    GATES["slow-async"].wait()  # its finally clause has run


def test_a_sync_handler_past_its_time_keeps_its_slot_and_its_answer(stack: Stack) -> None:
    single(
        stack,
        "slow-sync",
        "hold",
        "with: {gate: slow-sync}",
        "timeout: 300ms",
        "retry: {attempts: 1}",
    )
    before = stack.worker.counters.snapshot()
    instance = stack.run("slow-sync")
    assert ends(stack, instance) == "FAILED"
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "timeout"
    assert stack.worker.busy == 1
    GATES["slow-sync"].open()
    wait_until(lambda: stack.worker.busy == 0, "the slot of the late handler")
    assert task_of(stack.conn, instance, "only")["state"] == "DEAD_LETTER"
    assert stack.worker.counters.snapshot()["completed"] == before["completed"]


def test_a_running_async_task_of_a_cancelled_instance_is_cancelled(stack: Stack) -> None:
    single(stack, "cancel-async", "hold_async", "with: {gate: cancel-async}")
    instance = stack.run("cancel-async")
    GATES["cancel-async"].await_arrivals()
    cancel_instances(stack.conn, [instance])
    assert ends(stack, instance) == "CANCELLED"
    assert task_of(stack.conn, instance, "only")["state"] == "CANCELLED"
    GATES["cancel-async"].wait()


def test_a_running_sync_task_of_a_cancelled_instance_is_told(stack: Stack) -> None:
    single(stack, "cancel-sync", "until_cancelled", "with: {gate: cancel-sync}")
    instance = stack.run("cancel-sync")
    GATES["cancel-sync"].await_arrivals()
    cancel_instances(stack.conn, [instance])
    assert ends(stack, instance) == "CANCELLED"
    assert task_of(stack.conn, instance, "only")["output"] == "stopped when told"
