"""Fixtures: the application over a fresh database, and a worker moved by hand."""

from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings

from .definitions import ORDER
from .hand_worker import HandWorker

OURS = Settings(hosts=("testserver",))
"""The name by which the test client calls."""

Start = Callable[..., str]


@pytest.fixture
def pool(settings: Settings) -> Iterator[Pool]:
    with open_api_pool(settings) as opened:
        yield opened


@pytest.fixture
def client(pool: Pool) -> Iterator[TestClient]:
    """The application itself; what nobody foresaw is answered, not raised."""
    with TestClient(create_app(pool, OURS), raise_server_exceptions=False) as opened:
        yield opened


@pytest.fixture
def worker(conn: psycopg.Connection[Any]) -> HandWorker:
    return HandWorker(conn)


def deploy(client: TestClient, definition: str = ORDER) -> dict[str, Any]:
    """Register a definition and return the answer."""
    headers = {"content-type": "application/yaml"}
    answer = client.post("/workflows", content=definition, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return answer.json()


@pytest.fixture
def start(client: TestClient) -> Start:
    """A function that starts an instance of the workflow ``order`` and returns its id."""
    deploy(client)

    def started(customer: str = "ALFKI", **options: Any) -> str:
        body = {"input": {"customer": customer, "total": 12.5}}
        answer = client.post("/workflows/order/start", json=body, **options)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return started
