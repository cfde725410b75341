"""enforce_deadlines"""

import pytest

from onceflow.engine import calls

from ...play import Play, Ticked, pass_time
from ...workflows import Step, sequence, value, workflow

NOTHING = Ticked()


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


def test_deadlines_fit_into_the_limit_too(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    for _ in range(3):
        play.start("flow")
    pass_time(play.conn, "1 h")
    assert [calls.enforce_deadlines(play.conn, 2) for _ in range(3)] == [2, 1, 0]


def test_a_deadline_can_be_skipped_over_as_well(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    ids: list[object] = []
    for _ in range(3):
        ids.append(play.start("flow"))
        pass_time(play.conn, "1 s")
    pass_time(play.conn, "1 h")
    assert calls.enforce_deadlines(play.conn, 1, 1) == 1
    states = play.rows("select state from onceflow.instances order by started_at")
    assert states == [("RUNNING",), ("COMPENSATED",), ("RUNNING",)]
