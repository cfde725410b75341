"""The thread that receives messages from the broker, as there is room for them."""

import logging
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

from confluent_kafka import KafkaException

from ...engine.calls import Grant
from ...engine.outages import Outage
from ...engine.settings import Settings
from ..attempts.engine_calls import EngineCalls
from ..attempts.message import Message
from ..attempts.slots import Slots, Waiting
from .kafka_consumer import TaskConsumer
from .membership import JOINING, Membership

log = logging.getLogger("onceflow.worker")

POLL = 0.2
"""Seconds that one look for messages waits; also how soon a stop is seen."""
PAUSED_TURN = 0.1
"""Seconds between two looks while there is no room: the group wants a sign of life."""
FIRST_PAUSE, LONGEST_PAUSE = 0.2, 5.0
"""Seconds between two tries to make a consumer, doubled from the first to the longest."""
LONGEST_CLAIM = 2.0
"""Seconds that partitions which go to another worker wait for the claim of what came from them."""
ASK_EVERY, ASK_FOR = 2.0, 0.5
"""Seconds between two questions to a broker that was away, and for its answer."""
LONGEST_LOOK = 1.0
"""Seconds between two looks for topics that are not there yet, at the longest."""


class KafkaDelivery:
    """Receives the messages of some queues; makes a new consumer when one is past mending.

    This is the delivery over Kafka; without a broker it is ``postgres.PostgresDelivery``.
    """

    def __init__(self, settings: Settings, queues: Sequence[str], name: str, slots: Slots) -> None:
        self._settings = settings
        self._queues = queues
        self._name = name
        self._slots = slots
        self._stopping = threading.Event()
        self._consumer: TaskConsumer | None = None
        self._outage = Outage(log, f"Kafka at {settings.kafka}")
        self._asked_at = 0.0
        self._membership = Membership(max(settings.lease, JOINING))
        self._lock = threading.Lock()
        self._ends: dict[tuple[str, int], int] = {}
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def claim(self, calls: EngineCalls, waiting: Waiting) -> list[Grant]:
        """Claim what a turn's messages name, then have their offsets committed."""
        grants = calls.claim(waiting.messages)
        self.commit(waiting.messages)  # from here on the lease protects their tasks
        return grants

    def commit(self, messages: Sequence[Message]) -> None:
        """Have the offsets behind ``messages`` committed soon; what is before them must be claimed.

        This thread does it: a consumer is not to be used by two.
        """
        with self._lock:
            for message in messages:
                place = message.topic, message.partition
                self._ends[place] = max(self._ends.get(place, 0), message.offset + 1)
        self._slots.claimed()

    @property
    def paused(self) -> bool:
        """Whether it takes no messages for want of room."""
        consumer = self._consumer
        return consumer is not None and consumer.paused

    @property
    def partitions(self) -> int:
        """From how many partitions it receives."""
        consumer = self._consumer
        return 0 if consumer is None else consumer.partitions

    @property
    def stats(self) -> dict[str, int]:
        """What is told with each renewal: how many partitions, or for how many seconds none."""
        without = round(self._membership.without_for)
        return {"partitions": self.partitions, "without_partitions": without}

    def stop(self) -> None:
        """Receive no more, and leave the group; does not wait."""
        self._stopping.set()

    def join(self, timeout: float) -> None:
        """Wait until the group is left, at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                self._consume()
                pause = FIRST_PAUSE
            except KafkaException as error:
                log.warning("a new consumer is made in %.1f s: %s", pause, error)
            except Exception:
                log.exception("the delivery failed; a new consumer is made in %.1f s", pause)
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    def _consume(self) -> None:
        consumer = TaskConsumer(
            self._settings, self._queues, self._name, self._give_up, self._outage
        )
        try:
            self._wait_for_topics(consumer)
            if self._stopping.is_set():
                return
            consumer.subscribe()
            self._consumer = consumer
            while not self._stopping.is_set():
                room = self._slots.wait_for_room(PAUSED_TURN)
                self._slots.deliver(consumer.receive(room, POLL))
                consumer.commit(self._take_ends())
                self._ask_whether_it_is_back(consumer)
                if self._membership.must_join_anew(consumer.partitions, consumer.assigned):
                    break
        finally:
            self._consumer = None
            consumer.close()

    def _take_ends(self) -> dict[tuple[str, int], int]:
        with self._lock:
            ends, self._ends = self._ends, {}
        return ends

    def _wait_for_topics(self, consumer: TaskConsumer) -> None:
        """Return once all topics are there; the relay makes them. A word each time that changes."""
        said, pause = list[str](), FIRST_PAUSE
        while not self._stopping.is_set():
            try:
                missing = consumer.missing_topics()
                self._outage.ends()
            except KafkaException as error:
                consumer.hear()
                self._outage.begins(error.args[0].str())
            else:
                if not missing:
                    if said:
                        log.info("the topics are there")
                    return
                if missing != said:
                    log.warning("waiting for the relay to make %s", ", ".join(missing))
                    said = missing
            self._stopping.wait(pause)
            pause = min(pause * 2, LONGEST_LOOK)

    def _ask_whether_it_is_back(self, consumer: TaskConsumer) -> None:
        """Ask a broker that was away, now and then: where nothing is to be received none tells."""
        if not self._outage.lasts or time.monotonic() - self._asked_at < ASK_EVERY:
            return
        with suppress(KafkaException):
            consumer.missing_topics(ASK_FOR)
            self._outage.ends()
        self._asked_at = time.monotonic()

    def _give_up(self, gone: set[tuple[str, int]]) -> dict[tuple[str, int], int]:
        """Drop what waits of partitions that go to another worker; return what was claimed of them.

        That one begins behind it: else it would be given messages of which nothing is left to do.
        """
        self._slots.forget(lambda message: (message.topic, message.partition) in gone)
        self._slots.wait_for_claim(LONGEST_CLAIM)
        with self._lock:
            return {place: self._ends.pop(place) for place in gone & self._ends.keys()}
