"""A slow expression fails its own step by the clients over SQL as by the API: the others go on."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from psycopg_pool import AsyncConnectionPool, ConnectionPool

from onceflow.client import AsyncClient, Client, connections
from onceflow.client.model import Started
from onceflow.engine.calls import register_workflow

from ..sql.workflows import Step, fields, path, workflow
from .conftest import House

SLOW = fields(x={**path("$.input.a[*] ? (@ == $.input.b[*])"), "m": True})
QUICK: dict[str, list[int]] = {"a": [], "b": []}
LONG = {"a": list(range(9000)), "b": list(range(9000, 18_000))}
INPUTS = [QUICK, LONG, QUICK]
OPTIONS = "-c statement_timeout=1s"


@pytest.fixture
def slow(house: House) -> str:
    """A workflow whose first step evaluates what takes several seconds of a long input."""
    name = f"slow-{uuid4().hex[:12]}"
    with psycopg.connect(house.dsn, autocommit=True) as conn:
        steps = workflow(Step("a", input=SLOW), on_failure="suspend", name=name)
        register_workflow(conn, steps)
    return name


def by_string(dsn: str, name: str) -> list[Any]:
    with Client(dsn) as client:
        return client.start_many(name, INPUTS)


def by_pool(dsn: str, name: str) -> list[Any]:
    """Of whose connections each begins a transaction by itself."""
    with ConnectionPool(dsn, kwargs={"options": OPTIONS}, min_size=1, open=True) as pool:
        return Client(pool).start_many(name, INPUTS)


def by_connection(dsn: str, name: str) -> list[Any]:
    with psycopg.connect(dsn, autocommit=True, options=OPTIONS) as own:
        return Client(own).start_many(name, INPUTS)


def async_by_string(dsn: str, name: str) -> list[Any]:
    async def start() -> list[Any]:
        async with AsyncClient(dsn) as client:
            return await client.start_many(name, INPUTS)

    return asyncio.run(start())


def async_by_pool(dsn: str, name: str) -> list[Any]:
    async def start() -> list[Any]:
        options = {"options": OPTIONS}
        async with AsyncConnectionPool(dsn, kwargs=options, min_size=1, open=False) as pool:
            return await AsyncClient(pool).start_many(name, INPUTS)

    return asyncio.run(start())


WAYS = [by_string, by_pool, by_connection, async_by_string, async_by_pool]


@pytest.mark.parametrize("way", WAYS)
def test_the_others_start(
    house: House, slow: str, way: Callable[[str, str], list[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STATEMENT_TIMEOUT", 1.0)
    started = way(house.dsn, slow)
    assert all(isinstance(one, Started) for one in started)
    with psycopg.connect(house.dsn) as conn:
        found = [of(conn, one.id) for one in started]
    assert found == ["QUEUED", "expression.timeout", "QUEUED"]


def of(conn: psycopg.Connection[Any], instance: UUID) -> str:
    row = conn.execute(
        "select coalesce(error ->> 'code', state) from onceflow.tasks where instance_id = %s",
        (instance,),
    ).fetchone()
    assert row is not None
    return row[0]


def test_what_is_part_of_the_callers_transaction_is_not_repeated(house: House, slow: str) -> None:
    with psycopg.connect(house.dsn, options=OPTIONS) as own:
        client = Client(own)
        with pytest.raises(psycopg.errors.QueryCanceled):
            client.start_many(slow, INPUTS)
        assert own.info.transaction_status is psycopg.pq.TransactionStatus.INERROR
