"""Who acts by a client over SQL, as the audit tells it."""

from typing import Any
from uuid import UUID

import psycopg

from onceflow.client import AsyncClient, Client

from .conftest import House

GIVEN = {"customer": "ALFKI", "total": 12.5}


def told(house: House, instance: UUID) -> list[tuple[str, str | None]]:
    with psycopg.connect(house.dsn) as conn:
        statement = "select verb, actor from onceflow.audit where target = %s order by id"
        return conn.execute(statement, (str(instance),)).fetchall()


async def test_the_audit_tells_the_actor_of_a_client_beside_its_login(
    house: House, order: str
) -> None:
    with Client(house.dsn, actor="night\0batch") as client:
        first = client.start(order, GIVEN).id
        client.set_labels(first, {"team": "a"})
        client.cancel(first)
    assert told(house, first) == [
        ("set_labels", "night batch"),
        ("cancel_instances", "night batch"),
    ]
    async with AsyncClient(house.dsn, actor="ann") as asynchronous:
        second = (await asynchronous.start(order, GIVEN)).id
        await asynchronous.cancel(second)
    assert told(house, second) == [("cancel_instances", "ann")]
    with Client(house.dsn) as client:
        third = client.start(order, GIVEN).id
        client.cancel(third)
    assert told(house, third) == [("cancel_instances", None)]


def test_in_the_callers_transaction_it_stands_until_that_ends(
    house: House, order: str, own: psycopg.Connection[Any]
) -> None:
    claimed = "select current_setting('onceflow.actor', true)"
    instance = Client(own, actor="ann").start(order, GIVEN).id
    assert own.execute(claimed).fetchone() == ("ann",)
    own.commit()
    Client(own).cancel(instance)
    own.commit()
    assert told(house, instance) == [("cancel_instances", None)]
    own.autocommit = True
    other = Client(own, actor="ann").start(order, GIVEN).id
    Client(own, actor="ann").cancel(other)
    assert told(house, other) == [("cancel_instances", "ann")]
    assert own.execute(claimed).fetchone() in (("",), (None,))
