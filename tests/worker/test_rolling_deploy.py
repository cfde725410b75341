"""A release is rolled out under load: workers of both are there, and no instance fails by that."""

import os
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.calls import start_instances
from onceflow.worker import Context, Registry

from ..servers import Servers
from ..support import wait_until
from .support import Conn, Stack, deploy, make_stack, task_of, wait_for_ends, worker

OLD, NEW = Registry(), Registry()


@OLD.task("greet")
@NEW.task("greet")
async def greet(name: str) -> str:
    return f"Hello {name}"


@OLD.task("print")
def old_print(text: str) -> str:
    return f"{text}!"


@NEW.task("print.paper")
def new_print(text: str) -> str:
    return f"{text}!"


@OLD.task("count", transactional=True)
def old_count(text: str, ctx: Context) -> int:
    return len(text)


@NEW.task("count", transactional=True)
def new_count(text: str, ctx: Context, bonus: int = 0) -> int:
    return len(text) + bonus


@NEW.task("print")
def kept_for_old_instances(text: str) -> str:
    return f"{text}!"


BEFORE = """
name: letter
on_failure: fail
steps:
  - {id: greet, task: greet, with: {name: $.input.name}}
  - {id: print, task: print, with: {text: $.steps.greet.output}, retry: {attempts: 1}}
  - {id: count, task: count, with: {text: $.steps.print.output}, retry: {attempts: 1}}
"""
AFTER = BEFORE.replace("task: print", "task: print.paper").replace(
    "{text: $.steps.print.output}", "{text: $.steps.print.output, bonus: 1000}"
)


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    if transport == "kafka" and not os.environ.get("ONCEFLOW_TEST_KAFKA"):
        pytest.skip(
            "the embedded broker gives partitions to nobody once members of a group come and go "
            "within seconds; name another in ONCEFLOW_TEST_KAFKA"
        )
    with make_stack(servers, OLD, transport, concurrency=0) as made:
        yield made


class Load:
    """Starts instances, a few at a time, until it is told to end."""

    def __init__(self, stack: Stack) -> None:
        self.ids: list[UUID] = []
        self._stack = stack
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def await_more(self, count: int) -> None:
        """Wait until so many more have been started."""
        wanted = len(self.ids) + count
        wait_until(lambda: len(self.ids) >= wanted, f"{count} more instances")

    def end(self) -> None:
        """Start no more."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with connect(self._stack) as conn:
            while not self._stop.wait(0.02):
                inputs = [{"name": "Ada"}] * 3
                self.ids += [s.instance_id for s in start_instances(conn, "letter", inputs)]


def connect(stack: Stack) -> Conn:
    return psycopg.connect(stack.settings.dsn, autocommit=True)


def open_of(stack: Stack, version: int) -> int:
    """Return how many instances of a version have not ended."""
    row = stack.conn.execute(
        "select count(*) from onceflow.instances where version = %s and ended_at is null",
        (version,),
    ).fetchone()
    assert row is not None
    return row[0]


def test_it_fails_nothing(stack: Stack) -> None:
    deploy(stack.conn, BEFORE)
    with ExitStack() as olds, ExitStack() as news:

        def run(stack_of: ExitStack, handlers: Registry, name: str) -> Callable[[], None]:
            mine = stack_of.enter_context(ExitStack())
            mine.enter_context(
                worker(stack.settings, handlers, queues=["default"], name=name, grace=20)
            )
            return mine.close

        stop_one, stop_other = run(olds, OLD, "old-1"), run(olds, OLD, "old-2")
        load = Load(stack)
        try:
            load.await_more(60)
            deploy(stack.conn, AFTER)  # the definition first
            load.await_more(30)
            run(news, NEW, "new-1")
            load.await_more(60)
            stop_one()
            run(news, NEW, "new-2")
            load.await_more(60)
            # The last that has the old handler goes when the last instance has that needs it.
            wait_until(lambda: open_of(stack, 1) == 0, "the end of the old version's", 90)
            stop_other()
            load.await_more(30)
        finally:
            load.end()
        assert set(wait_for_ends(stack.conn, load.ids, 90)) == {"SUCCEEDED"}
    outputs = {task_of(stack.conn, instance, "count")["output"] for instance in load.ids}
    assert outputs == {10, 1010}
