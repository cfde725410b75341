"""What the relay's tests share: instances to ship for, topics to read back, and relay processes."""

import contextlib
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

import msgspec
import psycopg
from confluent_kafka import Consumer, Message, TopicPartition
from confluent_kafka.admin import AdminClient

from onceflow.engine.calls import Event, publish_events, register_workflow, start_instances
from onceflow.engine.kafka_names import task_topic, worker_group
from onceflow.engine.settings import Settings

from ..sql.workflows import Step, workflow
from ..support import wait_until

Conn = psycopg.Connection[Any]
NOTHING: dict[str, Any] = {}


def start(conn: Conn, count: int, queue: str = "default") -> list[UUID]:
    """Start instances of a workflow of one step: as many tasks are QUEUED then."""
    name = f"one-{queue}"
    register_workflow(conn, workflow(Step("only", queue=queue), name=name))
    return [started.instance_id for started in start_instances(conn, name, [NOTHING] * count)]


def event(topic: str, value: str, key: str | None = None, **headers: str) -> Event:
    """Return an event whose id is its value's beginning."""
    return Event(topic, key, value, headers, f"id-{value[:40]}")


def publish(conn: Conn, *events: Event) -> None:
    """Put events into the outbox."""
    assert publish_events(conn, events) == len(events)


def backlog(conn: Conn) -> int:
    """Return how many rows the outbox has."""
    (count,) = conn.execute("select count(*) from onceflow.outbox").fetchone() or (0,)
    return count


def wait_until_shipped(conn: Conn, seconds: float = 60) -> None:
    """Wait until the outbox is empty."""
    wait_until(lambda: backlog(conn) == 0, "an empty outbox", seconds)


def make_due(conn: Conn) -> None:
    """Let deferred rows be tried at once: the tests wait for no backoff."""
    conn.execute("update onceflow.outbox set not_before = null")


def open_consumer(settings: Settings, group: str = "nobody") -> Consumer:
    """Return a consumer that tells where a log ends, and commits nothing by itself."""
    return Consumer(
        {
            **settings.kafka_config(),
            "group.id": group,
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
    )


def read_topic(settings: Settings, topic: str) -> list[Message]:
    """Return all messages that a topic holds now."""
    consumer = open_consumer(settings)
    try:
        found = consumer.list_topics(timeout=10).topics.get(topic)
        unread = set(found.partitions) if found is not None else set[int]()
        consumer.assign([TopicPartition(topic, number, 0) for number in unread])
        messages: list[Message] = []

        def read() -> bool:
            for message in consumer.consume(500, 0.05):
                if message.error() is None:
                    messages.append(message)
                else:
                    unread.discard(message.partition() or 0)
            return not unread

        wait_until(read, f"the ends of {topic}", 60)
        return messages
    finally:
        consumer.close()


def shipped_tasks(settings: Settings, queue: str = "default") -> Counter[UUID]:
    """Return how often the topic of a queue holds a message of each instance."""
    counted: Counter[UUID] = Counter()
    for message in read_topic(settings, task_topic(settings, queue)):
        value = msgspec.json.decode(message.value() or b"")
        assert (message.key() or b"").decode().split("/")[0] == value["instance"]
        counted[UUID(value["instance"])] += 1
    return counted


def commit(settings: Settings, leave: int = 0, queue: str = "default") -> None:
    """Commit a queue's topic as consumed by the workers, but for the last few of each partition."""
    topic = task_topic(settings, queue)
    ends = Counter(message.partition() or 0 for message in read_topic(settings, topic))
    consumer = open_consumer(settings, worker_group(settings))
    try:
        offsets = [TopicPartition(topic, n, max(0, end - leave)) for n, end in ends.items()]
        for done in consumer.commit(offsets=offsets, asynchronous=False) or []:
            assert done.error is None, done
    finally:
        consumer.close()


def partitions(settings: Settings, topic: str) -> int:
    """Return how many partitions a topic has; 0: it does not exist."""
    admin = AdminClient({**settings.kafka_config(), "allow.auto.create.topics": False})
    found = admin.list_topics(timeout=10).topics.get(topic)
    return len(found.partitions) if found is not None else 0


class RelayProcess:
    """An `onceflow relay` of its own; what it says goes to ``log``."""

    def __init__(self, settings: Settings, log: Path, env: Mapping[str, str]) -> None:
        self._log = log
        argv = [sys.executable, "-m", "onceflow", "relay"]
        with log.open("wb") as output:
            self.process = subprocess.Popen(
                argv, env={**os.environ, **settings.environment(), **env}, stderr=output
            )

    @property
    def said(self) -> str:
        return self._log.read_text(errors="replace")

    def wait_for(self, text: str, seconds: float = 60) -> None:
        """Wait until the relay has said this."""
        wait_until(lambda: text in self.said, f"the relay saying {text!r}", seconds)

    def wait(self, seconds: float = 60) -> int:
        """Wait for its end and return the exit code."""
        return self.process.wait(seconds)

    def stop(self) -> int:
        """Ask it to end, and return the exit code."""
        self.process.terminate()
        return self.wait()


@contextlib.contextmanager
def relay_processes(
    settings: Settings, folder: Path, names: Sequence[str] = ("relay",), **env: str
) -> Generator[list[RelayProcess]]:
    """Run relays until the block ends."""
    relays = [RelayProcess(settings, folder / f"{name}.log", env) for name in names]
    try:
        yield relays
    finally:
        for relay in relays:
            relay.process.kill()
            relay.process.wait()
