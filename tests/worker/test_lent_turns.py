"""A turn that waits is lent to a handler that ends: who makes its calls, and what of it stays."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from contextvars import ContextVar
from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.calls import Answer, Completion, Grant
from onceflow.engine.errors import WorkerNotLive
from onceflow.worker import Context, Registry
from onceflow.worker.attempts import engine_calls
from onceflow.worker.attempts.attempt import Outcome
from onceflow.worker.attempts.engine_calls import EngineCalls

from ..servers import Servers
from .support import Conn, Stack, deploy, make_stack, start, wait_for_ends, worker

HANDLERS = Registry()
SEEN: ContextVar[str] = ContextVar("seen", default="nothing")
LEFT: set[asyncio.Task[None]] = set()
STEPS = 4


@HANDLERS.task("look")
async def look(ctx: Context) -> str:
    """Return what the context holds, and leave something in it."""
    seen = SEEN.get()
    SEEN.set(ctx.key)
    return seen


@HANDLERS.task("sync")
def sync() -> None:
    """Run in a thread."""


@HANDLERS.task("leave_one")
async def leave_one() -> None:
    """Begin something that goes on until the worker ends."""
    LEFT.add(asyncio.create_task(wait()))


async def wait() -> None:
    """Wait for nothing that comes."""
    await asyncio.Event().wait()


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport, concurrency=0) as made:
        for task in HANDLERS.names():
            steps = ", ".join(f"{{id: s{n}, task: {task}}}" for n in range(STEPS))
            deploy(made.conn, f"name: {task}\nsteps: [{steps}]")
        yield made


@pytest.fixture
def recorders(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The threads that have recorded answers, in their order."""
    record, names = EngineCalls.record, list[str]()

    def told(calls: EngineCalls, outcomes: Sequence[Outcome], room: int) -> list[Grant]:
        names.append(threading.current_thread().name)
        return record(calls, outcomes, room)

    monkeypatch.setattr(EngineCalls, "record", told)
    return names


def run(stack: Stack, workflow: str) -> UUID:
    """Run an instance to its end."""
    (instance,) = start(stack.conn, workflow, [{}])
    assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
    return instance


def run_until(stack: Stack, seen: Sequence[object]) -> UUID:
    """Run instances until one has had its turn lent, as ``seen`` tells; return that one."""
    for _ in range(20):  # the turn may be on its way to its wait; it is not each time
        instance = run(stack, "look")
        if seen:
            return instance
    raise AssertionError("no turn was lent")


def attempts_of(stack: Stack, instance: UUID) -> int:
    row = stack.conn.execute(
        "select sum(attempts) from onceflow.tasks where instance_id = %s", (instance,)
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize(("workflow", "thread"), [("look", "loop"), ("sync", "handler-1")])
def test_a_handler_that_ends_takes_the_turn_that_waits(
    stack: Stack, recorders: list[str], workflow: str, thread: str
) -> None:
    with worker(stack.settings, HANDLERS):
        for _ in range(20):  # the turn may be on its way to its wait; it is not each time
            run(stack, workflow)
    assert thread in recorders
    assert set(recorders) <= {thread, "turn test"}, "one thread does for one handler"


# guarantee: lent-loop-kept
def test_a_task_that_a_handler_left_on_the_loop_waits_for_no_call(
    stack: Stack, recorders: list[str]
) -> None:
    with worker(stack.settings, HANDLERS):
        for _ in range(10):
            run(stack, "leave_one")
    assert recorders == ["turn test"] * 10 * STEPS


# guarantee: lent-context-shared
def test_what_is_handed_off_has_a_context_of_its_own(stack: Stack, recorders: list[str]) -> None:
    with worker(stack.settings, HANDLERS):
        ids = [run(stack, "look") for _ in range(10)]
    assert "loop" in recorders
    rows = stack.conn.execute(
        "select distinct output from onceflow.tasks where instance_id = any(%s)", (ids,)
    )
    assert rows.fetchall() == [("nothing",)]


# guarantee: lent-error-kept
def test_what_a_lent_turn_comes_to_is_a_matter_of_the_worker(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    record, lent = EngineCalls.record, list[str]()

    def refused(calls: EngineCalls, outcomes: Sequence[Outcome], room: int) -> list[Grant]:
        name = threading.current_thread().name
        if name == "loop" and not lent:
            lent.append(name)
            raise WorkerNotLive("as the engine might say")
        return record(calls, outcomes, room)

    monkeypatch.setattr(EngineCalls, "record", refused)
    with worker(stack.settings, HANDLERS):
        instance = run_until(stack, lent)
    assert lent == ["loop"]
    assert attempts_of(stack, instance) > STEPS, "one was held under the registration that was lost"


# guarantee: lent-lock-awaited
def test_what_a_lent_turn_cannot_lock_is_left_to_the_turns_own_thread(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, UUID]] = []
    complete = engine_calls.complete_tasks

    def locked(
        conn: Conn, worker_id: UUID, completions: Sequence[Completion], *more: Any, **named: Any
    ) -> list[Answer]:
        name = threading.current_thread().name
        first = name == "loop" and not tried
        if first or len(tried) == 1:
            tried.append((name, completions[0].fence))
        if first:
            raise psycopg.errors.LockNotAvailable("somebody has it")
        return complete(conn, worker_id, completions, *more, **named)

    monkeypatch.setattr(engine_calls, "complete_tasks", locked)
    with worker(stack.settings, HANDLERS):
        instance = run_until(stack, tried)
    ((one, fence), (other, same)) = tried
    assert (one, other, fence) == ("loop", "turn test", same)
    assert attempts_of(stack, instance) == STEPS
