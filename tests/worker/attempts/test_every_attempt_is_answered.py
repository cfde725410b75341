"""Whatever a handler raises or returns, its attempt is answered and its slot is free again."""

import asyncio
import gc
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import hypothesis
import pytest
from hypothesis import strategies

from onceflow.worker import Context, Registry
from onceflow.worker.handlers.faults import UNDESCRIBED

from ...servers import Servers
from ...support import wait_until
from ..support import Stack, deploy, make_stack, start, task_of, wait_for_ends
from .odd import CONDUCT, FAILURES, RESULTS, Act, act_of, raising

pytestmark = pytest.mark.only("postgres", reason="how tasks come to the worker does not matter")

HANDLERS = Registry()
MODES = ("sync", "asynchronous", "transactional", "transactional_asynchronous")

ACTS: dict[int, Act] = {}
"""By number: an act cannot travel in an input."""


def act(number: int) -> Any:
    return ACTS[number]()


@HANDLERS.task("sync")
def sync(number: int) -> Any:
    return act(number)


@HANDLERS.task("asynchronous")
async def asynchronous(number: int) -> Any:
    await asyncio.sleep(0)
    return act(number)


@HANDLERS.task("transactional", transactional=True)
def transactional(number: int, ctx: Context) -> Any:
    ctx.connection.execute("select 1")
    return act(number)


@HANDLERS.task("transactional_asynchronous", transactional=True)
async def transactional_asynchronous(number: int) -> Any:
    await asyncio.sleep(0)
    return act(number)


@HANDLERS.task("leaves_one_behind")
async def leaves_one_behind() -> None:
    async def leave() -> None:
        sys.exit(3)

    asyncio.get_running_loop().create_task(leave())
    await asyncio.sleep(0)


@HANDLERS.task("stops_the_loop")
async def stops_the_loop() -> None:
    asyncio.get_running_loop().stop()


@HANDLERS.task("takes_its_context_apart")
def takes_its_context_apart(ctx: Context) -> None:
    ctx.logger = None  # type: ignore[assignment,method-assign]
    raise ValueError("x")


@HANDLERS.task("closes_its_connection", transactional=True)
def closes_its_connection(ctx: Context) -> None:
    ctx.connection.close()


@dataclass
class Converted:
    n: int

    def __post_init__(self) -> None:
        raise SystemExit("while it is converted")


@HANDLERS.task("converts")
def converts(value: Converted) -> None:
    raise AssertionError(value)


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport, concurrency=4) as made:
        for mode in MODES:
            deploy(made.conn, single(mode, "with: {number: $.input.number}"))
        for task in (
            leaves_one_behind,
            stops_the_loop,
            takes_its_context_apart,
            closes_its_connection,
        ):
            deploy(made.conn, single(task.__name__))
        deploy(made.conn, single("converts", "with: {value: {n: 1}}"))
        yield made


def single(task: str, more: str = "") -> str:
    """Return a workflow of one step that is tried once."""
    return f"""
        name: {task}
        on_failure: fail
        steps:
          - id: only
            task: {task}
            retry: {{attempts: 1}}
            {more}
        """


def answers(stack: Stack, acts: list[tuple[str, Act]]) -> list[dict[str, Any]]:
    """Do each act in a handler of its mode; return the rows of their tasks, all of them ended."""
    ids: list[UUID] = []
    for mode, one in acts:
        ACTS[len(ACTS)] = one
        ids += start(stack.conn, mode, [{"number": len(ACTS) - 1}])
    wait_for_ends(stack.conn, ids)
    wait_until(lambda: stack.worker.busy == 0, "the slots being free")
    return [task_of(stack.conn, instance, "only") for instance in ids]


@pytest.mark.parametrize("kind", FAILURES)
def test_a_handler_that_raises(stack: Stack, kind: str) -> None:
    for mode, row in zip(
        MODES, answers(stack, [(mode, raising(FAILURES[kind]())) for mode in MODES]), strict=True
    ):
        assert (row["state"], row["attempts"]) == ("DEAD_LETTER", 1), mode
        assert row["error"]["code"] not in ("", UNDESCRIBED.error["code"]), mode
        assert row["error"]["message"], mode


@pytest.mark.parametrize("kind", RESULTS)
def test_a_handler_that_returns(stack: Stack, kind: str) -> None:
    for mode, row in zip(MODES, answers(stack, [(m, RESULTS[kind]) for m in MODES]), strict=True):
        assert row["state"] == "DEAD_LETTER", mode
        assert row["error"]["code"].startswith("output."), mode
        assert row["error"].get("unknown", False) is not mode.startswith("transactional"), mode


@pytest.mark.parametrize("task", ["leaves_one_behind", "stops_the_loop"])
def test_the_loop_of_all_handlers_goes_on(stack: Stack, task: str) -> None:
    wait_for_ends(stack.conn, start(stack.conn, task, [{}]))
    (row,) = answers(stack, [("asynchronous", lambda: "still here")])
    assert row["output"] == "still here"
    gc.collect()  # asyncio logs what was left behind as it goes, and a parser must not be at work


def test_an_error_that_cannot_be_logged_is_recorded(stack: Stack) -> None:
    (instance,) = start(stack.conn, "takes_its_context_apart", [{}])
    wait_for_ends(stack.conn, [instance])
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "exception.ValueError"


def test_a_connection_that_is_closed_has_completed_nothing(stack: Stack) -> None:
    (instance,) = start(stack.conn, "closes_its_connection", [{}])
    wait_for_ends(stack.conn, [instance])
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "transaction.ended"
    (row,) = answers(stack, [("transactional", lambda: "another")])
    assert row["output"] == "another"


def test_an_input_whose_conversion_fails_has_not_been_worked_on(stack: Stack) -> None:
    (instance,) = start(stack.conn, "converts", [{}])
    wait_for_ends(stack.conn, [instance])
    error = task_of(stack.conn, instance, "only")["error"]
    assert (error["code"], error["message"]) == ("input.invalid", "while it is converted")
    assert "unknown" not in error


@hypothesis.given(
    strategies.lists(
        strategies.tuples(strategies.sampled_from(MODES), CONDUCT),
        min_size=4,
        max_size=12,
    )
)
@hypothesis.settings(
    max_examples=15,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
def test_whatever_a_handler_does(stack: Stack, drawn: list[tuple[str, Any]]) -> None:
    acts = [(mode, act_of(*conduct)) for mode, conduct in drawn]
    for row in answers(stack, acts):
        assert row["state"] in ("SUCCEEDED", "DEAD_LETTER")
        assert (row["error"] is None) is (row["state"] == "SUCCEEDED")
