"""fail_tasks: which attempts follow, and when"""

import uuid
from datetime import timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, Worker, pass_time
from ...workflows import Step, sequence, workflow


def test_a_step_is_tried_five_times_unless_its_policy_says_otherwise(play: Play) -> None:
    instance = play.begin(sequence("a"))
    for attempt in range(1, 6):
        grant = play.take(instance, "a")
        assert grant.attempt == attempt
        (answer,) = play.worker.fail(grant)
        assert answer.state == ("RETRYING" if attempt < 5 else "DEAD_LETTER")
        pass_time(play.conn, "1 hour")
        play.tick()
    assert play.task(instance, "a", "attempts", "open") == (5, False)


@pytest.mark.parametrize(
    ("step", "handler", "tries"),
    [
        ({"attempts": 2}, None, 2),
        (None, {"attempts": 3}, 3),
        ({"attempts": 2}, {"attempts": 3}, 2),
        ({"backoff": 1}, {"attempts": 3}, 5),
        ({"attempts": 1}, None, 1),
        ({"backoff": 1}, None, 5),
    ],
)
def test_the_policy_of_the_step_replaces_that_of_the_handler_as_a_whole(
    play: Play, step: dict[str, Any] | None, handler: dict[str, Any] | None, tries: int
) -> None:
    instance = play.begin(workflow(Step("a", retry=step), on_failure="suspend"))
    for _ in range(tries - 1):
        (answer,) = play.worker.fail(play.take(instance, "a"), retry=handler)
        assert answer.state == "RETRYING"
        pass_time(play.conn, "1 hour")
        play.tick()
    (answer,) = play.worker.fail(play.take(instance, "a"), retry=handler)
    assert answer.state == "DEAD_LETTER"


@pytest.mark.parametrize(
    ("policy", "code", "state"),
    [
        (["http.404"], "http.404", "DEAD_LETTER"),
        (["http.404"], "http.4040", "RETRYING"),
        (["http.4*"], "http.404", "DEAD_LETTER"),
        (["http.4*"], "http.503", "RETRYING"),
        (["x", "*"], "anything", "DEAD_LETTER"),
        ([], "http.404", "RETRYING"),
    ],
)
@pytest.mark.parametrize("where", ["step", "handler"])
def test_a_code_that_the_policy_names_is_never_tried_again(
    play: Play, where: str, policy: list[str], code: str, state: str
) -> None:
    names = {"non_retryable": policy}
    instance = play.begin(workflow(Step("a", retry=names if where == "step" else None)))
    grant = play.take(instance, "a")
    (answer,) = play.worker.fail(grant, code=code, retry=names if where == "handler" else None)
    assert answer.state == state


@pytest.mark.parametrize(
    ("policy", "attempt", "seconds"),
    [
        ({}, 1, (0.8, 1.2)),
        ({}, 3, (3.2, 4.8)),
        ({"backoff": 10, "factor": 3, "jitter": 0}, 1, (10, 10)),
        ({"backoff": 10, "factor": 3, "jitter": 0}, 3, (90, 90)),
        ({"backoff": 10, "factor": 3, "max": 50, "jitter": 0}, 3, (50, 50)),
        ({"backoff": 10, "jitter": 0.5, "factor": 1}, 4, (5, 15)),
        ({"backoff": 0}, 2, (0, 0)),
        ({"jitter": 0}, 3, (4, 4)),
    ],
)
def test_the_delay_grows_by_the_factor_up_to_the_most_and_is_spread_by_the_jitter(
    play: Play, policy: dict[str, Any], attempt: int, seconds: tuple[float, float]
) -> None:
    instance = play.begin(workflow(Step("a", retry=policy)))
    for _ in range(attempt - 1):
        play.fail(instance, "a", retryable=True)
        pass_time(play.conn, "1 hour")
        play.tick()
    play.fail(instance, "a", retryable=True)
    due_at, changed_at = play.task(instance, "a", "due_at", "changed_at")
    low, high = seconds
    assert timedelta(seconds=low) <= due_at - changed_at <= timedelta(seconds=high)


def failed(play: Play, instance: uuid.UUID) -> timedelta:
    """Fail the next attempt at `a`; return how long it waits for the one after."""
    play.fail(instance, "a", retryable=True)
    (wait,) = play.task(instance, "a", "due_at - changed_at")
    return wait


def test_what_was_given_back_lengthens_no_wait_and_costs_no_attempt(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 3, "jitter": 0})))
    for started in (True, False, True):
        play.worker.give_back(play.take(instance, "a"), started=started)
    assert failed(play, instance) == timedelta(seconds=1)
    pass_time(play.conn, "1 s")
    play.tick()
    play.worker.give_back(play.take(instance, "a"))
    assert failed(play, instance) == timedelta(seconds=2)
    pass_time(play.conn, "2 s")
    play.tick()
    play.fail(instance, "a", retryable=True)
    assert play.task(instance, "a", "state", "attempts") == ("DEAD_LETTER", 7)


def test_a_redrive_begins_anew_with_the_first_wait_and_all_attempts(play: Play) -> None:
    step = Step("a", retry={"attempts": 2, "jitter": 0})
    instance = play.begin(workflow(step, on_failure="suspend"))
    for _ in range(3):
        assert failed(play, instance) == timedelta(seconds=1)
        pass_time(play.conn, "1 s")
        play.tick()
        play.fail(instance, "a", retryable=True)
        assert play.state(instance, "a") == "DEAD_LETTER"
        calls.redrive_dead_letters(play.conn, [Key(instance, "a")])


def test_a_worker_that_died_counts_as_an_attempt_that_failed(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 2, "jitter": 0})))
    play.take(instance, "a")
    play.worker.vanish()
    play.tick()
    (wait,) = play.task(instance, "a", "due_at - changed_at")
    assert wait == timedelta(seconds=1)
    play.worker = Worker(play.conn)
    pass_time(play.conn, "1 s")
    play.tick()
    play.fail(instance, "a", retryable=True)
    assert play.state(instance, "a") == "DEAD_LETTER"


def test_what_the_handler_does_not_try_again_says_nothing_of_a_step_with_its_own_policy(
    play: Play,
) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 2})))
    grant = play.take(instance, "a")
    (answer,) = play.worker.fail(grant, code="x.y", retry={"non_retryable": ["x.*"]})
    assert answer.state == "RETRYING"


def test_the_jitter_differs_from_one_failure_to_the_next(play: Play) -> None:
    play.deploy(sequence("a"))
    for _ in range(10):
        play.start("flow")
    play.worker.fail(*play.worker.claim_all())
    delays = play.rows("select due_at - changed_at from onceflow.tasks")
    assert len(set(delays)) > 1


@pytest.mark.parametrize("attempt", [64, 5_000])
def test_a_long_series_of_attempts_overflows_nothing(play: Play, attempt: int) -> None:
    policy = {"attempts": 10_000, "backoff": 5, "factor": 1000, "jitter": 0}
    instance = play.begin(workflow(Step("a", retry=policy)))
    play.conn.execute("update onceflow.task set attempt = %s", (attempt,))
    play.fail(instance, "a", retryable=True)
    (delay,) = play.task(instance, "a", "due_at - changed_at")
    assert delay == timedelta(minutes=5)


@pytest.mark.parametrize(("asked", "seconds"), [(120, 120), (0.1, 1), (-5, 1), (1e9, 86400)])
def test_a_failure_may_ask_for_a_longer_pause_of_at_most_a_day(
    play: Play, asked: float, seconds: float
) -> None:
    instance = play.begin(workflow(Step("a", retry={"jitter": 0})))
    play.fail(instance, "a", retryable=True, retry_after=asked)
    (delay,) = play.task(instance, "a", "due_at - changed_at")
    assert delay == timedelta(seconds=seconds)
