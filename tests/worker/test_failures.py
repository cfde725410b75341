"""A worker whose handlers fail: what is tried again, and what each error says"""

from collections.abc import Iterator

import pytest

from ..servers import Servers
from .support import (
    Stack,
    deploy,
    start,
    task_of,
    wait_for_ends,
)
from .worker_tasks import GATES, HANDLERS, ends, made_stack, single


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    yield from made_stack(servers, transport)


def test_a_failed_attempt_is_tried_again(stack: Stack) -> None:
    single(
        stack,
        "tries",
        "fail_until",
        "with: {attempt: $.input.attempt}",
        "retry: {attempts: 3, backoff: 10ms}",
    )
    good, bad = stack.run("tries", attempt=3), stack.run("tries", attempt=4)
    assert ends(stack, good) == "SUCCEEDED"
    assert task_of(stack.conn, good, "only")["output"] == 3
    assert ends(stack, bad) == "FAILED"
    row = task_of(stack.conn, bad, "only")
    assert (row["state"], row["attempts"], row["error"]["code"]) == ("DEAD_LETTER", 3, "early")


def test_a_handlers_own_policy_holds_where_the_step_has_none(stack: Stack) -> None:
    single(stack, "own", "own_policy")
    instance = stack.run("own")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["error"]["code"]) == (2, "exception.OSError")


def test_a_permanent_error_is_not_tried_again(stack: Stack) -> None:
    single(stack, "refused", "refuse")
    instance = stack.run("refused")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert row["attempts"] == 1
    error = row["error"]
    assert (error["code"], error["message"]) == ("order.none", "that is no order")
    assert (error["type"], error["detail"]) == ("PermanentError", {"order": 7})
    assert " in refuse: raise PermanentError(" in error["traceback"][0]


@pytest.mark.parametrize(("task", "undone"), [("own_policy", True), ("refuse", False)])
def test_an_exception_that_says_nothing_may_have_come_after_the_effect(
    stack: Stack, task: str, undone: bool
) -> None:
    deploy(
        stack.conn,
        f"""
        name: unforeseen-{task}
        steps:
          - {{id: only, task: {task}, compensate: {{task: add, with: {{n: 1}}}}}}
        """,
    )
    instance = stack.run(f"unforeseen-{task}")
    assert ends(stack, instance) == "COMPENSATED"
    rows = stack.conn.execute("select 1 from onceflow.tasks where instance_id = %s", (instance,))
    assert len(rows.fetchall()) == (2 if undone else 1)
    error = task_of(stack.conn, instance, "only")["error"]
    assert error.get("unknown", False) is undone


def test_input_that_does_not_fit_is_a_permanent_failure(stack: Stack) -> None:
    single(stack, "misfit", "add", "with: {n: one}")
    instance = stack.run("misfit")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["error"]["code"]) == (1, "input.invalid")
    assert "$.n" in row["error"]["message"]


@pytest.mark.parametrize("task", ["raise", "raise_in_transaction"])
@pytest.mark.parametrize(
    ("kind", "code", "tries"),
    [
        ("subclass", "exception.Unreadable", 1),
        ("builtin", "exception.KeyError", 1),
        ("ours", "shop.busy", 1),
        ("other", "task.retryable", 5),
    ],
)
def test_exceptions_of_a_named_type_and_its_subclasses_are_not_tried_again(
    stack: Stack, task: str, kind: str, code: str, tries: int
) -> None:
    single(stack, "never", task, f"with: {{kind: {kind}}}")
    instance = stack.run("never")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["error"]["code"], row["attempts"]) == (code, tries)


def test_a_steps_own_policy_knows_no_types_of_the_handlers(stack: Stack) -> None:
    own = "retry: {attempts: 2, backoff: 10ms}"
    single(stack, "own-retry", "raise", "with: {kind: subclass}", own)
    instance = stack.run("own-retry")
    assert ends(stack, instance) == "FAILED"
    assert task_of(stack.conn, instance, "only")["attempts"] == 2


def test_one_poisoned_output_fails_its_own_task_alone(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: poison
        on_failure: fail
        steps:
          - {id: hold, task: hold, with: {gate: poison}}
          - {id: only, task: poison, with: {bad: $.input.bad}}
        """,
    )
    ids = start(stack.conn, "poison", [{"bad": n == 3} for n in range(8)])
    GATES["poison"].await_arrivals(8)  # so that they all end at once
    GATES["poison"].open()
    found = wait_for_ends(stack.conn, ids)
    assert [n for n, state in enumerate(found) if state != "SUCCEEDED"] == [3]
    row = task_of(stack.conn, ids[3], "only")
    assert (row["state"], row["attempts"]) == ("DEAD_LETTER", 1)
    assert (row["error"]["code"], row["error"]["unknown"]) == ("output.refused", True)


@HANDLERS.task("poison")
def poison(bad: bool) -> str:
    return "a NUL: \0" if bad else "fine"


def test_a_result_too_large_is_a_permanent_failure(stack: Stack) -> None:
    single(stack, "large", "large")
    instance = stack.run("large")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["error"]["code"]) == (1, "output.too_large")


@HANDLERS.task("large")
def large() -> str:
    return "x" * (1024 * 1024)
