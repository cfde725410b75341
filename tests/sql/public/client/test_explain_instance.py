"""explain_instance"""

import re
import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import NotFound

from ...play import Play, Worker, execute, pass_time, switch, take_messages, turn_clock
from ...workflows import Step, diamond, fan, path, sequence, value, workflow


def because(play: Play, instance: uuid.UUID, task: str | None = None) -> str:
    """Return what is said of one task, or of the instance as a whole."""
    return next(b.because for b in calls.explain_instance(play.conn, instance) if b.task == task)


def statement(play: Play, instance: uuid.UUID, task: str | None = None) -> str:
    """Return what one is told to type about a task, or about the instance as a whole."""
    reasons = calls.explain_instance(play.conn, instance)
    return next(b.statement for b in reasons if b.task == task and b.statement)


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
    assert because(play, instance, "a") == (
        "message not shipped for 40 s: no relay is running; start one"
    )
    turn_clock(play.conn)
    assert because(play, instance, "a") == (
        "message not shipped for 40 s: a relay is running, and its log says why"
    )
    (row,) = calls.take_outbox(play.conn, 1)
    calls.defer_outbox(play.conn, [row.id], ["broker away"])
    assert "(1 tries, last broker away)" in because(play, instance, "a")


def test_a_queue_without_a_live_worker_is_named_with_what_to_type(play: Play) -> None:
    instance = shipped(play, Step("a", queue="pdf"))
    assert because(play, instance, "a") == (
        "queue pdf has no live worker; start one that has the task work"
    )
    (reason,) = (b for b in calls.explain_instance(play.conn, instance) if b.task)
    assert reason.advice == {"verb": "worker", "args": {"queue": "pdf", "task": "work"}}
    assert reason.statement is None  # no process is started in SQL


def test_workers_without_the_handler_are_said_to_lack_it(play: Play) -> None:
    instance = shipped(play, Step("a", task="mail.send", queue="mail"))
    calls.register_worker(play.conn, "w", ["mail"], ["work"], 60)
    assert because(play, instance, "a") == (
        "no live worker of queue mail has the task mail.send; start one that has"
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
    assert "its message shipped" in because(play, instance, "a")


def test_a_lost_message_is_what_is_left_and_shipped_again_by_a_relay_that_runs(play: Play) -> None:
    instance = shipped(play, Step("a"))
    calls.register_worker(play.conn, "w", ["default"], ["work"], 60)
    assert because(play, instance, "a").endswith(
        "its message shipped: it is on its way to a worker, or was lost, and is shipped again once "
        "a relay runs"
    )
    turn_clock(play.conn)
    assert because(play, instance, "a").endswith("or was lost, and is shipped again")


def test_only_workers_whose_slots_are_all_taken_are_said_to_be_busy(play: Play) -> None:
    turn_clock(play.conn)
    worker = Worker(play.conn, "busy")
    calls.stop_worker(play.conn, play.worker.id)
    play.worker = worker
    running = play.begin(workflow(Step("a"), Step("b"), name="two"))
    play.take(running, "a")
    waiting = play.begin(sequence("c"))
    take_messages(play.conn)

    def told(stats: dict[str, object]) -> str:
        calls.renew_worker(play.conn, worker.id, [], 1, {}, stats)
        return because(play, waiting, "c").partition(" s")[2]

    on_its_way = ", its message shipped: it is on its way to a worker, or was lost"
    assert told({}).startswith(on_its_way)
    assert told({"slots": 2}).startswith(on_its_way)
    assert told({"slots": 1}) == ": its workers are busy, with all of their 1 slots"
    # Handlers that do not return take slots of attempts that have ended.
    assert told({"slots": 2, "busy": 2}) == ": its workers are busy, with all of their 2 slots"
    assert told({"slots": "all", "busy": None}).startswith(on_its_way)

    idle = Worker(play.conn, "idle")
    calls.renew_worker(play.conn, worker.id, [], 1, {}, {"slots": 1})
    calls.renew_worker(play.conn, idle.id, [], 1, {}, {"slots": 1})
    assert "on its way to a worker (some are busy), or" in because(play, waiting, "c")
    idle.vanish()
    assert "its workers are busy" in because(play, waiting, "c")


def test_a_worker_past_its_lease_is_none_that_lives(play: Play) -> None:
    instance = shipped(play, Step("a"))
    worker = Worker(play.conn, "w")
    assert "its message shipped" in because(play, instance, "a")
    worker.vanish()
    assert because(play, instance, "a") == (
        'queue "default" has no live worker; start one that has the task work'
    )
    assert play.value("select state from onceflow.workers where id = %s", worker.id) == "silent"


def test_a_clock_that_nobody_turns_is_told_of_with_its_last_turn(play: Play) -> None:
    instance = play.begin(sequence("a"))

    def told() -> str:
        return calls.explain_instance(play.conn, instance)[1].because

    nothing = "so nothing is shipped, retried, timed out or given out again; start one"
    assert told() == f"no relay has turned the clock yet, {nothing}"
    calls.expire_workers(play.conn, 1, by="relay r:1")
    assert calls.explain_instance(play.conn, instance)[1].task == "a"
    play.conn.execute("update onceflow.clock set last_tick_at = last_tick_at - interval '11 s'")
    assert re.fullmatch(
        rf"no relay has turned the clock since 2.* \(it was relay r:1\), {nothing}", told()
    )
    play.worker.stop()
    switch(play.conn, "postgres")
    assert "so nothing is retried, timed out or given out again" in told()


def test_a_time_that_has_passed_is_not_promised(play: Play) -> None:
    steps = [Step("retrying"), Step("held", task="lacking"), Step("running", timeout=60)]
    instance = play.begin(workflow(*steps, deadline=60))
    play.take(instance, "running")
    play.fail(instance, "retrying", retryable=True)
    assert play.worker.claim(Key(instance, "held")) == []
    calls.register_worker(play.conn, "able", ["default"], ["lacking"], 60)
    pass_time(play.conn, "0 s")
    assert ", deadline 2" in because(play, instance)
    assert because(play, instance, "retrying").startswith("waits until 2")
    assert because(play, instance, "held").startswith("waits until 2")
    assert ", times out at 2" in because(play, instance, "running")
    pass_time(play.conn, "2 min")
    assert ", past its deadline since 2" in because(play, instance)
    assert because(play, instance, "retrying").startswith("its next attempt is due since 2")
    assert because(play, instance, "held").startswith("was to wait until 2")
    assert ", past its timeout since 2" in because(play, instance, "running")


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
        "on worker w, which is dead: the clock gives it out again with its next turn"
    )
    play.conn.execute("delete from onceflow.worker")
    assert because(play, instance, "a").endswith(
        "which is gone: the clock gives it out again with its next turn"
    )


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
    assert told == "dead letter after 1 attempt: bad: it failed; mend the cause, then redrive it"
    execute(play.conn, statement(play, instance, "a"))
    assert play.state(instance, "a") == "QUEUED"
    play.fail(instance, "a")
    assert "the open dead letter below" in because(play, instance)
    assert "what does not depend on it goes on" in because(play, instance)


def test_a_suspension_gives_the_statement_that_lifts_it(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.suspend_instances(play.conn, [instance])
    assert because(play, instance, "a") == "held back by the suspension of its instance"
    told = because(play, instance)
    assert re.fullmatch(r"suspended by an operator since 2.*; resume it", told)
    execute(play.conn, statement(play, instance))
    assert play.state(instance, "a") == "QUEUED"


def test_a_dead_letter_that_never_got_an_input_is_not_redriven_without(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=path("$.input.no")), on_failure="suspend"))
    assert because(play, instance, "a").endswith(
        "then redrive it with an input, which it never got"
    )
    assert [b.statement for b in calls.explain_instance(play.conn, instance) if b.task] == [None]


def test_a_message_that_is_gone_is_made_again_by_the_statement(play: Play) -> None:
    play.worker.stop()
    switch(play.conn, "postgres")
    instance = play.begin(sequence("a"))
    play.conn.execute("delete from onceflow.outbox")
    assert "its message is gone (see onceflow.quarantined)" in because(play, instance, "a")
    execute(play.conn, statement(play, instance, "a"))
    assert because(play, instance, "a").endswith("start one that has the task work")
    worker = Worker(play.conn)
    assert because(play, instance, "a").endswith(": a worker takes it as soon as it has room")
    calls.renew_worker(play.conn, worker.id, [], 1, {}, {"slots": 1})
    assert because(play, instance, "a").endswith(": a worker takes it with its next look")
    (taken,) = calls.take_tasks(play.conn, worker.id, uuid.uuid4(), 1, ["default"], 5)
    assert taken.task == "a"


def test_a_switch_that_was_broken_off_is_finished_by_the_statement(play: Play) -> None:
    play.worker.stop()
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    calls.switch_transport(play.conn, "postgres")
    assert because(play, instance, "a").startswith("waits while the transport")
    execute(play.conn, statement(play, instance, "a"))
    assert play.value("select transport from onceflow.transport") == "postgres"


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
    turn_clock(play.conn)
    told = [b.task for b in calls.explain_instance(play.conn, instance)]
    assert told == [None, "dead", "retrying", "queued", "running"]


def test_reading_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    before = play.instance(instance, "seq")
    with play.conn.transaction():
        play.conn.execute("set transaction read only")
        calls.explain_instance(play.conn, instance)
    assert play.instance(instance, "seq") == before
    assert take_messages(play.conn) == [Key(instance, "a")]


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        (
            {"start_timeout": 60, "total_timeout": 90},
            r"message not shipped .*; unless a worker has taken it by then, it fails with "
            r"start_timeout at \S+Z",
        ),
        (
            {"total_timeout": 60},
            r"message not shipped .*; unless it has ended by then, it fails with total_timeout at "
            r"\S+Z",
        ),
    ],
)
def test_what_is_under_a_limit_tells_when_it_ends(
    play: Play, limits: dict[str, float], told: str
) -> None:
    instance = play.begin(workflow(Step("a", **limits)))  # pyright: ignore[reportArgumentType]
    assert re.fullmatch(told, because(play, instance, "a"))
    pass_time(play.conn, "60 s")
    name = next(iter(limits))
    assert re.search(
        rf"; it has been past its {name} since \S+Z, by which the clock ends it with its next turn",
        because(play, instance, "a"),
    )


def test_what_runs_or_waits_for_another_attempt_tells_the_limit_for_all(play: Play) -> None:
    step = Step("a", start_timeout=60, total_timeout=90, retry={"backoff": 3600, "max": 3600})
    instance = play.begin(workflow(step))
    grant = play.take(instance, "a")
    told = r"; unless it has ended by then, it fails with total_timeout at \S+Z$"
    assert re.search("attempt 1 runs" + ".*" + told, because(play, instance, "a"))
    play.worker.fail(grant)
    assert re.search("for its next attempt" + ".*" + told, because(play, instance, "a"))
