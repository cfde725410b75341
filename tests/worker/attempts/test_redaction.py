"""No credential of an error is kept, logged or shown, whoever raised it."""

import logging
from collections.abc import Iterator
from io import StringIO
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.logs import set_up_logging
from onceflow.engine.settings import Settings
from onceflow.worker import PermanentError, Registry

from ...servers import Servers
from ...support import wait_until
from ..support import Stack, deploy, make_stack, wait_for_task

pytestmark = pytest.mark.only("postgres", reason="how tasks come to the worker does not matter")

FOREIGN = "hunter2"
OURS = "corr/ect h@rse"
"""The password of our own DSN, which is known in whatever form it is told."""

HANDLERS = Registry()


@HANDLERS.task("tells")
def tells() -> None:
    try:
        raise OSError(f"FATAL: no user app with {OURS!r}: host=db password='{FOREIGN} x' user=app")
    except OSError as error:
        raise PermanentError(
            f"postgresql://app:{FOREIGN}@db/shop does not answer as {quote(OURS, safe='')}",
            code=f"db.password={FOREIGN}",
            detail={"dsn": f"smtp://u:{FOREIGN}@mail", "password": FOREIGN, "said": OURS},
        ) from error


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, transport) as made:
        yield made


@pytest.fixture(params=["text", "json"])
def log(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[StringIO]:
    """What processes write to stderr, in either form."""
    told, root = StringIO(), logging.getLogger()
    handlers = list(root.handlers)
    monkeypatch.setattr("sys.stderr", told)
    set_up_logging("debug", request.param)
    root.handlers += handlers
    yield told
    root.handlers[:] = handlers


def test_a_password_in_an_error_is_nowhere_to_be_found(stack: Stack, log: StringIO) -> None:
    Settings(dsn=f"postgresql://app:{quote(OURS, safe='')}@db/shop")
    deploy(
        stack.conn,
        """
        name: tells
        on_failure: suspend
        steps: [{id: only, task: tells}]
        """,
    )
    instance = stack.run("tells")
    wait_for_task(stack.conn, instance, "only", "DEAD_LETTER")
    wait_until(lambda: "attempt 1 failed" in log.getvalue(), "the line of the log")
    places = {
        table: str(stack.conn.execute(f"select x::text from onceflow.{table} x").fetchall())
        for table in ("task", "task_log", "dead_letters", "instances", "transitions", "outbox")
    }
    with (
        open_api_pool(stack.settings) as pool,
        TestClient(create_app(pool, Settings(hosts=("testserver",)))) as client,
    ):
        for path in (
            f"/instances/{instance}",
            f"/instances/{instance}/explain",
            "/dead-letters",
            "/ui/dead-letters",
            f"/ui/instances/{instance}",
        ):
            answer = client.get(path)
            assert answer.status_code == 200, path
            places[path] = answer.text
    places["log"] = log.getvalue()
    assert "does not answer as ***" in places["task_log"]
    for place, told in places.items():
        assert FOREIGN not in told, place
        for part in ("corr", "h@rse", "ect%20"):
            assert part not in told, place
