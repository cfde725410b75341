"""The Kafka consumer of task messages: receives, pauses, commits the offsets of what was claimed.

With ``kafka.py`` this is all of the worker that knows of Kafka. What it gives is a message's key
(or why it has none) and its place.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as KafkaMessage

from ...engine.kafka_names import task_topic, worker_group
from ...engine.outages import Outage, client_log
from ...engine.settings import Settings
from ..attempts.message import Message, parse

log = logging.getLogger("onceflow.worker")

CONSUMER_DEFAULTS: dict[str, str | int] = {
    # A worker that vanished gives its partitions up after this long; its tasks have the lease.
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
    # Brokers that hold a fetch back for the whole of this time make it the latency of a message.
    "fetch.wait.max.ms": 50,
    "fetch.error.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    # How soon partitions that were added, and topics that came back, are seen.
    "topic.metadata.refresh.interval.ms": 10_000,
}
"""What ONCEFLOW_KAFKA_… variables may set otherwise."""
CONSUMER_RULES: dict[str, str | bool] = {
    # The offset of a message is stored when it is claimed, by us, and never before.
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    "auto.offset.reset": "earliest",
    "allow.auto.create.topics": False,
}
"""What nobody may set otherwise: the protocol rests on it."""


ALL_DOWN = KafkaError._ALL_BROKERS_DOWN
CONNECTION = frozenset({KafkaError._TRANSPORT, KafkaError._RESOLVE, KafkaError._TIMED_OUT})
"""What befalls the connection to one broker, and is mended by itself."""


class TaskConsumer:
    """A member of the workers' consumer group, for one thread.

    ``receive`` must be called every few seconds even when there is no room. In it and in ``close``
    ``give_up`` is called with the (topic, partition) pairs that go to another worker; it returns
    their next offsets, which are committed before they go.
    """

    def __init__(
        self,
        settings: Settings,
        queues: Sequence[str],
        name: str,
        give_up: Callable[[set[tuple[str, int]]], Mapping[tuple[str, int], int]],
        outage: Outage | None = None,
    ) -> None:
        self._topics = [task_topic(settings, queue) for queue in queues]
        self._give_up = give_up
        self._assigned: set[tuple[str, int]] = set()
        self._assignments = 0
        self._is_assigned = False
        self._paused = False
        self._outage = outage or Outage(log, f"Kafka at {settings.kafka}")
        self._said: set[int] = set()
        config: dict[str, Any] = {
            **CONSUMER_DEFAULTS,
            "client.id": name,
            **settings.kafka_config(),
            **CONSUMER_RULES,
            "group.id": worker_group(settings),
            "on_commit": self._committed,
            "error_cb": self._report,
        }
        self._consumer: Consumer | None = Consumer(
            config, logger=client_log("onceflow.worker.librdkafka", settings)
        )

    def missing_topics(self, timeout: float = 5) -> list[str]:
        """Return the topics that do not exist yet. Raises KafkaException if no broker answers."""
        topics = self._live().list_topics(timeout=timeout).topics
        return [t for t in self._topics if t not in topics or topics[t].error is not None]

    def hear(self) -> None:
        """Hear what became of the connections; before it subscribes, for then messages come too."""
        self._live().poll(0)

    def subscribe(self) -> None:
        """Join the group; partitions come with a later ``receive``."""
        self._live().subscribe(
            self._topics,
            on_assign=self._assign,
            on_revoke=self._revoke,
            on_lost=self._lose,
        )

    def receive(self, room: int, timeout: float) -> list[Message]:
        """Return up to ``room`` messages, waiting up to ``timeout`` seconds for the first of them.

        With no room all partitions are paused and it returns at once. Raises KafkaException when
        the consumer is of no more use and a new one must be made.
        """
        consumer = self._live()
        self._flow(paused=room <= 0)
        # poll for the first: consume would wait the whole timeout unless all came.
        first = consumer.poll(timeout if room > 0 else 0)
        if first is None:
            return []
        received, assignments = [first], self._assignments
        if room > 1:
            received += consumer.consume(room - 1, 0)
            if self._assignments != assignments and first.error() is None:
                received.pop(0)  # its partition went meanwhile: it comes again, here or to another
        return [message for item in received if (message := self._read(item)) is not None]

    def commit(self, ends: Mapping[tuple[str, int], int]) -> None:
        """Commit the next offset of each (topic, partition); does not wait for the broker.

        A commit that is lost has messages come again, which claims nothing. Partitions that went to
        another worker are left to it.
        """
        offsets = [TopicPartition(*p, end) for p, end in ends.items() if p in self._assigned]
        if not offsets:
            return
        try:
            self._live().commit(offsets=offsets, asynchronous=True)
        except KafkaException as error:
            log.warning("offsets could not be committed: %s", error)

    @property
    def paused(self) -> bool:
        """Whether all held partitions are paused."""
        return self._paused

    @property
    def assigned(self) -> bool:
        """Whether the group has told it what it holds, be it nothing."""
        return self._is_assigned

    @property
    def partitions(self) -> int:
        """How many partitions are held."""
        return len(self._assigned)

    def close(self) -> None:
        """Leave the group, so that others get the partitions at once."""
        consumer, self._consumer = self._consumer, None
        if consumer is not None:
            try:
                self._hand_over(consumer, set(self._assigned), wait=False)
            finally:
                self._assigned = set()
                consumer.close()

    def _live(self) -> Consumer:
        if self._consumer is None:
            raise RuntimeError("the consumer is closed")
        return self._consumer

    def _flow(self, *, paused: bool) -> None:
        """Pause or resume all held partitions, as the worker's own state has it."""
        changed, self._paused = paused != self._paused, paused
        if changed or paused:
            self._apply_flow([TopicPartition(*place) for place in self._assigned])

    def _apply_flow(self, partitions: list[TopicPartition]) -> None:
        consumer = self._live()
        try:
            if self._paused:
                consumer.pause(partitions)
            else:
                consumer.resume(partitions)
        except KafkaException as error:  # a partition went in this very moment
            log.debug("pausing or resuming: %s", error)

    def _assign(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        consumer.assign(partitions)
        self._assigned = {(p.topic, p.partition) for p in partitions}
        self._is_assigned = True
        # librdkafka keeps a partition paused that comes back: our own state decides, each time.
        self._apply_flow(partitions)
        log.info("receives from %d partitions", len(partitions))

    def _revoke(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        self._hand_over(consumer, {(p.topic, p.partition) for p in partitions})
        self._assignments += 1
        consumer.unassign()

    def _lose(self, consumer: Consumer, partitions: list[TopicPartition]) -> None:
        """Partitions have gone to another worker already, which nothing can be told any more."""
        gone = {(p.topic, p.partition) for p in partitions}
        self._assigned -= gone
        self._is_assigned = False
        self._assignments += 1
        self._give_up(gone)
        consumer.unassign()

    def _hand_over(
        self, consumer: Consumer, gone: set[tuple[str, int]], *, wait: bool = True
    ) -> None:
        """Commit what was claimed of partitions that go to another worker now."""
        self._assigned -= gone
        self._is_assigned = False
        ends = self._give_up(gone)
        offsets = [TopicPartition(*place, ends[place]) for place in gone & ends.keys()]
        if not offsets:
            return
        try:
            consumer.commit(offsets=offsets, asynchronous=not wait)
        except KafkaException as error:
            log.warning("offsets could not be committed: %s", error)

    def _read(self, received: KafkaMessage) -> Message | None:
        error = received.error()
        if error is not None:
            if error.fatal():
                raise KafkaException(error)
            self._report(error)
            return None
        self._said.clear()
        payload = received.value()
        found = parse(payload)
        key, reason = (None, found) if isinstance(found, str) else (found, "")
        topic, partition, offset = received.topic(), received.partition(), received.offset()
        if topic is None or partition is None or offset is None:
            raise RuntimeError("librdkafka gave a message without its place")
        return Message(key, topic, partition, offset, payload, reason)

    def _report(self, error: KafkaError) -> None:
        """Log an error that librdkafka mends itself: one of a kind, until a message comes."""
        if error.code() == ALL_DOWN:
            self._outage.begins(error.str())
        elif error.code() in CONNECTION:
            self._outage.note(error.str())
        elif error.code() not in self._said:
            self._said.add(error.code())
            log.warning("Kafka: %s", error.str())

    def _committed(self, error: KafkaError | None, offsets: list[TopicPartition]) -> None:
        if error is not None and error.code() != KafkaError._NO_OFFSET:
            log.debug("offsets were not committed: %s", error)
