"""fire_timers"""

from onceflow.engine import calls
from onceflow.engine.calls import Fired, Key
from onceflow.engine.definition import compile_definition

from ...play import Connection, Play, Ticked, keep_unanalyzed, pass_time, rows_read, take_messages
from ...workflows import Step, sequence, value, workflow

NOTHING = Ticked()


def test_where_nothing_is_due_nothing_is_done(play: Play) -> None:
    play.begin(workflow(Step("a", timeout=60), deadline=60))
    play.worker.claim_all()
    assert play.tick() == NOTHING


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


def test_no_more_is_handled_than_the_limit_and_the_oldest_first(play: Play) -> None:
    play.deploy(workflow(Step("a", retry={"jitter": 0})))
    first = play.start("flow")
    play.fail(first, "a", retryable=True)
    pass_time(play.conn, "1 s")
    for _ in range(4):
        play.fail(play.start("flow"), "a", retryable=True)
    pass_time(play.conn, "1 h")
    assert calls.fire_timers(play.conn, 1) == Fired(1, 0)
    assert play.state(first, "a") == "QUEUED"
    assert [calls.fire_timers(play.conn, 2).retried for _ in range(3)] == [2, 2, 0]


def test_what_is_skipped_over_is_left_for_later(play: Play) -> None:
    play.deploy(workflow(Step("a", retry={"jitter": 0})))
    ids = [play.start("flow") for _ in range(3)]
    for instance in ids:
        play.fail(instance, "a", retryable=True)
        pass_time(play.conn, "1 s")
    pass_time(play.conn, "1 h")
    assert calls.fire_timers(play.conn, 1, 1) == Fired(1, 0)
    assert [play.state(i, "a") for i in ids] == ["RETRYING", "QUEUED", "RETRYING"]


def test_a_sleep_that_is_over_is_looked_at_once_when_it_is_locked(conn: Connection) -> None:
    keep_unanalyzed(conn)
    play = Play(conn)
    steps = [{"id": "nap", "sleep": "1m"}, {"id": "a", "task": "work"}]
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    calls.start_instances(play.conn, "flow", [{} for _ in range(50)])
    pass_time(play.conn, "2 min")
    with play.conn.transaction():
        before = rows_read(conn, "^task_[0-9]")
        calls.fire_timers(play.conn, 100)
        # Nine each where every part of the call looks for its own.
        assert rows_read(conn, "^task_[0-9]") - before <= 50 * 5
    assert play.value("select count(*) from onceflow.tasks where state = 'QUEUED'") == 50
