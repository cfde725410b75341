"""Sends a batch of records and tells, record by record, what became of it.

A batch is never all or nothing: one record may be too large or its topic unknown while the others
are acknowledged, and what a client raises because of one record is said of that record alone. And a
producer does not live for ever: after a fatal error, or a record that nobody answered for in time,
it is replaced (an idempotent producer may else wait for ever for a broker that has restarted and
does not know it).
"""

import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial

from confluent_kafka import KafkaError, KafkaException, Message, Producer

from ..engine.settings import Settings
from .broker import DELIVERY, describe, inner, open_producer

log = logging.getLogger("onceflow.relay")

# What is wrong with the record or its topic itself, however well the broker is. All else (timeouts,
# lost connections, too few replicas) says nothing about the record.
THE_RECORD = frozenset(
    {
        KafkaError.MSG_SIZE_TOO_LARGE,
        KafkaError.INVALID_MSG,
        KafkaError.INVALID_MSG_SIZE,
        KafkaError.INVALID_RECORD,
        KafkaError.INVALID_TIMESTAMP,
        KafkaError.POLICY_VIOLATION,
        KafkaError.RECORD_LIST_TOO_LARGE,
        KafkaError.TOPIC_AUTHORIZATION_FAILED,
        KafkaError.TOPIC_EXCEPTION,
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError.UNSUPPORTED_FOR_MESSAGE_FORMAT,
        KafkaError._INVALID_ARG,  # pyright: ignore[reportPrivateUsage]
        KafkaError._UNKNOWN_PARTITION,  # pyright: ignore[reportPrivateUsage]
        KafkaError._UNKNOWN_TOPIC,  # pyright: ignore[reportPrivateUsage]
    }
)
UNKNOWN_TOPIC = frozenset(
    {
        KafkaError.UNKNOWN_TOPIC_OR_PART,
        KafkaError._UNKNOWN_TOPIC,  # pyright: ignore[reportPrivateUsage]
    }
)
SLICE = 2.0
"""Seconds after which a wait for answers looks whether the relay is to end."""

TOO_LARGE = frozenset({KafkaError.MSG_SIZE_TOO_LARGE, KafkaError.RECORD_LIST_TOO_LARGE})


@dataclass(frozen=True, slots=True)
class Record:
    """A record to send; ``id`` is the caller's own name for it."""

    id: int
    topic: str
    key: str | None
    value: str
    headers: Mapping[str, str]


Results = dict[int, KafkaError | str | None]
"""By record: None where it was acknowledged, the broker's error, or what the client said of it."""


def _no_errors() -> dict[int, str]:
    return {}


@dataclass(slots=True)
class Sent:
    """What became of each record of a batch.

    ``refused``: this record cannot be sent as it is, or its topic cannot take it.
    ``hopeless``: no client can send it, whatever becomes of topic and broker.
    ``unanswered``: nobody acknowledged it in time; it may have arrived all the same.
    ``unknown_topics``: the topics of which the broker said that it does not have them.
    """

    acknowledged: list[int] = field(default_factory=list[int])
    refused: dict[int, str] = field(default_factory=_no_errors)
    hopeless: dict[int, str] = field(default_factory=_no_errors)
    unanswered: dict[int, str] = field(default_factory=_no_errors)
    unknown_topics: set[str] = field(default_factory=set[str])


class Sender:
    """An idempotent producer, replaced when it must be. For one thread."""

    def __init__(self, settings: Settings, stop: threading.Event | None = None) -> None:
        self._settings = settings
        self._stop = stop or threading.Event()
        self.producer: Producer = open_producer(settings)

    def send(self, records: Sequence[Record]) -> Sent:
        """Send the records and return when each was acknowledged or has failed.

        It takes at most DELIVERY seconds and a little. Whatever happens, nothing of the batch is
        left in the producer.
        """
        results = self._deliver(records)
        too_large = [record for record in records if _code(results, record) in TOO_LARGE]
        if too_large and len(records) > 1:
            # The broker refuses a whole set of records where their sum is too large for it.
            for record in too_large:
                results |= self._deliver([record])
        return _sorted(records, results)

    def close(self) -> None:
        """Drop what is unsent and end the producer."""
        _end(self.producer)

    def _deliver(self, records: Sequence[Record]) -> Results:
        """Return what became of each record that was answered for."""
        results: Results = {}
        try:
            for record in records:
                self._produce(record, results)
            if self._flush():
                self._replace("it answers for nothing")
        except SystemError as error:
            # How librdkafka's fatal error comes out of a flush in which callbacks have run. What
            # was not answered for stays in the outbox.
            self._replace(f"a fatal error ({error})")
            return results
        except BaseException:
            self._replace("a batch was broken off")
            raise
        errors = (error for error in results.values() if isinstance(error, KafkaError))
        lost = next((error for error in errors if not _is_its_own(error)), None)
        if lost is not None:
            self._replace(describe(lost))
        return results

    def _produce(self, record: Record, results: Results) -> None:
        while True:
            try:
                for name in record.headers:
                    name.encode()  # the client ends the whole process over one that cannot be
                self.producer.produce(
                    record.topic,
                    record.value.encode(),
                    None if record.key is None else record.key.encode(),
                    headers=dict(record.headers) or None,
                    on_delivery=partial(_answered, results, record.id),
                )
            except BufferError as error:
                if not len(self.producer):  # nothing is left that it could wait for
                    results[record.id] = f"{describe(error)}: the record alone is too large"
                    return
                self.producer.poll(0.1)  # full; it empties, at the latest by timeouts
            except KafkaException as error:
                results[record.id] = inner(error) or describe(error)
                return
            except Exception as error:  # whatever it is, it is about this record
                results[record.id] = f"{type(error).__name__}: {error}"
                return
            else:
                return

    def _flush(self) -> int:
        """Wait for all answers; return how many are still missing when the time is over."""
        left = self.producer.flush(SLICE)
        deadline = time.monotonic() + DELIVERY
        while left and time.monotonic() < deadline:
            if self._stop.is_set():
                return self.producer.flush(2)
            left = self.producer.flush(SLICE)
        return left

    def _replace(self, reason: str) -> None:
        log.warning("the producer is replaced: %s", reason)
        _end(self.producer)
        self.producer = open_producer(self._settings)


def _answered(results: Results, record_id: int, error: KafkaError | None, _: Message) -> None:
    results[record_id] = error


def _end(producer: Producer) -> None:
    producer.purge()
    producer.flush(1)  # lets the callbacks of what was purged run


def _is_its_own(error: KafkaError) -> bool:
    return error.code() in THE_RECORD and not error.fatal()


def _code(results: Results, record: Record) -> int:
    error = results.get(record.id)
    return error.code() if isinstance(error, KafkaError) else KafkaError.NO_ERROR


def _sorted(records: Sequence[Record], results: Results) -> Sent:
    """Sort the records by what became of them."""
    sent = Sent()
    for record in records:
        if record.id not in results:
            sent.unanswered[record.id] = f"the broker did not answer within {DELIVERY:g} s"
            continue
        error = results[record.id]
        if error is None:
            sent.acknowledged.append(record.id)
        elif isinstance(error, str):
            sent.hopeless[record.id] = f"{error} (topic {record.topic})"
        elif not _is_its_own(error):
            sent.unanswered[record.id] = describe(error)
        else:
            sent.refused[record.id] = _explain(record, error)
            if error.code() in UNKNOWN_TOPIC:
                sent.unknown_topics.add(record.topic)
    return sent


def _explain(record: Record, error: KafkaError) -> str:
    if error.code() in TOO_LARGE:
        size = len(record.value.encode())
        return (
            f"{describe(error)}: {size} bytes for topic {record.topic}; send less, or raise "
            "max.message.bytes of the topic and ONCEFLOW_KAFKA_MESSAGE_MAX_BYTES of the relay"
        )
    return f"{describe(error)} (topic {record.topic})"
