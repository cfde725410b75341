"""Finds tasks whose messages the broker has lost, by watermark.py, and ships them again.

What is lost is decided by ``watermark.py``; this reads the broker for it, and asks SQL to queue the
tasks anew: a new dispatch, so that two relays do it once.
"""

import logging
import time
from collections.abc import Iterable, Mapping
from concurrent.futures import Future
from typing import Any, TypeVar, cast

from confluent_kafka import (
    Consumer,
    KafkaError,
    KafkaException,
    TopicCollection,
    TopicPartition,
    Uuid,
)
from confluent_kafka.admin import (
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]  public, but not in __all__
)

from ..engine.calls import read_watermark, requeue_lost_tasks
from ..engine.calls.base import Connection
from ..engine.kafka_names import task_topic, worker_group
from ..engine.settings import Settings
from .broker import ANSWER, client_config, code_of, describe, open_admin
from .clock import Job, Turns
from .watermark import Partition, Topic, Watch, look, set_watch

log = logging.getLogger("onceflow.relay.lost_messages")

NO_ID = str(Uuid(0, 0))
EARLIEST = cast("OffsetSpec", OffsetSpec.earliest())
LATEST = cast("OffsetSpec", OffsetSpec.latest())
END_OF_LOG = KafkaError._PARTITION_EOF  # pyright: ignore[reportPrivateUsage]
Place = tuple[str, int]
T = TypeVar("T")


class LostMessages:
    """The watches on all queues. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._reader = TopicReader(settings)
        self._watches: dict[str, Watch] = {}
        self._gone: set[str] = set()

    def search(self, conn: Connection, queues: Iterable[str]) -> set[str]:
        """Look at every queue once, and have what is lost of it shipped again.

        Returns the queues whose topic is gone. A queue whose topic cannot be read now is looked at
        the next time. Raises KafkaException where no broker answers.
        """
        before = read_watermark(conn)
        names = {queue: task_topic(self._settings, queue) for queue in queues}
        topics = self._reader.read(names.values())
        gone: set[str] = set()
        for queue, name in names.items():
            if name not in topics:
                continue
            topic = topics[name]
            if topic is None:
                gone.add(queue)
                if queue not in self._gone:
                    continue  # the broker that was asked may only not know it yet: ask once more
            watch = self._watches.get(queue)
            if watch is not None:
                watch = look(watch, topic)
                if watch.is_over:
                    self._requeue(conn, queue, watch.before)
                    watch = None
            if watch is None and topic is not None:
                watch = set_watch(before, topic)
                log.debug("queue %s is watched up to %s", queue, dict(watch.ends))
            elif watch is None:
                # No topic: nothing that was shipped so far can be unread.
                watch = Watch(before, "", {})
            self._watches[queue] = watch
        for queue in self._watches.keys() - names.keys():
            del self._watches[queue]
        self._gone = gone
        return gone

    def close(self) -> None:
        """Close the connections to the broker."""
        self._reader.close()

    def _requeue(self, conn: Connection, queue: str, before: str) -> None:
        total = 0

        def requeue(conn: Connection, limit: int, skip: int) -> int:
            nonlocal total
            count = requeue_lost_tasks(conn, queue, before, limit, skip)
            total += count
            return count

        turns = Turns(Job(f"lost messages of queue {queue}", requeue))
        while turns.turn(conn):
            pass
        if total:
            log.warning(
                "queue %s: the broker has lost the messages of %d tasks; they are shipped again",
                queue,
                total,
            )


class TopicReader:
    """Reads topics, their offsets, and those of the workers' group. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._admin = open_admin(settings)
        self._config: dict[str, Any] = {
            **client_config(settings),
            "group.id": worker_group(settings),
            "enable.auto.commit": False,
            "allow.auto.create.topics": False,
            "enable.partition.eof": True,
            "fetch.wait.max.ms": 10,
        }
        # It never joins the group, and never fetches: it asks what the group has committed.
        self._group = Consumer(self._config)
        self._ends: dict[tuple[str, str, int], tuple[int, int]] = {}

    def close(self) -> None:
        """Close the consumer; the admin client goes with us."""
        self._group.close()

    def read(self, names: Iterable[str]) -> dict[str, Topic | None]:
        """Return what the broker knows of these topics, None for one that does not exist.

        A topic that cannot be read now (a partition without a leader, no right to) is left out.
        Raises KafkaException where no broker answers.
        """
        wanted = sorted(set(names))
        if not wanted:
            return {}
        described: dict[str, tuple[str, list[int]] | None] = {}
        asked = self._admin.describe_topics(TopicCollection(wanted), request_timeout=ANSWER)
        for name, future in asked.items():
            try:
                found = future.result()
            except KafkaException as error:
                if code_of(error) == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    described[name] = None
                    continue
                _unless_away(name, error)
                continue
            topic_id = str(found.topic_id)
            numbers = [partition.id for partition in found.partitions]
            described[name] = "" if topic_id == NO_ID else topic_id, numbers

        places = [
            TopicPartition(name, number)
            for name, one in described.items()
            if one is not None
            for number in one[1]
        ]
        # First what was committed, then the ends: so a sound commit never lies beyond its end.
        committed = self._committed(places)
        starts = self._offsets(places, EARLIEST)
        latest = self._offsets(places, LATEST)
        ends = self._true_ends(latest, {n: one[0] for n, one in described.items() if one})
        topics: dict[str, Topic | None] = {}
        for name, one in described.items():
            if one is None:
                topics[name] = None
                continue
            keys = [(name, number) for number in one[1]]
            if all(key in committed and key in starts and key in ends for key in keys):
                topics[name] = Topic(
                    one[0],
                    {key[1]: Partition(starts[key], ends[key], committed[key]) for key in keys},
                )
        return topics

    def _committed(self, places: list[TopicPartition]) -> dict[Place, int | None]:
        if not places:
            return {}
        return {
            (place.topic, place.partition): place.offset if place.offset >= 0 else None
            for place in self._group.committed(places, timeout=ANSWER)
            if place.error is None
        }

    def _offsets(self, places: list[TopicPartition], spec: OffsetSpec) -> dict[Place, int]:
        if not places:
            return {}
        offsets: dict[Place, int] = {}
        asked = self._admin.list_offsets(dict.fromkeys(places, spec), request_timeout=ANSWER)
        for place, future in asked.items():
            answer = _result(place.topic, future)
            if answer is not None:
                offsets[place.topic, place.partition] = answer.offset
        return offsets

    def _true_ends(self, latest: dict[Place, int], ids: Mapping[str, str]) -> dict[Place, int]:
        """Return where the logs end, given what the broker lists as their latest offsets.

        The two are the same on Apache Kafka. Tansu lists the offset behind the first record of the
        last batch, so the end is read as consumers read it, wherever the log has moved.
        """
        keys = {place: (ids[place[0]], *place) for place in latest}
        moved = {
            place: offset
            for place, offset in latest.items()
            if offset > 0 and self._ends.get(keys[place], (-1, 0))[0] != offset
        }
        for place, end in self._read_ends(moved).items():
            self._ends[keys[place]] = moved[place], end
        self._ends = {key: self._ends[key] for key in keys.values() if key in self._ends}
        known = {
            place: self._ends[keys[place]][1]
            for place, offset in latest.items()
            if self._ends.get(keys[place], (-1, 0))[0] == offset
        }
        return known | {place: 0 for place, offset in latest.items() if offset == 0}

    def _read_ends(self, places: dict[Place, int]) -> dict[Place, int]:
        """Fetch once from each of these offsets; a partition that does not answer is left out."""
        if not places:
            return {}
        ends: dict[Place, int] = {}
        # Of its own, and closed at once: where a topic is deleted under a fetch, what Tansu answers
        # crashes librdkafka (it names a new leader of a topic that has no name any more).
        reader = Consumer(self._config)
        try:
            reader.assign([TopicPartition(*place, offset) for place, offset in places.items()])
            deadline = time.monotonic() + ANSWER
            while len(ends) < len(places) and time.monotonic() < deadline:
                message = reader.poll(0.1)
                if message is None:
                    continue
                topic, partition, error = message.topic(), message.partition(), message.error()
                if topic is None or partition is None or (error and error.code() != END_OF_LOG):
                    continue
                # The answer that this record or this end came in told where the log ends.
                told = reader.get_watermark_offsets(TopicPartition(topic, partition), cached=True)
                if told[1] >= 0:
                    ends[topic, partition] = told[1]
        finally:
            reader.close()
        return ends


def _result(topic: str, future: Future[T]) -> T | None:
    """Return the result, or None where this one topic cannot be read now."""
    try:
        return future.result()
    except KafkaException as error:
        _unless_away(topic, error)
        return None


def _unless_away(topic: str, error: KafkaException) -> None:
    """Pass over a topic that cannot be read now; raise where it is the broker that is away."""
    away = (
        KafkaError._TRANSPORT,  # pyright: ignore[reportPrivateUsage]
        KafkaError._ALL_BROKERS_DOWN,  # pyright: ignore[reportPrivateUsage]
        KafkaError._TIMED_OUT,  # pyright: ignore[reportPrivateUsage]
    )
    if code_of(error) in away:
        raise error
    log.debug("topic %s cannot be read now: %s", topic, describe(error))
