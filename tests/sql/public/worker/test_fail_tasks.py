"""fail_tasks"""

import uuid
from datetime import timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Failure, Key
from onceflow.engine.errors import BadArgument

from ...play import Play, pass_time, take_messages
from ...workflows import Step, diamond, sequence, value, workflow


def test_a_retryable_failure_waits_for_its_next_attempt(play: Play) -> None:
    instance = play.begin(sequence("a"))
    (answer,) = play.worker.fail(play.take(instance, "a"), code="http.503", detail=[1])
    assert (answer.answer, answer.state) == ("accepted", "RETRYING")
    error = {"code": "http.503", "message": "it failed", "detail": [1]}
    assert play.task(instance, "a", "state", "attempts", "error") == ("RETRYING", 1, error)
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.take(instance, "a").attempt == 2


def test_the_error_stays_until_the_task_succeeds(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 hour")
    play.tick()
    grant = play.take(instance, "a")
    assert play.task(instance, "a", "error ->> 'code'") == ("test.failed",)
    play.worker.complete(grant)
    assert play.task(instance, "a", "error") == (None,)


def test_a_failure_for_good_is_a_dead_letter_with_error_attempts_and_input(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=value({"x": 1})), on_failure="suspend"))
    take_messages(play.conn)
    play.fail(instance, "a", code="bad", detail={"secret": 1})
    letter = play.row(
        "select task, workflow, version, step, queue, attempts, input, error ->> 'code', open"
        " from onceflow.dead_letters where instance_id = %s",
        instance,
    )
    assert letter == ("a", "flow", 1, "a", "default", 1, {"x": 1}, "bad", True)


def test_a_dead_letter_is_published_once_without_its_details(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    calls.set_labels(play.conn, [instance], {"team": "sales"})
    take_messages(play.conn)
    play.fail(instance, "a", code="bad", detail={"secret": 1})
    calls.discard_dead_letters(play.conn, [Key(instance, "a")])
    rows = play.rows("select topic, key, value::jsonb from onceflow.outbox where kind <> 'task'")
    event = {
        "instance": str(instance),
        "task": "a",
        "attempts": 1,
        "error": {"code": "bad", "message": "it failed"},
        "labels": {"team": "sales"},
    }
    assert rows == [("dead-letters", str(instance), event)]


@pytest.mark.parametrize(
    ("flow", "step", "state", "end"),
    [
        ("compensate", None, "SUCCEEDED", "COMPENSATING"),
        ("fail", None, "SUCCEEDED", "FAILED"),
        ("suspend", None, "SUCCEEDED", "RUNNING"),
        ("compensate", "fail", "SUCCEEDED", "FAILED"),
        ("fail", "compensate", "SUCCEEDED", "COMPENSATING"),
        ("fail", "suspend", "SUCCEEDED", "RUNNING"),
        ("suspend", "fail", "SUCCEEDED", "FAILED"),
    ],
)
def test_what_follows_is_the_policy_of_the_step_or_else_of_the_workflow(
    play: Play, flow: str, step: str | None, state: str, end: str
) -> None:
    steps = [Step("a", undo=value(1)), Step("b", ("a",), on_failure=step)]
    instance = play.begin(workflow(*steps, on_failure=flow))
    play.complete(instance, "a")
    play.fail(instance, "b")
    assert (play.state(instance, "a"), play.state(instance)) == (state, end)
    (suspended_by,) = play.instance(instance, "suspended_by")
    assert suspended_by == ("dead_letter" if end == "RUNNING" else None)
    assert play.task(instance, "b", "state", "open") == ("DEAD_LETTER", end == "RUNNING")


def test_with_nothing_to_undo_a_failed_instance_has_ended(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    play.complete(instance, "a")
    play.fail(instance, "b", code="bad")
    assert play.instance(instance, "state", "closing_as", "error ->> 'code'") == (
        "COMPENSATED",
        "COMPENSATED",
        "bad",
    )
    assert play.log(instance, None) == ["RUNNING", "CLOSING", "COMPENSATED"]


def test_the_instances_error_names_the_task(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", code="bad")
    assert play.instance(instance, "error") == (
        {"code": "bad", "message": "it failed", "task": "a"},
    )


# guarantee: close-leaves-queued
def test_a_failing_instance_cancels_what_waits_and_awaits_what_runs(play: Play) -> None:
    steps = [Step(name, undo=value(1)) for name in ("fails", "queued", "retries", "runs")]
    join = Step("join", ("quick", "queued"))
    instance = play.begin(workflow(*steps, Step("quick"), join))
    running = play.take(instance, "runs")
    play.fail(instance, "retries", retryable=True)
    play.complete(instance, "quick")
    play.fail(instance, "fails")
    assert play.state(instance) == "CLOSING"
    assert play.states(instance) == {
        "fails": "DEAD_LETTER",
        "queued": "CANCELLED",
        "retries": "CANCELLED",
        "runs": "RUNNING",
        "quick": "SUCCEEDED",
        "join": "CANCELLED",
    }
    play.worker.complete(running)
    assert play.state(instance) == "COMPENSATING"
    play.complete(instance, "runs.compensate")
    assert play.state(instance) == "COMPENSATED"


def test_in_a_closing_instance_nothing_is_tried_again(play: Play) -> None:
    instance = play.begin(diamond(undo=True))
    play.complete(instance, "a")
    running = play.take(instance, "b")
    play.fail(instance, "c")
    (answer,) = play.worker.fail(running, retryable=True)
    assert (answer.answer, answer.state) == ("accepted", "CANCELLED")
    assert play.state(instance) == "COMPENSATING"


def test_of_several_failures_in_one_call_the_strongest_policy_wins(play: Play) -> None:
    policies = {"s": "suspend", "f": "fail", "c": "compensate"}
    done = Step("done", undo=value(1))
    steps = [Step(name, ("done",), on_failure=policy) for name, policy in policies.items()]
    instance = play.begin(workflow(done, *steps))
    play.complete(instance, "done")
    grants = play.worker.claim(*[Key(instance, name) for name in policies])
    answers = play.worker.fail(*grants, retryable=False)
    assert [a.state for a in answers] == ["DEAD_LETTER"] * 3
    assert play.instance(instance, "state", "closing_as") == ("COMPENSATING", "COMPENSATED")
    assert play.instance(instance, "error ->> 'task'") == ("c",)


def test_a_retryable_failure_beside_a_final_one_in_the_same_call_is_cancelled(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    one, other = play.worker.claim(Key(instance, "a"), Key(instance, "b"))
    error = {"code": "x", "message": ""}
    failures = [
        Failure(instance, "a", one.fence, error, True),
        Failure(instance, "b", other.fence, error, False),
    ]
    answers = calls.fail_tasks(play.conn, failures)
    assert [(a.answer, a.state) for a in answers] == [
        ("accepted", "CANCELLED"),
        ("accepted", "DEAD_LETTER"),
    ]
    assert play.state(instance) == "COMPENSATED"


def test_a_failed_compensation_suspends_the_way_back_whatever_the_policy(play: Play) -> None:
    undone = Step("a", undo=value(1), undo_retry={"attempts": 1}, on_failure="fail")
    instance = play.begin(workflow(undone, Step("b", ("a",))))
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.fail(instance, "a.compensate", retryable=True)
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATING", "dead_letter")
    assert play.task(instance, "a.compensate", "state", "open") == ("DEAD_LETTER", True)


def test_a_compensation_is_tried_again_like_any_task(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.fail(instance, "a.compensate", retryable=True)
    assert play.state(instance, "a.compensate") == "RETRYING"
    pass_time(play.conn, "1 hour")
    play.tick()
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "COMPENSATED"


def test_a_failure_repeated_is_answered_with_what_was_recorded(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.fail(grant)
    for retryable in (True, False):
        (again,) = play.worker.fail(grant, retryable=retryable)
        assert (again.answer, again.state) == ("repeated", "RETRYING")
    (late,) = play.worker.complete(grant)
    assert (late.answer, late.state) == ("repeated", "RETRYING")
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "RETRYING"]


def test_a_failure_under_another_fence_is_stale_and_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    wrong = Failure(instance, "a", uuid.uuid4(), {"code": "x"}, False)
    (answer,) = calls.fail_tasks(play.conn, [wrong])
    assert (answer.answer, answer.state) == ("stale", "RUNNING")
    assert play.worker.grants(grant.fence) == [grant]


# guarantee: row-once
def test_a_task_that_stands_twice_in_one_call_fails_once(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.fail(grant, grant)
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "RETRYING"]


# guarantee: unknown-compensated
@pytest.mark.parametrize("unknown", [True, False])
def test_a_failure_that_says_its_effect_may_have_happened_is_compensated(
    play: Play, unknown: bool
) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.fail(instance, "a", unknown=unknown)
    if not unknown:
        assert play.state(instance) == "COMPENSATED"
        return
    assert play.state(instance) == "COMPENSATING"
    grant = play.take(instance, "a.compensate")
    assert grant.input == {"output": None, "task_input": {}, "key": f"{instance}/a"}


def test_a_known_failure_after_an_unknown_one_does_not_make_the_first_known(play: Play) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.fail(instance, "a", retryable=True, unknown=True)
    pass_time(play.conn, "1 hour")
    play.tick()
    play.fail(instance, "a")
    assert play.state(instance, "a.compensate") == "QUEUED"


def test_an_error_that_is_no_object_is_kept_as_a_message(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    grant = play.take(instance, "a")
    play.rows(
        "select * from onceflow.fail_tasks(array[%s]::uuid[], array['a'], array[%s]::uuid[],"
        " array['\"plain\"']::jsonb[], array[false], array[null]::jsonb[])",
        instance,
        grant.fence,
    )
    assert play.task(instance, "a", "error") == ({"message": "plain"},)


HOSTILE = [
    '{"attempts": "three", "backoff": null, "factor": [], "max": {}, "jitter": "x"}',
    '{"attempts": 1e400, "backoff": 1e400, "factor": 1e400, "max": 1e400, "jitter": 1e400}',
    '{"attempts": 4, "backoff": 1e-400, "factor": 1e-400, "max": 1e-400, "jitter": 1e-400}',
    '{"attempts": 4, "backoff": -1, "factor": -1, "max": -1, "jitter": -1}',
    '{"non_retryable": "all"}',
    '{"non_retryable": [null, {}, [], 1]}',
    '"text"',
    "[1, 2]",
]


@pytest.mark.parametrize(
    ("retry", "after"),
    [(retry, "1") for retry in HOSTILE]
    + [("null", after) for after in ('"soon"', "null", "1e400", "1e-400", "-1", "{}")],
)
def test_whatever_a_handlers_policy_holds_its_failure_is_recorded(
    play: Play, retry: str, after: str
) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    answered = play.row(
        "select answer, state from onceflow.fail_tasks(array[%s]::uuid[], array['a'],"
        " array[%s]::uuid[], array[%s]::jsonb[], array[true], array[%s]::jsonb[])",
        instance,
        grant.fence,
        f'{{"code": "x", "retry_after": {after}}}',
        retry,
    )
    assert answered == ("accepted", "RETRYING")
    (delay,) = play.task(instance, "a", "due_at - changed_at")
    assert timedelta(0) <= delay <= timedelta(days=3 * 365)


def test_no_failures_are_no_answers(play: Play) -> None:
    assert calls.fail_tasks(play.conn, []) == []


@pytest.mark.parametrize("short", ["p_tasks", "p_fences", "p_errors", "p_retryable", "p_retries"])
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    arrays = {
        "p_instance_ids": "array[%(id)s]::uuid[]",
        "p_tasks": "array['a']",
        "p_fences": "array[%(fence)s]::uuid[]",
        "p_errors": "array['{}']::jsonb[]",
        "p_retryable": "array[true]",
        "p_retries": "array[null]::jsonb[]",
        short: "'{}'",
    }
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            f"select * from onceflow.fail_tasks({arguments})",  # pyright: ignore[reportArgumentType]
            {"id": instance, "fence": grant.fence},  # pyright: ignore[reportArgumentType]
        )
    assert play.state(instance, "a") == "RUNNING"
