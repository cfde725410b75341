"""(o) Records of a topic that start instances: from a full topic to instances that run.

Nothing else runs: what is started waits for workers, and the same relays ship its first tasks.
"""

import json
import time
from collections.abc import Iterable
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from ..bench import Bench
from ..bulk import start_many
from ..costs import per, spent
from ..deployment import HAND_OFF, Deployment, deployed
from ..figures import Figures, medians
from ..results import Result
from ..workflows import Work, sequence

TITLE = "records of a topic that start 1-step instances, the topic full before the relay starts"
PARTITIONS = 6
FROM, TO = 0.1, 0.9
"""Shares of the records between which the rate is taken, to leave the start of the process out."""
RELAYS = (1, 2)


def run(bench: Bench) -> None:
    """Fill a topic, let relays take all of it; once a run."""
    records = 5_000 if bench.options.quick else 100_000
    for relays in RELAYS:
        result = Result("o", f"onceflow, {relays} relays", f"{records:,} records", [])
        runs: list[Figures] = []
        costs: list[Figures] = []
        for _ in range(bench.options.runs):
            with (
                bench.servers.database() as dsn,
                deployed(bench.servers, HAND_OFF, bench.options, dsn) as deployment,
            ):
                figures, cost = _take(bench, deployment, records, relays)
            runs.append(figures)
            costs.append(cost)
        result.runs, result.per_step = runs, medians(costs)
        result.notes.append("'per step' is per instance, from 10 % to 90 % of the records")
        bench.add(result)


def _take(
    bench: Bench, deployment: Deployment, records: int, relays: int
) -> tuple[Figures, Figures]:
    """Start relays and watch how far they are."""
    topic = f"{deployment.settings.prefix}.orders"
    _fill(deployment, topic, records)
    # Plans and statistics as they are where instances have started before.
    start_many(deployment, sequence(1).register(deployment.conn), 2_000, lambda _: None)
    deployment.conn.execute("analyze")
    _taking(topic).register(deployment.conn)
    beat = bench.bar("(l) taking", records)
    for _ in range(relays):
        deployment.start_relay()

    def taken() -> int:
        row = deployment.conn.execute(
            "select coalesce(sum(position), 0)::int from onceflow.topic_positions"
        ).fetchone()
        assert row is not None
        beat(row[0])
        return row[0]

    def reach(share: float) -> tuple[float, int]:
        awaited = f"{share:.0%} of the records"
        deployment.wait_until(lambda: taken() >= share * records, awaited, 300)
        return time.monotonic(), taken()

    first, before = reach(FROM), deployment.marks()
    last, after = reach(TO), deployment.marks()
    reach(1)
    row = deployment.conn.execute(
        "select count(*) from onceflow.instances where workflow = 'take-order'"
    ).fetchone()
    if row != (records,):
        raise RuntimeError(f"{records} records have started {row} instances")
    count = last[1] - first[1]
    return {"starts/s": count / (last[0] - first[0])}, per(spent(before, after), count)


def _taking(topic: str) -> Work:
    """Return the workflow ``take-order``, which each record starts, by its own key."""
    entry = {"topic": topic, "key": "$.value.id", "input": {"order": "$.value", "by": "$.key"}}
    steps = [{"id": "book", "task": "bench.noop"}]
    return Work({"name": "take-order", "on": [{"id": "orders", "kafka": entry}], "steps": steps}, 1)


def _fill(deployment: Deployment, topic: str, records: int) -> None:
    config: dict[str, Any] = {**deployment.settings.kafka_config(), "log_level": 0}
    admin: Any = AdminClient(config)
    new = NewTopic(topic, num_partitions=PARTITIONS, replication_factor=-1)
    admin.create_topics([new], request_timeout=10)[topic].result()
    producer = Producer({**config, "linger.ms": 20, "queue.buffering.max.messages": 1_000_000})
    for number, value in enumerate(_orders(records)):
        producer.produce(topic, value, key=f"shop-{number % 50}-{number}")
        if number % 1000 == 0:
            producer.poll(0)
    if producer.flush(120) != 0:
        raise TimeoutError("the broker did not take the records")


def _orders(count: int) -> Iterable[bytes]:
    """Yield orders of some 250 bytes, as shops write them."""
    for number in range(count):
        order = {
            "id": f"O-{number}",
            "customer": f"c-{number % 5000}@example.com",
            "items": [
                {"sku": f"sku-{number % 997}-{n}", "pieces": n + 1, "price": 9.9} for n in range(3)
            ],
            "currency": "PLN",
            "placed_at": "2026-02-03T10:11:12Z",
        }
        yield json.dumps(order).encode()
