"""A worker at work: what it does with handlers that succeed, fail, hang, or answer nonsense."""

import asyncio
import functools
import json
from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

import pytest

from onceflow.engine.calls import cancel_instances
from onceflow.worker import Context, PermanentError, Registry, Retry, RetryableError

from ..servers import Servers
from ..support import wait_until
from .support import (
    Gates,
    Stack,
    deploy,
    make_stack,
    send,
    start,
    task_of,
    wait_for_ends,
    wait_for_task,
    worker,
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


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
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


def test_an_async_handler_under_a_wrapper_that_is_not_runs_and_is_interrupted(
    stack: Stack,
) -> None:
    more = "timeout: 500ms", "with: {gate: wrapped}", "retry: {attempts: 2, backoff: 10ms}"
    single(stack, "wrapped", "async_under_a_wrapper", *more)
    instance = stack.run("wrapped")
    assert ends(stack, instance) == "SUCCEEDED"
    assert task_of(stack.conn, instance, "only")["output"] == "attempt 2"


def test_steps_follow_each_other_by_hand_off(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: chain
        steps:
          - {id: a, task: add, with: {n: $.input.n}}
          - {id: b, task: add_sync, with: {n: $.steps.a.output.n}}
          - {id: c, task: add, with: {n: $.steps.b.output.n, more: 10}}
        output: $.steps.c.output.n
        """,
    )
    before = stack.worker.counters.snapshot()
    ids = start(stack.conn, "chain", [{"n": n} for n in range(20)])
    assert set(wait_for_ends(stack.conn, ids)) == {"SUCCEEDED"}
    outputs = stack.conn.execute(
        "select id, output from onceflow.instances where id = any(%s)", (ids,)
    ).fetchall()
    assert dict(outputs) == {instance: n + 12 for n, instance in enumerate(ids)}
    after = stack.worker.counters.snapshot()
    assert after["completed"] - before["completed"] == 60
    assert after["handed_off"] > before["handed_off"]
    assert after["stale"] == before["stale"]


def test_a_lone_chain_is_claimed_once_and_handed_on(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: lone
        steps:
          - {id: a, task: add, with: {n: 1}}
          - {id: b, task: add, with: {n: 2}}
          - {id: c, task: add, with: {n: 3}}
        """,
    )
    before = stack.worker.counters.snapshot()
    assert ends(stack, stack.run("lone")) == "SUCCEEDED"
    after = stack.worker.counters.snapshot()
    assert after["claimed"] - before["claimed"] == 1
    assert after["handed_off"] - before["handed_off"] == 2


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


def test_a_task_nobody_knows_here_is_tried_again_elsewhere(stack: Stack) -> None:
    single(stack, "elsewhere", "known.elsewhere", "retry: {attempts: 1}")
    instances = [stack.run("elsewhere") for _ in range(3)]
    for instance in instances:
        assert wait_for_task(stack.conn, instance, "only", "READY")["attempts"] == 0
    newer = Registry()
    newer.task("known.elsewhere")(lambda: "here")
    with worker(stack.settings, newer, queues=["default"], name="newer"):
        wait_for_ends(stack.conn, instances, 40)
    for instance in instances:
        row = task_of(stack.conn, instance, "only")
        assert (row["state"], row["attempts"], row["output"]) == ("SUCCEEDED", 1, "here")


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


def test_a_worker_tells_of_its_slots(stack: Stack) -> None:
    single(stack, "slots", "hold", "with: {gate: slots}")
    instance = stack.run("slots")
    wait_for_task(stack.conn, instance, "only", "RUNNING")
    taken = "select 1 from onceflow.workers where (stats -> 'busy')::int = 1 and stats ? 'slots'"
    wait_until(lambda: stack.conn.execute(taken).fetchone(), "a slot that is taken")
    GATES["slots"].open()
    assert ends(stack, instance) == "SUCCEEDED"


def test_progress_travels_with_the_renewal(stack: Stack) -> None:
    single(stack, "progress", "report", "with: {gate: progress}")
    instance = stack.run("progress")
    wait_until(
        lambda: (
            wait_for_task(stack.conn, instance, "only", "RUNNING")["progress"]
            == {"done": 2, "of": 3}
        ),
        "the progress of the task",
    )
    GATES["progress"].open()
    assert ends(stack, instance) == "SUCCEEDED"


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


def test_a_number_comes_back_to_the_last_digit(stack: Stack) -> None:
    single(stack, "exact", "echo", "with: {value: $.input.value}")
    stack.conn.execute(
        "select onceflow.start_instances('exact', array[%s::jsonb])",
        ('{"value": {"total": 1265793.0395, "zeros": 1.500, "wide": 123456789012345678901.5}}',),
    )
    (instance,) = stack.conn.execute(
        "select id from onceflow.instances where workflow = 'exact'"
    ).fetchall()[0]
    assert ends(stack, instance) == "SUCCEEDED"
    text = stack.conn.execute(
        "select output::text from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchone()
    assert text is not None
    for digits in ("1265793.0395", "1.500", "123456789012345678901.5"):
        assert digits in text[0]


def test_each_queue_is_served(stack: Stack) -> None:
    single(stack, "paper", "on_paper", "queue: paper")
    instance = stack.run("paper")
    assert ends(stack, instance) == "SUCCEEDED"
    assert task_of(stack.conn, instance, "only")["output"] == "printed"


def test_messages_that_say_nothing_go_to_quarantine(stack: Stack) -> None:
    nobody = "01890000-0000-7000-8000-00000000dead"
    bad = [
        b"not json",
        b"\xff\xfe\x00",
        b'{"instance": "no uuid", "task": "a"}',
        b'{"instance": "%s"}' % nobody.encode(),
        b'{"instance": "%s", "task": "a\\u0000b"}' % nobody.encode(),
        b'{"instance": "%s", "task": "only"}' % nobody.encode(),
    ]
    if stack.settings.transport == "postgres":
        bad.remove(b"\xff\xfe\x00")  # no text, so no message
    send(stack, *bad)

    def quarantined() -> dict[bytes, str]:
        return dict(stack.conn.execute("select payload, reason from onceflow.quarantined"))

    wait_until(lambda: len(quarantined()) == len(bad), "the bad messages")
    found = quarantined()
    assert set(found) == set(bad)
    assert "does not exist" in found[bad[-1]]
    assert "not a task message" in found[bad[0]]
    wait_until(
        lambda: stack.worker.counters.snapshot()["quarantined"] == len(bad), "their being counted"
    )


def test_duplicates_are_skipped_and_counted(stack: Stack) -> None:
    single(stack, "twice", "hold", "with: {gate: twice}")
    instance = stack.run("twice")
    GATES["twice"].await_arrivals()
    before = stack.worker.counters.snapshot()
    message = json.dumps({"instance": str(instance), "task": "only"}).encode()
    send(stack, message, message, message)
    wait_until(
        lambda: stack.worker.counters.snapshot()["skipped"] - before["skipped"] == 3,
        "three duplicates being skipped",
    )
    GATES["twice"].open()
    assert ends(stack, instance) == "SUCCEEDED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["output"]) == (1, "attempt 1")
