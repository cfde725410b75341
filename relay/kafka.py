"""The relay's work over Kafka: what its threads ``shipper``, ``upkeep`` and ``intake`` do."""

import logging
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial

from confluent_kafka import KafkaException

from ..engine.calls import list_queues
from ..engine.calls.base import Connection
from ..engine.kafka_names import dead_letter_topic, task_topic
from ..engine.settings import Settings
from .broker import describe, outage_of, wait_for_broker
from .intake.intake import Intake
from .lost_messages import LostMessages
from .shipper import BrokerAway, Shipper
from .topics import Topics

log = logging.getLogger("onceflow.relay")

UPKEEP_EVERY = 1.0
"""Seconds between two looks for new queues."""

AGAIN = 1.0
"""Seconds until a thread that Kafka did not answer begins anew."""

SEARCH_EVERY = 3.0
"""Seconds between two searches for lost messages: found after two or three of them."""


class Kafka:
    """What these threads work with. Their methods return where the broker is lost."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        # It outlives lost connections: what it has seen before a broker failed tells what it lost.
        self._keeper = Upkeep(settings)
        self._intake = Intake(settings)

    def ship(self, conn: Connection, stop: threading.Event) -> None:
        """Ship the outbox until ``stop`` is set."""
        with self._patient(stop):
            wait_for_broker(self._settings, stop)
            shipper = Shipper(self._settings, stop)
            try:
                log.info("shipping to Kafka at %s", self._settings.kafka)
                shipper.run(conn, stop)
            finally:
                shipper.close()

    def keep_up(self, conn: Connection, stop: threading.Event) -> None:
        """Make topics and find lost messages until ``stop`` is set."""
        with self._patient(stop):
            wait_for_broker(self._settings, stop)
            while not stop.is_set():
                self._keeper.turn(conn)
                stop.wait(UPKEEP_EVERY)

    def take_in(self, conn: Connection, stop: threading.Event) -> None:
        """Have records of topics start instances until ``stop`` is set."""
        self._intake.run(conn, stop)

    def close(self) -> None:
        """Close the connections to the broker."""
        self._intake.close()
        self._keeper.close()

    @contextmanager
    def _patient(self, stop: threading.Event) -> Generator[None]:
        """End the block after a while, and say so, where it loses the broker."""
        try:
            yield
        except (BrokerAway, KafkaException) as error:
            outage_of(self._settings.kafka).begins(describe(error))
            stop.wait(AGAIN)  # one that is away is waited for besides


class Upkeep:
    """Makes topics for all queues, and has lost messages shipped again. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._task_topic = partial(task_topic, settings)
        self._dead_letters = dead_letter_topic(settings)
        self._topics = Topics(settings)
        self._lost = LostMessages(settings)
        self._said: dict[str, str] = {}
        self._searched_at = -SEARCH_EVERY

    def turn(self, conn: Connection) -> None:
        """Make what topics are missing, and search where it is time. Raises KafkaException."""
        queues = {queue: self._task_topic(queue) for queue in list_queues(conn)}
        problems = self._topics.make([self._dead_letters, *queues.values()])
        for topic, problem in problems.items():
            if self._said.get(topic) != problem:
                log.error("%s", problem)
        self._said = problems
        if time.monotonic() - self._searched_at < SEARCH_EVERY:
            return
        self._searched_at = time.monotonic()
        # Where a topic cannot be made its messages are not lost: they were never taken.
        for queue in self._lost.search(conn, [q for q, t in queues.items() if t not in problems]):
            self._topics.forget(queues[queue])

    def close(self) -> None:
        """Close the connections to the broker."""
        self._lost.close()
