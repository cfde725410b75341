"""tick"""

from datetime import timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key, Ticked

from .play import Play, Worker, end_grace, pass_time, take_messages
from .workflows import Step, sequence, value, workflow

NOTHING = Ticked(handled=0, retried=0, timed_out=0, expired=0, lost_workers=0)


def test_where_nothing_is_due_nothing_is_done(play: Play) -> None:
    play.begin(workflow(Step("a", timeout=60), deadline=60))
    play.worker.claim_all()
    assert play.tick() == NOTHING


# retries


def test_a_retry_that_is_due_is_queued_with_a_message_of_its_own(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"backoff": 10, "jitter": 0})))
    take_messages(play.conn)
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "9 s")
    assert play.tick() == NOTHING
    pass_time(play.conn, "2 s")
    assert play.tick().retried == 1
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "RETRYING", "QUEUED"]
    assert take_messages(play.conn) == [Key(instance, "a")]


def test_a_retry_that_is_due_in_a_suspended_instance_is_held(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    calls.suspend_instances(play.conn, [instance])
    take_messages(play.conn)
    pass_time(play.conn, "1 h")
    play.tick()
    assert play.state(instance, "a") == "READY"
    assert take_messages(play.conn) == []
    calls.resume_instances(play.conn, [instance])
    assert take_messages(play.conn) == [Key(instance, "a")]


# guarantee: update-state-tick
def test_a_second_tick_finds_nothing_left_to_do(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 h")
    play.tick()
    play.complete(instance, "a")
    assert play.tick() == NOTHING
    assert play.state(instance) == "SUCCEEDED"


# timeouts


def test_an_attempt_past_its_timeout_is_tried_again(play: Play) -> None:
    instance = play.begin(workflow(Step("a", timeout=30)))
    grant = play.take(instance, "a")
    pass_time(play.conn, "29 s")
    assert play.tick() == NOTHING
    pass_time(play.conn, "2 s")
    assert play.tick().timed_out == 1
    assert play.task(instance, "a", "state", "error ->> 'code'") == ("RETRYING", "timeout")
    assert [a.answer for a in play.worker.complete(grant)] == ["stale"]


def test_the_last_attempt_past_its_timeout_is_a_dead_letter(play: Play) -> None:
    flow = workflow(Step("a", timeout=30, retry={"attempts": 1}), on_failure="suspend")
    instance = play.begin(flow)
    play.take(instance, "a")
    pass_time(play.conn, "31 s")
    play.tick()
    assert play.task(instance, "a", "state", "open") == ("DEAD_LETTER", True)


def test_a_timeout_that_the_policy_names_is_not_tried_again(play: Play) -> None:
    step = Step("a", timeout=30, retry={"non_retryable": ["timeout"]})
    instance = play.begin(workflow(step))
    play.take(instance, "a")
    pass_time(play.conn, "31 s")
    play.tick()
    assert play.state(instance, "a") == "DEAD_LETTER"


def test_an_attempt_that_timed_out_may_have_had_its_effect(play: Play) -> None:
    flow = workflow(Step("a", timeout=30, retry={"attempts": 1}, undo=value(1)))
    instance = play.begin(flow)
    play.take(instance, "a")
    pass_time(play.conn, "31 s")
    play.tick()
    assert play.states(instance) == {"a": "DEAD_LETTER", "a.compensate": "QUEUED"}


def test_a_closing_instance_does_not_wait_beyond_a_timeout(play: Play) -> None:
    instance = play.begin(workflow(Step("a", timeout=30)))
    play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    pass_time(play.conn, "31 s")
    play.tick()
    assert (play.state(instance, "a"), play.state(instance)) == ("CANCELLED", "CANCELLED")


# workers


def test_the_tasks_of_a_dead_worker_are_tried_again_and_count_as_attempts(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 2})))
    play.take(instance, "a")
    play.worker.vanish()
    ticked = play.tick()
    assert (ticked.lost_workers, ticked.timed_out) == (1, 1)
    assert play.task(instance, "a", "state", "error ->> 'code'") == ("RETRYING", "worker.lost")
    pass_time(play.conn, "1 h")
    play.tick()
    last = Worker(play.conn)
    last.take(instance, "a")
    last.vanish()
    play.tick()
    assert play.task(instance, "a", "state", "attempts") == ("DEAD_LETTER", 2)


@pytest.mark.parametrize(
    ("step", "state"), [(None, "DEAD_LETTER"), ({"attempts": 2}, "RETRYING"), ({}, "DEAD_LETTER")]
)
@pytest.mark.parametrize("lost", ["timeout", "worker"])
def test_an_attempt_that_nobody_answers_ends_by_the_policy_of_its_step_or_else_of_its_handler(
    play: Play, lost: str, step: dict[str, int] | None, state: str
) -> None:
    instance = play.begin(workflow(Step("a", timeout=30, retry=step), on_failure="suspend"))
    worker = Worker(play.conn)
    worker.id = calls.register_worker(
        play.conn, "w", ["default"], ["work"], 60, {"work": {"attempts": 1}, "x": {"attempts": 9}}
    )
    worker.take(instance, "a")
    if lost == "worker":
        worker.vanish()
    else:
        pass_time(play.conn, "31 s")
    play.tick()
    assert play.state(instance, "a") == state


def test_a_live_workers_tasks_are_left_alone_however_long_they_run(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    end_grace(play.conn)
    pass_time(play.conn, "10 years")
    assert play.tick() == NOTHING
    assert play.state(instance, "a") == "RUNNING"


@pytest.mark.parametrize("how", ["dead", "stopped", "gone"])
def test_what_runs_without_a_live_worker_is_found_however_it_came_about(
    play: Play, how: str
) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    if how == "gone":
        play.conn.execute("delete from onceflow.worker")
    else:
        play.conn.execute(
            "update onceflow.worker set state = %s, ended_at = clock_timestamp()", (how,)
        )
    assert play.tick().timed_out == 1
    assert play.state(instance, "a") == "RETRYING"


def test_a_dead_workers_forward_task_in_a_closing_instance_is_closed_and_undone(
    play: Play,
) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    play.worker.vanish()
    play.tick()
    assert play.states(instance) == {"a": "CANCELLED", "a.compensate": "QUEUED"}
    grant = Worker(play.conn).take(instance, "a.compensate")
    assert grant.input == {"output": None, "task_input": {}, "key": f"{instance}/a"}


def test_a_dead_workers_compensation_is_given_out_again(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.take(instance, "a.compensate")
    play.worker.vanish()
    play.tick()
    assert play.state(instance, "a.compensate") == "RETRYING"
    pass_time(play.conn, "1 h")
    play.tick()
    grant = Worker(play.conn).take(instance, "a.compensate")
    assert (grant.attempt, play.state(instance)) == (2, "COMPENSATING")


def test_after_a_gap_between_ticks_no_worker_is_declared_dead_for_a_whole_lease(
    play: Play,
) -> None:
    play.worker.vanish()
    play.conn.execute("update onceflow.clock set last_tick_at = last_tick_at - interval '1 min'")
    assert play.tick().lost_workers == 0
    grace = play.value("select grace_until - last_tick_at from onceflow.clock")
    assert timedelta(seconds=50) < grace <= timedelta(seconds=60)
    assert play.tick().lost_workers == 0
    play.conn.execute("update onceflow.clock set grace_until = clock_timestamp()")
    assert play.tick().lost_workers == 1


# guarantee: no-grace
def test_the_first_tick_of_all_declares_nobody_dead(play: Play) -> None:
    play.worker.vanish()
    play.conn.execute("update onceflow.clock set last_tick_at = null")
    assert play.tick().lost_workers == 0


def test_the_grace_is_that_of_the_longest_lease(play: Play) -> None:
    Worker(play.conn, lease=300.0)
    Worker(play.conn, lease=5.0)
    play.tick()
    grace = play.value("select grace_until - last_tick_at from onceflow.clock")
    assert timedelta(seconds=290) < grace <= timedelta(seconds=300)


def test_the_test_clock_ends_no_lease(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    end_grace(play.conn)
    pass_time(play.conn, "1 year")
    assert play.tick() == NOTHING
    play.worker.renew(play.worker.next_token())
    assert play.value(
        "select lease_until < clock_timestamp() + interval '1 h' from onceflow.workers"
    )


def test_workers_that_ended_are_forgotten_after_a_day(play: Play) -> None:
    yesterday = "clock_timestamp() - interval '25 hours'"
    for state in ("stopped", "dead"):
        Worker(play.conn, state)
    play.conn.execute(
        f"update onceflow.worker set state = name, ended_at = {yesterday} where name <> 'w'"
    )
    Worker(play.conn, "stopped lately").stop()
    play.tick()
    assert play.rows("select name from onceflow.workers order by 1") == [
        ("stopped lately",),
        ("w",),
    ]


# deadlines


@pytest.mark.parametrize(
    ("policy", "end"),
    [("compensate", "COMPENSATING"), ("suspend", "COMPENSATING"), ("fail", "FAILED")],
)
def test_an_instance_past_its_deadline_ends_by_its_policy(
    play: Play, policy: str, end: str
) -> None:
    instance = play.begin(sequence("a", "b", undo=True, deadline=60, on_failure=policy))
    play.complete(instance, "a")
    pass_time(play.conn, "59 s")
    assert play.tick() == NOTHING
    pass_time(play.conn, "2 s")
    assert play.tick().expired == 1
    assert play.instance(instance, "state", "error ->> 'code'", "deadline_at") == (
        end,
        "deadline",
        None,
    )
    assert play.state(instance, "b") == "CANCELLED"


@pytest.mark.parametrize("by", ["operator", "dead_letter"])
def test_a_deadline_does_not_wait_for_a_suspension(play: Play, by: str) -> None:
    instance = play.begin(sequence("a", on_failure="suspend", deadline=60))
    if by == "operator":
        calls.suspend_instances(play.conn, [instance])
    else:
        play.fail(instance, "a")
    assert play.instance(instance, "suspended_by") == (by,)
    pass_time(play.conn, "61 s")
    play.tick()
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATED", None)


def test_a_deadline_awaits_what_runs(play: Play) -> None:
    instance = play.begin(sequence("a", deadline=60))
    grant = play.take(instance, "a")
    pass_time(play.conn, "61 s")
    play.tick()
    assert play.instance(instance, "state", "closing_as") == ("CLOSING", "COMPENSATED")
    assert play.tick() == NOTHING
    play.worker.complete(grant)
    assert play.state(instance) == "COMPENSATED"


def test_a_retry_and_a_deadline_that_are_due_at_once_end_the_instance(play: Play) -> None:
    instance = play.begin(sequence("a", deadline=60))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 h")
    ticked = play.tick()
    assert (ticked.retried, ticked.expired) == (1, 1)
    assert (play.state(instance), play.state(instance, "a")) == ("COMPENSATED", "CANCELLED")


def test_a_timeout_and_a_deadline_that_are_due_at_once_end_the_instance(play: Play) -> None:
    step = Step("a", timeout=30, retry={"attempts": 1}, undo=value(1))
    instance = play.begin(workflow(step, deadline=60))
    play.take(instance, "a")
    pass_time(play.conn, "1 h")
    play.tick()
    assert play.states(instance) == {"a": "DEAD_LETTER", "a.compensate": "QUEUED"}


# bounds


def test_no_more_is_handled_than_the_limit_and_the_oldest_first(play: Play) -> None:
    play.deploy(workflow(Step("a", retry={"jitter": 0})))
    first = play.start("flow")
    play.fail(first, "a", retryable=True)
    pass_time(play.conn, "1 s")
    for _ in range(4):
        play.fail(play.start("flow"), "a", retryable=True)
    pass_time(play.conn, "1 h")
    assert calls.tick(play.conn, 1).handled == 1
    assert play.state(first, "a") == "QUEUED"
    assert [calls.tick(play.conn, 2).handled for _ in range(3)] == [2, 2, 0]


def test_deadlines_fit_into_the_limit_too(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    for _ in range(3):
        play.start("flow")
    pass_time(play.conn, "1 h")
    assert [calls.tick(play.conn, 2).handled for _ in range(3)] == [2, 1, 0]


def test_what_is_skipped_over_is_left_for_later(play: Play) -> None:
    play.deploy(workflow(Step("a", retry={"jitter": 0})))
    ids = [play.start("flow") for _ in range(3)]
    for instance in ids:
        play.fail(instance, "a", retryable=True)
        pass_time(play.conn, "1 s")
    pass_time(play.conn, "1 h")
    assert calls.tick(play.conn, 1, 1).retried == 1
    assert [play.state(i, "a") for i in ids] == ["RETRYING", "QUEUED", "RETRYING"]


def test_a_deadline_can_be_skipped_over_as_well(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    ids: list[object] = []
    for _ in range(3):
        ids.append(play.start("flow"))
        pass_time(play.conn, "1 s")
    pass_time(play.conn, "1 h")
    assert calls.tick(play.conn, 1, 1).expired == 1
    states = play.rows("select state from onceflow.instances order by started_at")
    assert states == [("RUNNING",), ("COMPENSATED",), ("RUNNING",)]
