"""Fixtures: one database with an API before it for all tests of a module, and a door into it.

``door``    each of the four clients, as one that waits
``order``   the name of a workflow of this test alone
``worker``  a worker moved by hand
"""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, cast
from uuid import uuid4

import psycopg
import pytest

from onceflow.client import AsyncClient, AsyncHttpClient, Client, HttpClient
from onceflow.client.interface import SyncInterface
from onceflow.engine.settings import Settings

from ..api.definitions import ORDER
from ..api.hand_worker import HandWorker
from ..api.server import running_api
from ..servers import Servers, create_database, drop_database

DOORS = ["sql", "async-sql", "http", "async-http"]

Door = SyncInterface[Any]


@dataclass(frozen=True, slots=True)
class House:
    """A database, and the API before it."""

    dsn: str
    url: str


class Blocking:
    """An asynchronous client, as one that waits."""

    def __init__(self, client: AsyncClient | AsyncHttpClient, runner: asyncio.Runner) -> None:
        self._client = client
        self._runner = runner

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._client, name)

        def call(*given: Any, **named: Any) -> Any:
            found = method(*given, **named)
            if inspect.isasyncgen(found):
                return iter(self._runner.run(_all_of(found)))
            return self._runner.run(cast("Coroutine[Any, Any, Any]", found))

        return call


async def _all_of(items: AsyncIterator[Any]) -> list[Any]:
    return [item async for item in items]


@pytest.fixture(scope="module")
def house(servers: Servers) -> Iterator[House]:
    database = create_database(servers, migrated=True)
    with running_api(Settings(dsn=database.dsn, transport="postgres", port=0)) as api:
        yield House(database.dsn, api.url)
    drop_database(servers, database.name)


@pytest.fixture(params=DOORS)
def door(request: pytest.FixtureRequest, house: House) -> Iterator[Door]:
    with ExitStack() as stack:
        match request.param:
            case "sql":
                yield stack.enter_context(Client(house.dsn))
            case "http":
                yield stack.enter_context(HttpClient(house.url))
            case of:
                runner = stack.enter_context(asyncio.Runner())
                made = AsyncClient(house.dsn) if of == "async-sql" else AsyncHttpClient(house.url)
                stack.callback(lambda: runner.run(made.close()))
                yield cast("Door", Blocking(made, runner))


@pytest.fixture
def order(house: House) -> str:
    """A workflow of two steps, of which the second may fail."""
    name = f"order-{uuid4().hex[:12]}"
    with Client(house.dsn) as client:
        client.deploy(ORDER.replace("name: order", f"name: {name}", 1))
    return name


@pytest.fixture
def own(house: House) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the caller's own, which begins a transaction by itself."""
    with closing(psycopg.connect(house.dsn)) as conn:
        yield conn


@pytest.fixture
def worker(house: House) -> Iterator[HandWorker]:
    with closing(psycopg.connect(house.dsn, autocommit=True)) as conn:
        yield HandWorker(conn)
