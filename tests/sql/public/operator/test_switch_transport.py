"""switch_transport"""

import json
import uuid
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Event, Key
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument, DefinitionError, Refused

from ...play import Play, Worker, switch, take_messages
from ...sessions import Sessions
from ...workflows import Step, sequence, workflow


@pytest.fixture
def stopped(play: Play) -> Play:
    """A Play whose worker has stopped."""
    play.worker.stop()
    return play


def transport(play: Play) -> str:
    return play.value("select transport from onceflow.deployment")


def in_outbox(play: Play) -> list[UUID]:
    """Return the instances that have a task's message in the outbox, oldest first."""
    rows = play.rows("select value from onceflow.outbox where kind = 'task' order by id")
    return [UUID(json.loads(row[0])["instance"]) for row in rows]


def begin(play: Play, count: int) -> list[UUID]:
    play.deploy(sequence("a", "b"))
    return [play.start("flow") for _ in range(count)]


# guarantee: switch-loses
def test_what_only_the_broker_has_is_shipped_again_and_nothing_else(stopped: Play) -> None:
    shipped = begin(stopped, 5)
    assert {key.instance_id for key in take_messages(stopped.conn)} == set(shipped)
    kept = begin(stopped, 3)
    assert sum(switch(stopped.conn, "postgres", 2)) == 5
    assert transport(stopped) == "postgres"
    assert sorted(in_outbox(stopped)) == sorted(shipped + kept)
    assert stopped.log(shipped[0], "a") == ["QUEUED", "QUEUED"]
    assert stopped.log(kept[0], "a") == ["QUEUED"]


def test_of_an_instance_whose_tasks_were_shipped_in_part_the_rest_is_left(stopped: Play) -> None:
    instance = stopped.begin(workflow(Step("a"), Step("b"), Step("task")))
    rows = calls.take_outbox(stopped.conn, 10)
    calls.drop_outbox(stopped.conn, [r.id for r in rows if json.loads(r.value)["task"] != "b"])
    assert sum(switch(stopped.conn, "postgres")) == 2
    assert in_outbox(stopped) == [instance] * 3
    assert stopped.log(instance, "b") == ["QUEUED"]


def test_what_is_not_queued_is_left_alone(play: Play) -> None:
    instance = play.begin(workflow(Step("runs"), Step("waits"), Step("ends")))
    play.take(instance, "runs")
    play.fail(instance, "waits", retryable=True)
    play.complete(instance, "ends")
    take_messages(play.conn)
    play.worker.vanish()
    assert switch(play.conn, "postgres") == [0]
    assert play.states(instance) == {"runs": "RUNNING", "waits": "RETRYING", "ends": "SUCCEEDED"}


def test_back_to_kafka_nothing_needs_to_be_shipped_again(stopped: Play) -> None:
    switch(stopped.conn, "postgres")
    ids = begin(stopped, 3)
    assert switch(stopped.conn, "kafka") == [0]
    assert in_outbox(stopped) == ids
    assert len(calls.take_outbox(stopped.conn, 10)) == 3


def test_the_transport_that_there_is_is_done_at_once(play: Play) -> None:
    begin(play, 1)
    take_messages(play.conn)
    assert switch(play.conn, "kafka") == [0]
    assert in_outbox(play) == []


def test_live_workers_are_named_and_keep_it_from_being_switched(play: Play) -> None:
    other = Worker(play.conn, "the other")
    with pytest.raises(Refused, match="workers are live: the other, w"):
        switch(play.conn, "postgres")
    assert transport(play) == "kafka"
    other.stop()
    play.worker.vanish()
    switch(play.conn, "postgres")


def test_an_unknown_transport_is_refused(play: Play) -> None:
    for word in ("pigeon", "switching", None):
        with pytest.raises(BadArgument):
            calls.switch_transport(play.conn, word)  # pyright: ignore[reportArgumentType]


def test_a_switch_that_was_broken_off_is_finished_or_taken_back(stopped: Play) -> None:
    begin(stopped, 4)
    take_messages(stopped.conn)
    for end in ("postgres", "kafka"):
        assert calls.switch_transport(stopped.conn, "postgres", 1).shipped == 1
        assert transport(stopped) == "switching"
        with pytest.raises(Refused, match="being switched"):
            calls.take_outbox(stopped.conn, 10)
        switch(stopped.conn, end)
        assert transport(stopped) == end
        assert len(in_outbox(stopped)) == 4
        switch(stopped.conn, "kafka")
        take_messages(stopped.conn)


def test_an_instance_that_somebody_holds_is_shipped_by_a_later_call(
    stopped: Play, sessions: Sessions
) -> None:
    instance, *_ = begin(stopped, 2)
    take_messages(stopped.conn)
    holder = sessions()
    holder.begin(
        lambda conn: conn.execute(
            "select from onceflow.instance where id = %s for update", (instance,)
        )
    )
    first, second = (calls.switch_transport(stopped.conn, "postgres") for _ in range(2))
    assert (first.shipped, first.done) == (1, False)
    assert (second.shipped, second.done) == (0, False)
    holder.commit()
    assert switch(stopped.conn, "postgres") == [1, 0]


# Kafka's own


def test_to_postgres_it_is_refused_while_events_or_dead_letters_wait(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    take_messages(play.conn)
    play.worker.stop()
    calls.publish_events(play.conn, [Event("t", None, "v", {}, "1")])
    with pytest.raises(Refused, match="events or dead letters wait"):
        switch(play.conn, "postgres")
    take_messages(play.conn)
    switch(play.conn, "postgres")


def test_an_event_of_an_open_transaction_is_waited_for(stopped: Play, sessions: Sessions) -> None:
    handler, switching = sessions(), sessions()
    handler.begin(lambda conn: calls.publish_events(conn, [Event("t", None, "v", {}, "1")]))
    switched = switching.call_blocked(lambda conn: calls.switch_transport(conn, "postgres"))
    handler.commit()
    with pytest.raises(Refused, match="events"):
        switched.result(30)


def test_a_relay_in_the_middle_of_a_batch_is_waited_for(stopped: Play, sessions: Sessions) -> None:
    ids = begin(stopped, 2)
    relay, switching = sessions(), sessions()
    rows = relay.begin(lambda conn: calls.take_outbox(conn, 10))
    switched = switching.call_blocked(lambda conn: calls.switch_transport(conn, "postgres"))
    relay.call(lambda conn: calls.drop_outbox(conn, [row.id for row in rows])).result(30)
    relay.commit()
    assert switched.result(30).shipped == 2
    switch(stopped.conn, "postgres")
    assert in_outbox(stopped) == ids


def test_on_postgres_nothing_is_for_the_relay_to_ship(stopped: Play) -> None:
    switch(stopped.conn, "postgres")
    begin(stopped, 1)
    with pytest.raises(Refused, match="is postgres, and not kafka"):
        calls.take_outbox(stopped.conn, 10)


def test_on_postgres_dead_letters_are_rows_and_no_messages(play: Play) -> None:
    play.worker.stop()
    switch(play.conn, "postgres")
    play.worker = Worker(play.conn)
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    assert play.state(instance, "a") == "DEAD_LETTER"
    assert play.rows("select from onceflow.outbox where kind = 'dead_letter'") == []


def test_on_postgres_no_events_are_published(stopped: Play) -> None:
    switch(stopped.conn, "postgres")
    with pytest.raises(Refused, match="is postgres, and not kafka"):
        calls.publish_events(stopped.conn, [Event("t", None, "v", {}, "1")])


def publishing(name: str = "flow") -> dict[str, object]:
    return compile_definition(
        {
            "name": name,
            "steps": [
                {"id": "a", "task": "work"},
                {"id": "b", "task": "kafka.publish"},
                {"id": "c", "task": "work", "compensate": {"task": "kafka.publish"}},
                {"id": "d", "parallel": {"x": [{"id": "e", "task": "kafka.publish"}]}},
            ],
        }
    )


def test_on_postgres_a_workflow_that_publishes_is_refused_with_each_place(stopped: Play) -> None:
    calls.register_workflow(stopped.conn, publishing("before"))
    stopped.deploy(workflow(Step("a"), name="before"))
    switch(stopped.conn, "postgres")
    with pytest.raises(DefinitionError) as caught:
        calls.register_workflow(stopped.conn, publishing())
    places = [fault.place for fault in caught.value.faults]
    assert places == ["/steps/1/task", "/steps/2/compensate/task", "/steps/3/parallel/x/0/task"]
    assert "needs Kafka" in caught.value.faults[0].message
    assert stopped.rows("select from onceflow.workflow where name = 'flow'") == []


def test_a_workflow_that_publishes_keeps_it_from_postgres_while_it_is_used(stopped: Play) -> None:
    calls.register_workflow(stopped.conn, publishing())
    with pytest.raises(Refused, match=r"publish to Kafka: flow \(version 1\)"):
        switch(stopped.conn, "postgres")
    instance = stopped.start("flow")
    stopped.deploy(workflow(Step("a")))
    with pytest.raises(Refused, match=r"flow \(version 1\)"):
        switch(stopped.conn, "postgres")
    calls.cancel_instances(stopped.conn, [instance])
    take_messages(stopped.conn)
    switch(stopped.conn, "postgres")


# what is said


def test_what_is_said_of_a_queued_task_is_right_on_each_transport(stopped: Play) -> None:
    (instance,) = begin(stopped, 1)

    def said() -> str:
        return " ".join(b.because for b in calls.explain_instance(stopped.conn, instance) if b.task)

    assert "message not shipped" in said()
    stopped.conn.execute("update onceflow.deployment set transport = 'switching'")
    assert "waits while the transport of the deployment is switched" in said()
    switch(stopped.conn, "postgres")
    assert "has no live worker" in said()
    worker = Worker(stopped.conn)
    assert said().endswith(": a worker takes it as soon as it has room")
    stopped.conn.execute("delete from onceflow.outbox")
    assert "its message is gone" in said()
    worker.stop()


def test_the_whole_of_an_instance_runs_over_each(stopped: Play) -> None:
    ids = begin(stopped, 2)
    for transport_ in ("postgres", "kafka"):
        switch(stopped.conn, transport_)
    switch(stopped.conn, "postgres")
    worker = Worker(stopped.conn)
    for step in ("a", "b"):
        token = uuid.uuid4()
        taken = calls.take_tasks(stopped.conn, worker.id, token, worker.call, ["default"], 10)
        assert {Key(t.instance_id or token, t.task or "") for t in taken} == {
            Key(instance, step) for instance in ids
        }
        worker.complete(*worker.grants(token))
    assert {stopped.state(instance) for instance in ids} == {"SUCCEEDED"}
    worker.stop()
