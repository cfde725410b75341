"""list_topic_triggers: what relays read topics for"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import DefinitionError, Refused

from ...play import Play, switch
from ...topics import started_by_topic


def test_entries_of_latest_versions_are_told_with_their_topics(play: Play) -> None:
    play.deploy(started_by_topic(name="b", group="mine"))
    play.deploy(started_by_topic(name="a", topic="sales"))
    found = {one.workflow: one for one in calls.list_topic_triggers(play.conn)}
    state = (True, False, False)
    assert found["a"] == calls.TopicTrigger("a", "orders", "sales", None, "json", *state)
    assert found["b"] == calls.TopicTrigger("b", "orders", "orders", "mine", "json", *state)
    play.conn.execute("update onceflow.trigger set paused_at = now()")
    assert [one.takes for one in calls.list_topic_triggers(play.conn)] == [False, False]


def test_a_group_of_another_entry_is_refused_with_its_place(play: Play) -> None:
    play.deploy(started_by_topic(name="b", group="mine"))
    play.deploy(started_by_topic(name="b", group="mine", topic="sales"))
    with pytest.raises(DefinitionError) as told:
        play.deploy(started_by_topic(name="a", group="mine"))
    (fault,) = told.value.faults
    assert fault.place == "/on/0/kafka/group"
    assert fault.message == (
        "is the group of orders of the workflow b already; name another, or none"
    )


def test_without_kafka_a_topic_is_refused_with_its_place_and_so_is_the_way_there(
    play: Play,
) -> None:
    play.worker.stop()
    play.deploy(started_by_topic())
    with pytest.raises(Refused, match="topics start workflows: orders of flow"):
        calls.switch_transport(play.conn, "postgres")
    play.deploy({**started_by_topic(), "triggers": [], "definition": {"v": 2}})
    switch(play.conn, "postgres")
    with pytest.raises(DefinitionError) as told:
        play.deploy(started_by_topic())
    (fault,) = told.value.faults
    assert (fault.place, fault.message) == (
        "/on/0/kafka",
        "what a topic starts needs Kafka, and the transport of this deployment is Postgres",
    )
