"""A worker warns once of each attempt that failed, whatever ended it."""

import asyncio
import logging
from collections.abc import Generator, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

import psycopg
import pytest

from onceflow.worker import Registry, Retry

from ...servers import Servers
from ...support import wait_until
from ..support import Stack, deploy, make_stack, task_of, wait_for_ends

pytestmark = pytest.mark.only("postgres", reason="how tasks come to the worker does not matter")

HANDLERS = Registry()


@HANDLERS.task("raises", retry=Retry(attempts=2, backoff=0.01, jitter=0))
def raises() -> None:
    raise OSError("no order 36")


@HANDLERS.task("is_late", retry=Retry(attempts=1))
async def is_late() -> None:
    await asyncio.Event().wait()


@HANDLERS.task("returns_a_nul", retry=Retry(attempts=1))
def returns_a_nul() -> str:
    return "\0"


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport) as made:
        yield made


@contextmanager
def no_timers(dsn: str) -> Generator[None]:
    """Keep the clock from timers: it would end an attempt at the same moment as its worker."""
    with psycopg.connect(dsn) as conn:
        conn.execute("select from onceflow.job where name = 'fire_timers' for update")
        yield


@pytest.mark.parametrize(
    ("handler", "code", "states"),
    [
        ("raises", "exception.OSError", ["RETRYING", "DEAD_LETTER"]),
        ("is_late", "timeout", ["DEAD_LETTER"]),
        ("returns_a_nul", "output.refused", ["DEAD_LETTER"]),
    ],
)
def test_each_failed_attempt_is_warned_of_once(
    stack: Stack, caplog: pytest.LogCaptureFixture, handler: str, code: str, states: list[str]
) -> None:
    deploy(
        stack.conn,
        f"""
        name: {handler}
        on_failure: fail
        steps:
          - id: only
            task: {handler}
            timeout: 200ms
        """,
    )
    with no_timers(stack.settings.dsn) if code == "timeout" else nullcontext():
        instance = stack.run(handler)
        wait_for_ends(stack.conn, [instance])

    def told() -> list[dict[str, Any]]:
        own = [r for r in caplog.records if f"{instance}/only: attempt" in r.getMessage()]
        assert all(r.levelno == logging.WARNING for r in own)
        return [vars(r)["fields"] for r in own]

    wait_until(lambda: len(told()) == len(states), "a warning of each attempt")
    error = task_of(stack.conn, instance, "only")["error"]
    assert [one["state"] for one in told()] == states
    assert told()[-1] == {
        "task": "only",
        "attempt": len(states),
        "key": f"{instance}/only",
        "code": code,
        "fingerprint": error["fingerprint"],
        "handler": handler,
        "workflow": handler,
        "version": 1,
        "state": "DEAD_LETTER",
    }
