"""Topics: ours are made and grow; the user's are looked at, and a missing one is told in words."""

from collections.abc import Generator
from dataclasses import replace

import pytest
from confluent_kafka import Producer

from onceflow.engine.kafka_names import task_topic
from onceflow.engine.settings import Settings
from onceflow.relay.broker import open_producer
from onceflow.relay.topics import Topics

from ..support import wait_until
from .support import partitions

pytestmark = pytest.mark.only("kafka", reason="it is about topics")


@pytest.fixture
def producer(settings: Settings) -> Generator[Producer]:
    made = open_producer(settings)
    yield made
    made.flush(1)


def test_topics_are_made_once(settings: Settings) -> None:
    names = [task_topic(settings, queue) for queue in ("a", "b")]
    assert Topics(settings).make(names) == {}
    assert [partitions(settings, name) for name in names] == [2, 2]
    assert Topics(settings).make(names) == {}


def test_partitions_are_added_to_a_live_topic(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    name = task_topic(settings, "default")
    Topics(settings).make([name])
    assert Topics(replace(settings, partitions=5)).make([name]) == {}
    if any("keeps fewer than" in record.message for record in caplog.records):
        pytest.skip("this broker adds no partitions")
    wait_until(lambda: partitions(settings, name) == 5, "five partitions")


def test_partitions_are_never_taken_away(settings: Settings) -> None:
    name = task_topic(settings, "default")
    Topics(settings).make([name])
    assert Topics(replace(settings, partitions=1)).make([name]) == {}
    assert partitions(settings, name) == 2


def test_a_name_that_no_topic_can_have_is_a_problem_of_that_topic_alone(
    settings: Settings,
) -> None:
    good, bad = task_topic(settings, "good"), task_topic(settings, "x" * 250)
    problems = Topics(settings).make([bad, good])
    assert partitions(settings, good) == 2
    if not problems:
        pytest.skip("this broker takes any name")
    assert list(problems) == [bad]
    assert "make it with 2 partitions" in problems[bad]


def test_a_missing_topic_of_the_user_is_told_in_words(
    settings: Settings, producer: Producer
) -> None:
    name = f"{settings.prefix}.nobody-made-it"
    problems = Topics(settings).check([name], producer)
    if not problems:
        assert partitions(settings, name) > 0, "this broker makes topics by itself"
        return
    assert problems == {
        name: f"topic {name} does not exist on the broker: make it there; Onceflow makes only its "
        "own topics"
    }
    assert partitions(settings, name) == 0


def test_a_topic_made_meanwhile_is_found_once_the_old_answer_is_forgotten(
    settings: Settings, producer: Producer
) -> None:
    name = f"{settings.prefix}.late"
    topics = Topics(settings)
    topics.check([name], producer)
    Topics(settings).make([name])
    topics.forget(name)
    assert topics.check([name], producer) == {}
