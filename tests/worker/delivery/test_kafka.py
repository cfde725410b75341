"""Task messages on a real broker: none is passed by before its task is claimed."""

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest
from confluent_kafka import Consumer, Producer, TopicPartition
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.calls import Key, start_instances
from onceflow.engine.kafka_names import task_topic, worker_group
from onceflow.engine.settings import Settings
from onceflow.relay.shipper import Shipper
from onceflow.worker import Context, Registry
from onceflow.worker.attempts.slots import Slots
from onceflow.worker.delivery.kafka import KafkaDelivery
from onceflow.worker.delivery.kafka_consumer import Message, TaskConsumer

from ...relay.support import start
from ...servers import Servers
from ...support import wait_until
from ..support import Conn, Stack, deploy, make_stack, wait_for_ends, worker
from ..support import start as start_many

pytestmark = pytest.mark.only("kafka", reason="it is about the consumer")
HANDLERS = Registry()
CLAIM_WAITS: LiteralString = (
    "select 1 from pg_stat_activity where datname = current_database()"
    " and application_name = 'onceflow worker' and wait_event_type = 'Lock'"
)

LEFT: LiteralString = "select count(*) from onceflow.instance where ended_at is null"


@HANDLERS.task("quick")
async def quick(ctx: Context) -> int:
    return ctx.attempt


@pytest.fixture
def shipped(conn: Conn, settings: Settings) -> int:
    """Messages that were there before any consumer was."""
    shipper = Shipper(settings)
    start(conn, 6)
    assert shipper.ship(conn) == 6
    shipper.close()
    return 6


@pytest.fixture
def stack(servers: Servers) -> Iterator[Stack]:
    with make_stack(servers, HANDLERS, "kafka", concurrency=0) as made:
        yield made


def receive(settings: Settings, count: int, *, commit: int = 0) -> list[Message]:
    """Receive messages as one consumer of the group, commit the first of them, and leave."""
    consumer = TaskConsumer(settings, ["default"], "test", lambda _: {})
    found: list[Message] = []
    consumer.subscribe()

    def received() -> bool:
        found.extend(consumer.receive(10, 0.1))
        return len(found) >= count

    wait_until(received, f"{count} messages")
    consumer.commit({(m.topic, m.partition): m.offset + 1 for m in found[:commit]})
    consumer.close()
    return found


def committed(settings: Settings) -> int:
    """Return how many messages the group of the workers has committed."""
    group = Consumer({**settings.kafka_config(), "group.id": worker_group(settings)})
    places = [
        TopicPartition(task_topic(settings, "default"), n) for n in range(settings.partitions)
    ]
    offsets = [place.offset for place in group.committed(places, timeout=10)]
    group.close()
    return sum(offset for offset in offsets if offset > 0)


def test_a_member_that_is_spare_is_told_so_by_the_group(settings: Settings, shipped: int) -> None:
    consumers = [TaskConsumer(settings, ["default"], f"c{n}", lambda _: {}) for n in range(3)]

    def settled() -> bool:
        for consumer in consumers:
            consumer.receive(0, 0)
        held = sorted(consumer.partitions for consumer in consumers)
        return held == [0, 1, 1] and all(consumer.assigned for consumer in consumers)

    for consumer in consumers:
        assert not consumer.assigned
        consumer.subscribe()
    wait_until(settled, "the assignment of two partitions to three members", 60)
    for consumer in consumers:
        consumer.close()


def test_what_was_received_and_not_committed_comes_again(settings: Settings, shipped: int) -> None:
    first = receive(settings, shipped)
    assert len(first) == shipped
    assert committed(settings) == 0
    second = receive(settings, shipped)
    assert {m.key for m in second} == {m.key for m in first}


def produce(settings: Settings, key: Key) -> None:
    """Send a message once more."""
    producer = Producer({**settings.kafka_config()})
    value = json.dumps({"instance": str(key.instance_id), "task": key.task})
    producer.produce(task_topic(settings, "default"), value.encode())
    assert producer.flush(20) == 0


def produce_to_all(settings: Settings) -> None:
    """Send a message that names nothing to each partition."""
    producer = Producer({**settings.kafka_config()})
    for partition in range(settings.partitions):
        producer.produce(task_topic(settings, "default"), b"nothing", partition=partition)
    assert producer.flush(20) == 0


def test_offsets_are_committed_once_the_tasks_are_claimed_and_not_before(stack: Stack) -> None:
    deploy(stack.conn, "{name: one, steps: [{id: only, task: quick}]}")
    (instance,) = start_instances(stack.conn, "one", [{}])
    key = Key(instance.instance_id, "only")
    with (
        psycopg.connect(stack.settings.dsn) as holder,
        worker(stack.settings, HANDLERS, concurrency=50) as busy,
    ):
        holder.execute("select 1 from onceflow.task for update")
        wait_until(lambda: stack.conn.execute(CLAIM_WAITS).fetchone(), "the claim to wait")
        # Two duplicates arrive after it, one after the other, so the delivery has been round: what
        # it was to commit, it has.
        for duplicates in (1, 2):
            produce(stack.settings, key)
            wait_until(lambda n=duplicates: busy.waiting >= n, f"{duplicates} messages")
        assert committed(stack.settings) == 0
        holder.rollback()
        wait_until(lambda: committed(stack.settings) == 3, "the commit of three messages")
        assert wait_for_ends(stack.conn, [key.instance_id]) == ["SUCCEEDED"]


def test_what_is_being_claimed_in_a_rebalance_is_given_to_nobody_else(
    settings: Settings, shipped: int
) -> None:
    """It is waited for, and committed before the partitions go."""
    slots = Slots(50)
    first = KafkaDelivery(settings, ["default"], "first", slots)
    claiming: list[Message] = []

    def taken() -> bool:
        claiming.extend(slots.take_waiting().messages)
        return len(claiming) == shipped

    # Taken out by a turn, which has not got its answer yet.
    wait_until(taken, f"{shipped} messages", 60)
    second = TaskConsumer(settings, ["default"], "second", lambda _: {})
    second.subscribe()
    others: list[Message] = []
    claimed = 0

    def shared() -> bool:
        nonlocal claimed
        others.extend(second.receive(10, 0.1))
        if first.partitions == 0 and not claimed:
            first.commit(claiming)
            claimed = committed(settings)
        return first.partitions == second.partitions == 1

    try:
        wait_until(shared, "one partition for each", 60)
        produce_to_all(settings)
        wait_until(lambda: others or others.extend(second.receive(10, 0.1)), "a message", 30)
        wait_until(lambda: slots.waiting, "a message for the first", 30)
        mine = slots.take_waiting().messages
    finally:
        second.close()
        first.stop()
        first.join(30)
    assert {m.key for m in [*mine, *others]} == {None}


def test_of_workers_that_come_and_go_under_load_none_is_sent_what_another_claimed(
    stack: Stack,
) -> None:
    """So in a run without faults no message is skipped: what is, tells of a fault."""
    deploy(stack.conn, "{name: many, steps: [{id: a, task: quick}, {id: b, task: quick}]}")
    with ExitStack() as running:
        options: dict[str, Any] = {"hand_off": False, "grace": 20}
        first = running.enter_context(worker(stack.settings, HANDLERS, name="first", **options))
        ids: list[UUID] = []

        def start_more() -> None:
            (left,) = stack.conn.execute(LEFT).fetchone() or (0,)
            if left < 300:
                ids.extend(start_many(stack.conn, "many", ({} for _ in range(20))))

        def joined() -> bool:
            start_more()
            return first.partitions == second.partitions == 1

        wait_until(lambda: first.partitions == 2, "all partitions", 60)
        start_more()
        with worker(stack.settings, HANDLERS, name="second", **options) as second:
            wait_until(joined, "one partition for each", 60)
            start_more()

        def alone() -> bool:
            start_more()
            return first.partitions == 2

        wait_until(alone, "all partitions once more", 60)
        assert set(wait_for_ends(stack.conn, ids, 120)) == {"SUCCEEDED"}
        counters = [each.counters.snapshot() for each in (first, second)]
    assert [each["skipped"] for each in counters] == [0, 0]
    assert sum(each["claimed"] for each in counters) == 2 * len(ids)


@pytest.mark.parametrize("how", ["stops", "claims meanwhile"])
def test_a_worker_that_stops_leaves_nothing_claimed_to_others(
    settings: Settings, shipped: int, how: str
) -> None:
    slots = Slots(50)
    delivery = KafkaDelivery(settings, ["default"], "stopping", slots)
    claiming: list[Message] = []

    def taken() -> bool:
        claiming.extend(slots.take_waiting().messages)
        return len(claiming) == shipped

    wait_until(taken, f"{shipped} messages", 60)
    if how == "stops":
        delivery.commit(claiming)
    delivery.stop()
    if how == "claims meanwhile":
        wait_until(lambda: delivery.partitions == 0, "the consumer to leave", 30)
        delivery.commit(claiming)
    delivery.join(30)
    assert committed(settings) == shipped


def test_a_worker_without_partitions_for_longer_than_a_lease_is_told(stack: Stack) -> None:
    with ExitStack() as running:
        for name in ("w1", "w2", "w3"):
            running.enter_context(worker(stack.settings, HANDLERS, name=name))
        with (
            open_api_pool(stack.settings) as pool,
            TestClient(create_app(pool, Settings(hosts=("testserver",)))) as client,
        ):

            def settled() -> tuple[str, str] | None:
                found = stack.conn.execute(
                    "select name, stats -> 'partitions' > '0', without_partitions"
                    " from onceflow.workers order by 2, 3"
                ).fetchall()
                warnings: list[str] = client.get("/health/ready").json().get("warnings", [])
                if [row[1] for row in found] != [False, True, True] or len(warnings) != 1:
                    return None
                return (found[0][0], warnings[0]) if found[0][2] else None

            # Two partitions, and three workers: one is without for as long as the others live.
            spare, told = wait_until(settled, "the warning of one worker", 60)
            assert re.match(rf"Worker {spare} has had no partition in Kafka for \d+ s", told)
            assert told.partition(" for ")[0] in client.get("/").text
