"""How many messages a deployment has shipped.

The broker is asked, so that Postgres is not disturbed. Only the end offsets of the embedded broker
are smaller than what it holds; there the rows are counted that have left the outbox.
"""

from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]  public, but not in __all__
)

from onceflow.engine.kafka_names import task_topic

from .deployment import Deployment

NOT_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART)
"""What a broker says of a topic that is being made."""


class Topic:
    """The topic of one queue's tasks."""

    def __init__(self, deployment: Deployment, queue: str = "default") -> None:
        settings = deployment.settings
        # log_level 0: that the embedded broker is gone at the end is no news.
        self._admin: Any = AdminClient({**settings.kafka_config(), "log_level": "0"})
        self._name = task_topic(settings, queue)
        self._conn = deployment.conn
        self.counts_all = not deployment.embedded_broker
        """Whether the broker tells how many messages there are, duplicates included."""

    def shipped(self, queued: int) -> int:
        """Return how many of ``queued`` messages have been acknowledged."""
        if self.counts_all:
            return self.messages()
        row = self._conn.execute("select count(*) from onceflow.outbox").fetchone()
        assert row is not None
        return queued - row[0]

    def messages(self) -> int:
        """Return how many messages the broker holds; 0 where there is no topic yet."""
        found = self._admin.list_topics(timeout=10).topics.get(self._name)
        if found is None:
            return 0
        asked = {TopicPartition(self._name, n): OffsetSpec.latest() for n in found.partitions}
        answers = self._admin.list_offsets(asked, request_timeout=10)
        return sum(_end(answer) for answer in answers.values())


def _end(answer: Any) -> int:
    try:
        return answer.result(timeout=20).offset
    except KafkaException as error:
        if error.args[0].code() in NOT_YET:
            return 0
        raise
