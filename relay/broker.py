"""How the relay reaches Kafka: clients with their settings, and patience."""

import logging
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import cache
from typing import Any, Protocol, cast

from confluent_kafka import KafkaError, KafkaException, Producer, TopicCollection, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    ClusterMetadata,  # pyright: ignore[reportPrivateImportUsage]  public, but not in __all__
    ListOffsetsResultInfo,  # pyright: ignore[reportPrivateImportUsage]
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]
    TopicDescription,  # pyright: ignore[reportPrivateImportUsage]
)
from confluent_kafka.cimpl import NewPartitions, NewTopic

from ..engine.outages import Outage, client_log
from ..engine.settings import Settings

log = logging.getLogger("onceflow.relay")

ANSWER = 5.0
"""Seconds within which a broker answers what is asked of it."""

PASSING = frozenset(
    {
        KafkaError._ALL_BROKERS_DOWN,  # pyright: ignore[reportPrivateUsage]
        KafkaError._RESOLVE,  # pyright: ignore[reportPrivateUsage]
        KafkaError._TIMED_OUT,  # pyright: ignore[reportPrivateUsage]
        KafkaError._TRANSPORT,  # pyright: ignore[reportPrivateUsage]
    }
)
"""Errors of a connection that the client mends itself, or that what is asked next fails by."""

DELIVERY = 10.0
"""Seconds within which a record is acknowledged, or has failed."""


class Admin(Protocol):
    """What we use of AdminClient, with types. Its futures live no longer than itself."""

    def list_topics(self, topic: str | None = None, timeout: float = -1) -> ClusterMetadata: ...

    def poll(self, timeout: float = -1) -> int: ...

    def create_topics(
        self, new_topics: list[NewTopic], *, request_timeout: float
    ) -> dict[str, Future[None]]: ...

    def create_partitions(
        self, new_partitions: list[NewPartitions], *, request_timeout: float
    ) -> dict[str, Future[None]]: ...

    def describe_topics(
        self, topics: TopicCollection, *, request_timeout: float
    ) -> dict[str, Future[TopicDescription]]: ...

    def list_offsets(
        self, requests: dict[TopicPartition, OffsetSpec], *, request_timeout: float
    ) -> dict[TopicPartition, Future[ListOffsetsResultInfo]]: ...


def open_admin(settings: Settings) -> Admin:
    """Return an admin client. Asking it about a topic never makes the topic."""
    config = {**client_config(settings), "allow.auto.create.topics": False}
    return cast("Admin", AdminClient(config))


def open_producer(settings: Settings) -> Producer:
    """Return an idempotent producer whose records are acknowledged by all in-sync replicas.

    Asking it about a topic makes the topic where the broker does that by itself.
    """
    config = {
        # What Java's clients choose for a key, so that a key means the same partition everywhere.
        "partitioner": "murmur2_random",
        **client_config(settings),
        "enable.idempotence": True,
        "acks": "all",
        # Lets a batch be gathered while we produce it; flush() does not wait for it.
        "linger.ms": 5,
        "message.timeout.ms": round(DELIVERY * 1000),
        "topic.metadata.propagation.max.ms": 2000,
    }
    return Producer(config)


def client_config(settings: Settings) -> dict[str, Any]:
    """Return what all our clients begin with: the settings' own, and errors that are said once."""
    return {
        "client.id": "onceflow-relay",
        **settings.kafka_config(),
        "error_cb": _say_once(outage_of(settings.kafka)),
        "logger": client_log("onceflow.relay.librdkafka", settings),
    }


@cache
def outage_of(servers: str) -> Outage:
    """Return what all threads of this process tell of a broker."""
    return Outage(log, f"Kafka at {servers}")


def trouble_with(client: Admin | Producer) -> str:
    """Return what keeps a broker from answering; an empty text where it answers."""
    try:
        client.list_topics(timeout=ANSWER)
    except KafkaException as error:
        client.poll(0)  # has it say what became of its connections
        return describe(error)
    return ""


def wait_for_broker(settings: Settings, stop: threading.Event) -> None:
    """Return once a broker answers, or when ``stop`` is set; say what it waits for."""
    client, outage = open_admin(settings), outage_of(settings.kafka)
    pause = 0.1
    while not stop.is_set():
        reason = trouble_with(client)
        if not reason:
            outage.ends()
            return
        outage.begins(reason)
        stop.wait(pause)
        pause = min(pause * 2, 5.0)


def inner(error: BaseException | KafkaError) -> KafkaError | None:
    """Return the error of librdkafka that an exception carries, if it does."""
    if isinstance(error, KafkaException) and error.args:
        error = error.args[0]
    return error if isinstance(error, KafkaError) else None


def describe(error: BaseException | KafkaError) -> str:
    """Return an error in one line: its text and, where librdkafka made it, its name."""
    ours = inner(error)
    return f"{ours.str()} [{ours.name()}]" if ours is not None else str(error)


def code_of(error: BaseException | KafkaError) -> int:
    """Return the number of a librdkafka error, such as ``KafkaError.MSG_SIZE_TOO_LARGE``."""
    ours = inner(error)
    return ours.code() if ours is not None else KafkaError.UNKNOWN


def _say_once(outage: Outage, every: float = 60.0) -> Callable[[KafkaError], None]:
    """Return an error_cb that logs an error when it is new, or was last said long ago (s).

    It may be called long after: that a broker is away is told by whoever asks it in vain.
    """
    said: dict[int, float] = {}

    def say(error: KafkaError) -> None:
        if error.code() in PASSING:
            outage.note(describe(error))
            return
        now = time.monotonic()
        if now - said.get(error.code(), -every) >= every:
            said[error.code()] = now
            log.warning("Kafka: %s", describe(error))

    return say
