"""A client over the caller's own connection or pool: what it starts is part of his transaction."""

from typing import Any

import psycopg
import pytest
import sqlalchemy as sa
from psycopg.conninfo import conninfo_to_dict
from psycopg_pool import AsyncConnectionPool, ConnectionPool
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from onceflow.client import (
    AsyncClient,
    BadArgument,
    Client,
    NotFound,
    Refused,
    ServerError,
    WrongIsolation,
)

from ..api.hand_worker import HandWorker
from .conftest import House

GIVEN = {"customer": "ALFKI", "total": 12.5}


def count(house: House, order: str) -> int:
    """Return how many instances others see."""
    with Client(house.dsn) as client:
        return len([*client.instances(order)])


def finish(worker: HandWorker, instance: Any) -> None:
    worker.complete(instance)
    worker.complete(instance, {"amount": 1})


def url_of(house: House) -> sa.URL:
    """Return the address as SQLAlchemy has it: what is no part of a URL goes into its query."""
    given = {name: str(value) for name, value in conninfo_to_dict(house.dsn).items()}
    return sa.URL.create("postgresql+psycopg", database=given.pop("dbname"), query=given)


@pytest.fixture
def engine(house: House) -> AsyncEngine:
    return create_async_engine(url_of(house), poolclass=sa.NullPool)


def test_a_start_is_committed_with_the_callers_transaction_or_not_at_all(
    house: House, order: str, own: psycopg.Connection[Any]
) -> None:
    client = Client(own)
    lost = client.start(order, GIVEN)
    assert client.get(lost.id).status == "RUNNING"
    assert count(house, order) == 0
    own.rollback()
    with pytest.raises(NotFound):
        client.get(lost.id)
    own.rollback()
    client.start(order, GIVEN)
    own.commit()
    assert count(house, order) == 1
    client.close()
    assert not own.closed


def test_a_refused_start_leaves_the_transaction_usable(
    house: House, order: str, own: psycopg.Connection[Any]
) -> None:
    client = Client(own)
    client.start(order, GIVEN)
    with pytest.raises(BadArgument):
        client.start(order, {"customer": "", "total": 1})
    with pytest.raises(NotFound):
        client.start("nobody-knows")
    own.commit()
    assert count(house, order) == 1


def test_nobody_waits_in_the_transaction_that_started_it(
    order: str, own: psycopg.Connection[Any], worker: HandWorker
) -> None:
    client = Client(own)
    started = client.start(order, GIVEN)
    with pytest.raises(Refused, match=r"has a transaction open.*commit, then wait"):
        client.wait(started.id, timeout=0)
    own.commit()
    finish(worker, started.id)
    assert client.result(started.id) == {"paid": 1}
    assert own.info.transaction_status == psycopg.pq.TransactionStatus.IDLE


def test_another_isolation_level_is_refused(order: str, own: psycopg.Connection[Any]) -> None:
    own.isolation_level = psycopg.IsolationLevel.SERIALIZABLE
    with pytest.raises(WrongIsolation):
        Client(own).start(order, GIVEN)


def test_a_pool_of_the_callers_stays_open(house: House, order: str) -> None:
    with ConnectionPool(house.dsn, min_size=1, open=True) as pool:
        with Client(pool) as client:
            client.start(order, GIVEN)
        with pool.connection() as conn:
            assert conn.execute("select 1").fetchone() == (1,)
    assert count(house, order) == 1


def test_sqlalchemy_knows_of_the_transaction(house: House, order: str, worker: HandWorker) -> None:
    engine = sa.create_engine(url_of(house), poolclass=sa.NullPool)
    with engine.connect() as conn:
        client = Client(conn)
        client.start(order, GIVEN)
        conn.rollback()
        instance = client.start(order, GIVEN).id
        with pytest.raises(Refused):
            client.wait(instance)
        conn.commit()
        finish(worker, instance)
        assert client.result(instance) == {"paid": 1}
    assert count(house, order) == 1
    with Session(engine) as session:
        Client(session).start(order, GIVEN)
        session.rollback()
        Client(session).start(order, GIVEN)
        session.commit()
    assert count(house, order) == 2


async def test_asynchronous_connections_and_pools(
    house: House, order: str, worker: HandWorker, engine: AsyncEngine
) -> None:
    async with await psycopg.AsyncConnection[Any].connect(house.dsn) as own:
        client = AsyncClient(own)
        await client.start(order, GIVEN)
        await own.rollback()
        instance = (await client.start(order, GIVEN)).id
        with pytest.raises(Refused, match="transaction open"):
            await client.wait(instance)
        await own.commit()
        finish(worker, instance)
        assert await client.result(instance) == {"paid": 1}
    assert count(house, order) == 1
    async with AsyncConnectionPool(house.dsn, open=False) as pool, AsyncClient(pool) as client:
        await client.start(order, GIVEN)
    assert count(house, order) == 2
    async with engine.connect() as conn:
        await AsyncClient(conn).start(order, GIVEN)
        await conn.rollback()
        await AsyncClient(conn).start(order, GIVEN)
        await conn.commit()
    assert count(house, order) == 3
    async with AsyncSession(engine) as session:
        await AsyncClient(session).start(order, GIVEN)
        await session.rollback()
        await AsyncClient(session).start(order, GIVEN)
        await session.commit()
    assert count(house, order) == 4


async def test_what_is_no_connection_is_refused_by_name(
    own: psycopg.Connection[Any], engine: AsyncEngine
) -> None:
    for wrong in (None, 7, engine):
        with pytest.raises(BadArgument, match="give a connection string"):
            Client(wrong)
    for wrong in (None, own):
        with pytest.raises(BadArgument, match="a client cannot use"):
            AsyncClient(wrong)


def test_a_server_that_is_not_there_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("onceflow.client.connections.PATIENCE", 0.2)
    dsn = "host=127.0.0.1 port=1 user=me password=hidden dbname=flow"
    with (
        Client(dsn) as client,
        pytest.raises(ServerError, match=r"127\.0\.0\.1:1/flow gave no connection") as caught,
    ):
        client.start("order")
    assert "hidden" not in str(caught.value)
