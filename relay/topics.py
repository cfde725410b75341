"""Makes our topics, and tells what is wrong with a topic before anything is sent to it.

Topics of tasks, of dead letters and of forms are ours: they are made with ``settings.partitions``
partitions and grow when that number does. Topics of events are the user's: one that is missing is
an error that says so, unless the broker makes topics by itself.
"""

import logging
import time
from collections.abc import Iterable

from confluent_kafka import KafkaError, KafkaException, Producer
from confluent_kafka.cimpl import NewPartitions, NewTopic

from ..engine.settings import Settings
from .broker import ANSWER, code_of, describe, open_admin

log = logging.getLogger("onceflow.relay.topics")

REMEMBER = 10.0
"""Seconds for which an answer about a topic is believed."""


class Topics:
    """What is known of the broker's topics. For one thread; others have their own.

    A method raises KafkaException only where no broker answers; what is wrong with one topic is
    returned in words.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = open_admin(settings)
        self._good: dict[str, float] = {}
        self._bad: dict[str, tuple[float, str]] = {}
        self._partitions_refused: set[str] = set()

    def forget(self, topic: str) -> None:
        """Ask anew about a topic: the broker has just said that it does not have it."""
        self._good.pop(topic, None)
        self._bad.pop(topic, None)

    def make(self, topics: Iterable[str]) -> dict[str, str]:
        """Make those of our topics that are missing; return what is wrong, by topic."""
        asked, problems = self._unknown(topics)
        if asked:
            problems |= self._make(asked)
            self._remember(asked, problems)
        return problems

    def check(self, topics: Iterable[str], producer: Producer) -> dict[str, str]:
        """Look whether the user's topics exist; return what is wrong, by topic."""
        asked, problems = self._unknown(topics)
        for topic in asked:
            try:
                found = producer.list_topics(topic, timeout=ANSWER).topics[topic]
            except Exception as error:
                producer.list_topics(timeout=ANSWER)  # no broker answers, or it is this topic alone
                problems[topic] = f"topic {topic} cannot be used: {describe(error)}"
            else:
                if found.error is not None:
                    problems[topic] = _missing(topic, found.error)
        self._remember(asked, problems)
        return problems

    def _unknown(self, topics: Iterable[str]) -> tuple[list[str], dict[str, str]]:
        """Return the topics to ask about, and what is remembered to be wrong with others."""
        now = time.monotonic()
        problems: dict[str, str] = {}
        asked: list[str] = []
        for topic in set(topics):
            since, problem = self._bad.get(topic, (-REMEMBER, ""))
            if now - since < REMEMBER:
                problems[topic] = problem
            elif now - self._good.get(topic, -REMEMBER) >= REMEMBER:
                asked.append(topic)
        return sorted(asked), problems

    def _remember(self, asked: list[str], problems: dict[str, str]) -> None:
        now = time.monotonic()
        for topic in asked:
            self.forget(topic)
            if topic in problems:
                self._bad[topic] = now, problems[topic]
            else:
                self._good[topic] = now

    def _make(self, topics: list[str]) -> dict[str, str]:
        wanted = self._settings.partitions
        there = self._admin.list_topics(timeout=ANSWER).topics
        new = [topic for topic in topics if topic not in there]
        small = [
            topic
            for topic in topics
            if topic in there
            and 0 < len(there[topic].partitions) < wanted
            and topic not in self._partitions_refused
        ]
        return self._create(new) | self._grow(small)

    def _create(self, topics: list[str]) -> dict[str, str]:
        if not topics:
            return {}
        wanted = self._settings.partitions
        futures = self._admin.create_topics(
            [NewTopic(topic, num_partitions=wanted, replication_factor=-1) for topic in topics],
            request_timeout=ANSWER,
        )
        problems: dict[str, str] = {}
        for topic, future in futures.items():
            try:
                future.result()
                log.info("made topic %s with %d partitions", topic, wanted)
            except KafkaException as error:
                if code_of(error) == KafkaError.TOPIC_ALREADY_EXISTS:
                    continue  # another relay was faster
                problems[topic] = (
                    f"topic {topic} could not be made: {describe(error)}; make it with {wanted} "
                    "partitions, or give the relay the right to make topics"
                )
        return problems

    def _grow(self, topics: list[str]) -> dict[str, str]:
        """Add partitions. A refusal is told once and is no problem: the topic works as it is."""
        if not topics:
            return {}
        wanted = self._settings.partitions
        futures = self._admin.create_partitions(
            [NewPartitions(topic, wanted) for topic in topics], request_timeout=ANSWER
        )
        for topic, future in futures.items():
            try:
                future.result()
                log.info("topic %s has %d partitions now", topic, wanted)
            except KafkaException as error:
                if code_of(error) == KafkaError.INVALID_PARTITIONS:
                    continue  # another relay was faster
                self._partitions_refused.add(topic)
                log.warning(
                    "topic %s keeps fewer than ONCEFLOW_PARTITIONS=%d partitions: %s",
                    topic,
                    wanted,
                    describe(error),
                )
        return {}


def _missing(topic: str, error: KafkaError) -> str:
    if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
        return (
            f"topic {topic} does not exist on the broker: make it there; Onceflow makes only its "
            "own topics"
        )
    return f"topic {topic} cannot be used: {describe(error)}"
