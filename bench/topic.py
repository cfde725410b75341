"""How many messages a deployment's topics hold, asked of the broker: Postgres is not disturbed."""

from typing import Any

from confluent_kafka import KafkaError, KafkaException, TopicPartition
from confluent_kafka.admin import (
    AdminClient,
    OffsetSpec,  # pyright: ignore[reportPrivateImportUsage]  public, but not in __all__
)

from onceflow.engine.settings import Settings

NOT_YET = (KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.UNKNOWN_TOPIC_OR_PART)
"""What a broker says of a topic that is being made."""


class Topic:
    """The topic of one queue's tasks."""

    def __init__(self, settings: Settings, queue: str = "default") -> None:
        self._admin: Any = AdminClient({**settings.kafka_config()})
        self._name = f"{settings.prefix}.tasks.{queue}"

    def messages(self) -> int:
        """Return how many messages the broker has acknowledged; 0 where there is no topic yet."""
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
