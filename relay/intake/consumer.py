"""The consumer of one topic for one trigger. Where it reads is what Postgres says, never the group.

The group shares the partitions out among relays. Its committed offsets are for those who watch a
topic's lag with Kafka's own tools, and are never read here.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from confluent_kafka import (
    OFFSET_BEGINNING,
    Consumer,
    KafkaError,
    KafkaException,
    Message,
    TopicPartition,
)

from ...engine.outages import client_log
from ...engine.settings import Settings
from ..broker import PASSING, client_config, describe

log = logging.getLogger("onceflow.relay.intake")

DEFAULTS: Final[Mapping[str, str | int]] = {
    # A relay that vanished gives its partitions up after this long.
    "session.timeout.ms": 10_000,
    "heartbeat.interval.ms": 2_000,
    # Brokers that hold a fetch back for the whole of this time make it the latency of a record.
    "fetch.wait.max.ms": 50,
    "fetch.error.backoff.ms": 100,
    "reconnect.backoff.max.ms": 2_000,
    # How soon partitions that were added, and topics that came back, are seen.
    "topic.metadata.refresh.interval.ms": 10_000,
    # What is fetched ahead, for each trigger: some sets.
    "queued.min.messages": 5_000,
    "queued.max.messages.kbytes": 16_384,
}
"""What ONCEFLOW_KAFKA_… variables may set otherwise."""
RULES: Final[Mapping[str, str | bool]] = {
    "enable.auto.commit": False,
    "enable.auto.offset.store": False,
    # A position that is outside the log is looked into, never passed over.
    "auto.offset.reset": "error",
    "allow.auto.create.topics": False,
    "isolation.level": "read_committed",
}
"""What nobody may set otherwise: that each record counts once rests on it."""

OUTSIDE: Final = frozenset(
    {
        KafkaError._AUTO_OFFSET_RESET,  # pyright: ignore[reportPrivateUsage]
        KafkaError.OFFSET_OUT_OF_RANGE,
    }
)
MISSING: Final = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # pyright: ignore[reportPrivateUsage]
        KafkaError._UNKNOWN_PARTITION,  # pyright: ignore[reportPrivateUsage]
        KafkaError.UNKNOWN_TOPIC_ID,
    }
)


class TopicConsumer:
    """A member of a trigger's group, for one thread.

    ``open_at`` is called within ``receive`` for partitions that were assigned; it returns where
    each is to be read from. ``suspects`` are partitions of which that seems to lie outside the log.
    """

    def __init__(
        self,
        settings: Settings,
        topic: str,
        group: str,
        open_at: Callable[[list[int]], Mapping[int, int]],
        drop: Callable[[], None],
    ) -> None:
        self._topic = topic
        self._open_at = open_at
        self._drop = drop
        self.suspects: set[int] = set()
        self.problem = ""
        """What is wrong with the topic, as far as was told since records came."""
        self._assigned: set[int] = set()
        config: dict[str, Any] = {
            **DEFAULTS,
            **client_config(settings),
            **RULES,
            "group.id": group,
            "on_commit": _committed,
        }
        config["logger"] = client_log("onceflow.relay.librdkafka", settings)
        self._consumer = Consumer(config)
        self._consumer.subscribe(
            [topic], on_assign=self._assign, on_revoke=self._revoke, on_lost=self._revoke
        )

    @property
    def partitions(self) -> frozenset[int]:
        """The partitions that are held."""
        return frozenset(self._assigned)

    def receive(self, room: int, timeout: float) -> list[Message]:
        """Return up to ``room`` messages, waiting up to ``timeout`` seconds for the first of them.

        Raises KafkaException when the consumer is of no more use, and what ``open_at`` raises.
        """
        # poll for the first: consume would wait the whole timeout unless all came.
        first = self._consumer.poll(timeout)
        if first is None:
            return []
        held = self._assigned
        received = [first]
        if room > 1:
            received += self._consumer.consume(room - 1, 0)
            if self._assigned is not held:
                received.pop(0)  # its partition went meanwhile, or is read anew
        return [message for message in received if self._is_sound(message)]

    def read_from(self, positions: Mapping[int, int]) -> None:
        """Read all partitions that are held from these positions, whatever was fetched ahead."""
        self.suspects = set()
        # A partition that was outside its log takes no seek.
        self._consumer.assign([self._place(p, positions[p]) for p in sorted(self._assigned)])
        self._assigned = set(self._assigned)  # another one: what was polled meanwhile is dropped

    def log_ends(self) -> dict[int, int]:
        """Return where the logs of held partitions end, as the last fetch of each has told."""
        ends = {
            partition: self._consumer.get_watermark_offsets(
                TopicPartition(self._topic, partition), cached=True
            )[1]
            for partition in self._assigned
        }
        return {partition: end for partition, end in ends.items() if end >= 0}

    def bounds(self, partition: int, timeout: float) -> tuple[int, int]:
        """Ask the broker where a log begins and ends. Raises KafkaException."""
        return self._consumer.get_watermark_offsets(
            TopicPartition(self._topic, partition), timeout=timeout
        )

    def commit(self, positions: Mapping[int, int]) -> None:
        """Tell the group where we are; does not wait, and a loss of it loses nothing."""
        held = [TopicPartition(self._topic, p, at) for p, at in positions.items()]
        try:
            self._consumer.commit(
                offsets=[place for place in held if place.partition in self._assigned],
                asynchronous=True,
            )
        except KafkaException as error:
            log.debug("topic %s: offsets were not committed: %s", self._topic, describe(error))

    def close(self) -> None:
        """Leave the group, so that others get the partitions at once."""
        self._consumer.close()

    def _place(self, partition: int, position: int) -> TopicPartition:
        # What a log began with may have expired: of one that nothing was read of, all that is left.
        return TopicPartition(self._topic, partition, position or OFFSET_BEGINNING)

    def _assign(self, consumer: Consumer, partitions: Iterable[TopicPartition]) -> None:
        numbers = sorted(place.partition for place in partitions)
        self._drop()
        positions: Mapping[int, int] = self._open_at(numbers) if numbers else {}
        self._assigned, self.suspects = set(numbers), set()
        consumer.assign([self._place(number, positions[number]) for number in numbers])

    def _revoke(self, consumer: Consumer, _partitions: object) -> None:
        self._assigned, self.suspects = set(), set()
        self._drop()
        consumer.unassign()

    def _is_sound(self, message: Message) -> bool:
        error = message.error()
        if error is None:
            self.problem = ""
            return message.partition() in self._assigned
        partition = message.partition()
        if error.fatal():
            raise KafkaException(error)
        if error.code() in OUTSIDE and partition is not None and partition >= 0:
            self.suspects.add(partition)
        elif error.code() in MISSING:
            self.problem = f"topic {self._topic} does not exist on the broker"
        elif error.code() not in PASSING:
            self.problem = f"topic {self._topic} cannot be read: {describe(error)}"
        return False


def _committed(error: KafkaError | None, _offsets: list[TopicPartition]) -> None:
    if error is not None and error.code() != KafkaError._NO_OFFSET:  # pyright: ignore[reportPrivateUsage]
        log.debug("offsets were not committed: %s", error)
