"""explain_instance"""

import re
import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import NotFound

from ...play import Play, execute, pass_time, take_messages
from ...workflows import Step, diamond, fan, sequence, value, workflow


def because(play: Play, instance: uuid.UUID, task: str | None = None) -> str:
    """Return what is said of one task, or of the instance as a whole."""
    return next(b.because for b in calls.explain_instance(play.conn, instance) if b.task == task)


def shipped(play: Play, *steps: Step) -> uuid.UUID:
    """Start an instance, ship its messages and stop the worker that was there."""
    instance = play.begin(workflow(*steps))
    take_messages(play.conn)
    play.conn.execute("delete from onceflow.worker")
    return instance


def test_an_instance_that_is_not_there_is_not_found(play: Play) -> None:
    with pytest.raises(NotFound, match="there is no instance"):
        calls.explain_instance(play.conn, uuid.uuid4())


def test_a_running_instance_tells_what_is_open_and_its_deadline(play: Play) -> None:
    assert because(play, play.begin(sequence("a"))) == "running, 1 task open"
    instance = play.begin(workflow(Step("a"), Step("b"), name="two", deadline=60))
    assert because(play, instance).startswith("running, 2 tasks open, deadline 2")


def test_a_message_that_is_not_shipped_asks_for_a_relay(play: Play) -> None:
    instance = play.begin(sequence("a"))
    pass_time(play.conn, "40 s")
    assert because(play, instance, "a") == "message not shipped for 40 s: is a relay running?"
    (row,) = calls.take_outbox(play.conn, 1)
    calls.defer_outbox(play.conn, [row.id], ["broker away"])
    assert "(1 tries, last broker away)" in because(play, instance, "a")


def test_a_queue_without_a_live_worker_is_named_with_what_to_type(play: Play) -> None:
    instance = shipped(play, Step("a", queue="pdf"))
    assert because(play, instance, "a") == (
        "queue pdf has no live worker: start one with onceflow worker --queues pdf"
    )


def test_workers_without_the_handler_are_said_to_lack_it(play: Play) -> None:
    instance = shipped(play, Step("a", task="mail.send", queue="mail"))
    calls.register_worker(play.conn, "w", ["mail"], ["work"], 60)
    assert because(play, instance, "a") == (
        "no live worker has the task mail.send, on queue mail: start one that imports its module"
    )


def test_a_task_whose_workers_are_all_without_partitions_says_so(play: Play) -> None:
    instance = shipped(play, Step("a"))
    worker = calls.register_worker(play.conn, "w", ["default"], ["work"], 60)
    calls.renew_worker(play.conn, worker, [], 1, {}, {"without_partitions": 61})
    play.worker.stop()
    assert because(play, instance, "a") == (
        'no live worker of queue "default" has a partition in Kafka for longer than a lease: they '
        "join their group anew by themselves; is the broker well?"
    )
    calls.renew_worker(play.conn, worker, [], 1, {}, {"without_partitions": 59})
    assert "workers are busy" in because(play, instance, "a")


def test_workers_that_are_busy_or_a_lost_message_are_what_is_left(play: Play) -> None:
    instance = shipped(play, Step("a"))
    calls.register_worker(play.conn, "w", ["default"], ["work"], 60)
    assert because(play, instance, "a").endswith(
        "its message shipped: workers are busy, or it was lost and will be shipped again"
    )


def test_a_running_attempt_tells_its_worker_and_its_timeout(play: Play) -> None:
    instance = play.begin(workflow(Step("a", timeout=60)))
    play.take(instance, "a")
    pass_time(play.conn, "5 s")
    assert re.fullmatch(
        r"attempt 1 runs for 5 s on worker w, times out at 2.*", because(play, instance, "a")
    )


def test_a_worker_whose_lease_ran_out_or_that_is_dead_or_gone_is_said_so(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    play.worker.vanish()
    assert ", whose lease ran out at 2" in because(play, instance, "a")
    play.conn.execute("update onceflow.worker set state = 'dead', ended_at = clock_timestamp()")
    assert because(play, instance, "a").endswith(
        "on worker w, which is dead: the next tick gives it out again"
    )
    play.conn.execute("delete from onceflow.worker")
    assert because(play, instance, "a").endswith("which is gone: the next tick gives it out again")


def test_a_retry_tells_when_and_what_failed(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True, code="http.503")
    assert re.fullmatch(
        r"waits until 2.* for its next attempt; attempt 1 failed with http.503: it failed",
        because(play, instance, "a"),
    )


def test_a_dead_letter_gives_the_statement_that_redrives_it(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a", code="bad")
    told = because(play, instance, "a")
    assert told.startswith("dead letter after 1 attempt: bad: it failed. Mend the cause, then ")
    statement = told.partition(", then ")[2]
    execute(play.conn, statement)
    assert play.state(instance, "a") == "QUEUED"
    play.fail(instance, "a")
    assert "open dead letter below" in because(play, instance)


def test_a_suspension_gives_the_statement_that_lifts_it(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.suspend_instances(play.conn, [instance])
    assert because(play, instance, "a") == "held back by the suspension of its instance"
    told = because(play, instance)
    assert told.startswith("suspended by an operator since 2")
    execute(play.conn, told[told.index("select") :])
    assert play.state(instance, "a") == "QUEUED"


def test_a_join_tells_how_many_it_waits_for(play: Play) -> None:
    instance = play.begin(fan(4))
    play.complete(instance, "s0002")
    assert because(play, instance, "end") == "waits for 3 of the 4 steps that it joins"


def test_a_closing_instance_tells_what_it_will_end_as_and_why(play: Play) -> None:
    instance = play.begin(diamond())
    play.complete(instance, "a")
    play.take(instance, "b")
    play.fail(instance, "c")
    assert because(play, instance) == (
        "closing, to end as COMPENSATED (it failed): it waits for what still runs"
    )


def test_the_way_back_tells_its_order(play: Play) -> None:
    steps = [Step("a", undo=value(1)), Step("b", ("a",), undo=value(1)), Step("c", ("b",))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "b")
    play.fail(instance, "c")
    assert (
        because(play, instance) == "compensating, one step after the other, to end as COMPENSATED"
    )
    assert because(play, instance, "a.compensate") == (
        "waits for its turn: compensations run one by one, the last step first"
    )


def test_an_ended_instance_tells_when_and_why(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a")
    (told,) = calls.explain_instance(play.conn, instance)
    assert re.fullmatch(r"it ended as COMPENSATED at 2.*: it failed", told.because)


def test_the_most_telling_comes_first(play: Play) -> None:
    steps = [Step(name) for name in ("queued", "running", "retrying", "dead")]
    instance = play.begin(workflow(*steps, Step("join", ("dead", "queued")), on_failure="suspend"))
    play.take(instance, "running")
    play.fail(instance, "retrying", retryable=True)
    play.fail(instance, "dead")
    told = [b.task for b in calls.explain_instance(play.conn, instance)]
    assert told == [None, "dead", "retrying", "running", "queued"]


def test_reading_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    before = play.instance(instance, "seq")
    with play.conn.transaction():
        play.conn.execute("set transaction read only")
        calls.explain_instance(play.conn, instance)
    assert play.instance(instance, "seq") == before
    assert take_messages(play.conn) == [Key(instance, "a")]
