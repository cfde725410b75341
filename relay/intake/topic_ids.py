"""Which topic it is that has a name now: one that was deleted and made anew has another id."""

from confluent_kafka import KafkaError, KafkaException, TopicCollection

from ..broker import ANSWER, Admin, code_of
from ..lost_messages import NO_ID


class TopicMissing(Exception):
    """The topic is not there, or is another one than it was; the text says so."""


def topic_id_of(admin: Admin, topic: str) -> str:
    """Return the id of a topic; empty where the broker gives none.

    Raises TopicMissing, and KafkaException where no broker answers.
    """
    (asked,) = admin.describe_topics(TopicCollection([topic]), request_timeout=ANSWER).values()
    try:
        found = str(asked.result().topic_id)
    except KafkaException as error:
        if code_of(error) in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError.TOPIC_EXCEPTION):
            raise TopicMissing(
                f"topic {topic} does not exist on the broker: make it there; Onceflow makes only "
                "its own topics"
            ) from None
        raise
    return "" if found == NO_ID else found
