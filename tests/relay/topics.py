"""Real topics whose records start instances: made, filled, and what has come of them."""

import json
import threading
from collections.abc import Callable, Generator, Iterable
from contextlib import closing, contextmanager
from typing import Any

from confluent_kafka import Producer
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

from onceflow.engine.calls import register_workflow
from onceflow.engine.pool import connect as open_connection
from onceflow.engine.settings import Settings
from onceflow.relay.intake.intake import Intake

from ..sql.topics import started_by_topic
from .support import Conn

Json = Any


class Topic:
    """A topic of the test's own; the workflow ``flow`` is started by its records."""

    def __init__(self, settings: Settings, name: str = "orders", partitions: int = 2) -> None:
        self.name = f"{settings.prefix}-{name}"
        self._partitions = partitions
        self._admin: Any = AdminClient(
            {**settings.kafka_config(), "allow.auto.create.topics": False, "log_level": 0}
        )
        self._producer = Producer({**settings.kafka_config(), "log_level": 0})
        self.made = 0
        self.make()

    def make(self) -> None:
        """Make the topic."""
        new = NewTopic(self.name, num_partitions=self._partitions, replication_factor=-1)
        self._admin.create_topics([new], request_timeout=10)[self.name].result()

    def delete(self) -> None:
        """Delete the topic, with all that is in it."""
        self._admin.delete_topics([self.name], request_timeout=10)[self.name].result()

    def deploy(self, conn: Conn, name: str = "flow", **more: Any) -> None:
        """Have its records start instances of a workflow."""
        register_workflow(conn, started_by_topic(topic=self.name, name=name, **more))

    def put(self, values: Iterable[bytes | None], **more: Any) -> None:
        """Append records, and wait until they are there."""
        for value in values:
            self._producer.produce(self.name, value, **more)
            self._producer.poll(0)
            self.made += 1
        assert self._producer.flush(30) == 0

    def orders(self, numbers: Iterable[int]) -> None:
        """Append an order of each number."""
        self.put(json.dumps({"id": n}).encode() for n in numbers)


def started(conn: Conn, workflow: str = "flow") -> list[Json]:
    """Return the ids of the orders that have started instances, in order."""
    return sorted(
        row[0]
        for row in conn.execute(
            "select input -> 'id' from onceflow.instances where workflow = %s", (workflow,)
        ).fetchall()
    )


def has_started(conn: Conn, count: int, workflow: str = "flow") -> Callable[[], bool]:
    """Return what tells whether so many instances have started."""
    statement = "select count(*) >= %s from onceflow.instances where workflow = %s"

    def look() -> bool:
        (answer,) = conn.execute(statement, (count, workflow)).fetchone() or (False,)
        return answer

    return look


@contextmanager
def intake(*settings: Settings) -> Generator[None]:
    """Take records in this process, as so many relays, until the block ends."""
    stop = threading.Event()
    with closing(open_connection(settings[0], "intake")) as first:
        conns = [first, *(open_connection(one, "intake") for one in settings[1:])]
        threads = [
            threading.Thread(target=Intake(one).run, args=(conn, stop))
            for one, conn in zip(settings, conns, strict=True)
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            stop.set()
            for thread in threads:
                thread.join()
            for conn in conns[1:]:
                conn.close()
