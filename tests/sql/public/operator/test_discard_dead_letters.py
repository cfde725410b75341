"""discard_dead_letters"""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument

from ...play import Play
from ...workflows import Step, sequence, value, workflow


def discard(play: Play, *keys: Key) -> list[tuple[str, str]]:
    """Discard and return outcomes with their details, in the order of the keys."""
    decided = calls.discard_dead_letters(play.conn, keys)
    assert [(d.instance_id, d.task) for d in decided] == [(k.instance_id, k.task) for k in keys]
    return [(d.outcome, d.detail) for d in decided]


@pytest.mark.parametrize(
    ("flow", "step", "end"),
    [
        ("suspend", None, "COMPENSATED"),
        ("compensate", "suspend", "COMPENSATED"),
        ("fail", "suspend", "FAILED"),
        ("suspend", "suspend", "COMPENSATED"),
    ],
)
def test_its_instance_fails_by_the_policy_of_the_workflow_and_passes_over_each_suspend(
    play: Play, flow: str, step: str | None, end: str
) -> None:
    steps = [Step("a", undo=value(1)), Step("b", ("a",), on_failure=step)]
    instance = play.begin(workflow(*steps, on_failure=flow))
    play.complete(instance, "a")
    play.fail(instance, "b", code="bad")
    assert discard(play, Key(instance, "b")) == [("done", "it is given up")]
    assert play.task(instance, "b", "state", "open") == ("DEAD_LETTER", False)
    if end == "COMPENSATED":
        play.complete(instance, "a.compensate")
    assert play.instance(instance, "state", "error ->> 'code'", "error ->> 'task'") == (
        end,
        "bad",
        "b",
    )


def test_the_error_of_its_instance_names_the_whole_task(play: Play) -> None:
    """Its scope and its visit too."""
    instance = play.begin(workflow(Step("a"), on_failure="suspend"))
    play.fail(instance, "a")
    play.conn.execute("update onceflow.task set scope = 3, visit = 2")
    assert discard(play, Key(instance, "a/3/2")) == [("done", "it is given up")]
    assert play.instance(instance, "error ->> 'task'") == ("a/3/2",)


def test_what_runs_beside_it_is_awaited(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    running = play.take(instance, "b")
    play.fail(instance, "a")
    discard(play, Key(instance, "a"))
    assert play.state(instance) == "CLOSING"
    play.worker.complete(running)
    assert play.state(instance) == "COMPENSATED"


def test_an_operators_suspension_outlives_it_so_that_what_is_undone_is_held(play: Play) -> None:
    steps = [Step("a", undo=value(1)), Step("b", ("a",)), Step("c", ("a",))]
    instance = play.begin(workflow(*steps, on_failure="suspend"))
    play.complete(instance, "a")
    play.fail(instance, "b")
    calls.suspend_instances(play.conn, [instance])
    discard(play, Key(instance, "b"))
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATING", "operator")
    assert (play.state(instance, "c"), play.state(instance, "a.compensate")) == (
        "CANCELLED",
        "READY",
    )


def test_a_compensation_given_up_lets_the_way_back_go_on_and_the_instance_has_failed(
    play: Play,
) -> None:
    once = {"attempts": 1}
    steps = [
        Step("a", undo=value(1)),
        Step("b", ("a",), undo=value(1), undo_retry=once),
        Step("c", ("b",)),
    ]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", "b")
    play.fail(instance, "c")
    play.fail(instance, "b.compensate")
    assert discard(play, Key(instance, "b.compensate"))[0][0] == "done"
    assert play.task(instance, "b.compensate", "state", "open") == ("DEAD_LETTER", False)
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATING", None)
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "FAILED"


def test_the_last_compensation_given_up_ends_the_instance(play: Play) -> None:
    undone = Step("a", undo=value(1), undo_retry={"attempts": 1})
    instance = play.begin(workflow(undone, Step("b", ("a",))))
    play.complete(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    play.fail(instance, "a.compensate")
    discard(play, Key(instance, "a.compensate"))
    assert play.state(instance) == "FAILED"


def test_under_an_operators_suspension_the_next_compensation_is_held(play: Play) -> None:
    once = {"attempts": 1}
    steps = [Step("a", undo=value(1)), Step("b", ("a",), undo=value(1), undo_retry=once)]
    instance = play.begin(workflow(*steps, Step("c", ("b",))))
    play.complete(instance, "a", "b")
    play.fail(instance, "c")
    play.fail(instance, "b.compensate")
    calls.suspend_instances(play.conn, [instance])
    discard(play, Key(instance, "b.compensate"))
    assert play.state(instance, "a.compensate") == "READY"
    calls.resume_instances(play.conn, [instance])
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "FAILED"


def test_several_dead_letters_of_one_instance_are_given_up_at_once(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    play.worker.fail(*play.worker.claim_all(), retryable=False)
    outcomes = discard(play, Key(instance, "b"), Key(instance, "a"), Key(instance, "b"))
    assert [outcome for outcome, _ in outcomes] == ["done"] * 3
    assert play.instance(instance, "state", "error ->> 'task'") == ("COMPENSATED", "a")


def test_the_other_dead_letters_of_its_instance_become_records(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    play.worker.fail(*play.worker.claim_all(), retryable=False)
    discard(play, Key(instance, "a"))
    assert play.rows("select open from onceflow.dead_letters") == [(False,), (False,)]


def test_many_instances_are_given_up_in_one_call(play: Play) -> None:
    play.deploy(sequence("a", on_failure="suspend"))
    ids = [play.start("flow") for _ in range(5)]
    play.worker.fail(*play.worker.claim_all(), retryable=False)
    outcomes = discard(play, *[Key(i, "a") for i in reversed(ids)])
    assert [outcome for outcome, _ in outcomes] == ["done"] * 5
    assert {play.state(i) for i in ids} == {"COMPENSATED"}


def test_a_record_or_what_is_no_dead_letter_is_refused(play: Play) -> None:
    ended = play.begin(sequence("a", name="ended"))
    play.fail(ended, "a")
    running = play.begin(sequence("a"))
    outcomes = discard(play, Key(ended, "a"), Key(running, "a"), Key(uuid.uuid4(), "a"))
    assert [outcome for outcome, _ in outcomes] == ["refused"] * 3
    assert play.state(running, "a") == "QUEUED"


def test_a_second_time_is_refused(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    discard(play, Key(instance, "a"))
    ((outcome, detail),) = discard(play, Key(instance, "a"))
    assert outcome == "refused"
    assert detail.startswith("it is only a record: the instance has ended, as COMPENSATED")


def test_none_are_none_and_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    assert discard(play) == []
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            "select * from onceflow.discard_dead_letters(array[gen_random_uuid()], '{}')",
        )
