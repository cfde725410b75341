"""give_back_tasks"""

import uuid

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import GiveBack, Key
from onceflow.engine.errors import BadArgument

from ...play import Play, take_messages
from ...workflows import Step, diamond, sequence, value, workflow


# guarantee: no-message
def test_a_task_given_back_is_due_again_at_once(play: Play) -> None:
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    (answer,) = play.worker.give_back(play.take(instance, "a"))
    assert (answer.answer, answer.state) == ("accepted", "QUEUED")
    assert take_messages(play.conn) == [Key(instance, "a")]
    assert play.take(instance, "a").attempt == 2


def test_it_costs_no_attempt_of_the_budget(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 2})))
    for _ in range(5):
        play.worker.give_back(play.take(instance, "a"))
    play.fail(instance, "a", retryable=True)
    assert play.task(instance, "a", "state", "attempts") == ("RETRYING", 6)


def test_what_is_given_back_to_a_suspended_instance_is_held(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    assert play.worker.give_back(grant)[0].state == "READY"


def test_what_is_given_back_to_a_closing_instance_is_cancelled(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    assert play.worker.give_back(grant)[0].state == "CANCELLED"
    assert play.state(instance) == "CANCELLED"


def test_a_compensation_given_back_is_given_out_again(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    assert play.worker.give_back(play.take(instance, "a.compensate"))[0].state == "QUEUED"
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "COMPENSATED"


@pytest.mark.parametrize(("started", "end"), [(True, "COMPENSATING"), (False, "CANCELLED")])
def test_only_a_handler_that_had_begun_leaves_something_to_undo(
    play: Play, started: bool, end: str
) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.worker.give_back(play.take(instance, "a"), started=started)
    calls.cancel_instances(play.conn, [instance])
    assert play.state(instance) == end


def test_a_give_back_repeated_is_answered_with_what_was_recorded(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.give_back(grant)
    assert [(a.answer, a.state) for a in play.worker.give_back(grant)] == [("repeated", "QUEUED")]
    assert [a.answer for a in play.worker.complete(grant)] == ["repeated"]
    assert play.state(instance, "a") == "QUEUED"
    assert play.log(instance, "a") == ["QUEUED", "RUNNING", "QUEUED"]


def test_a_give_back_under_another_fence_is_stale_and_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    wrong = GiveBack(instance, "a", uuid.uuid4(), True)
    (answer,) = calls.give_back_tasks(play.conn, [wrong])
    assert (answer.answer, answer.state) == ("stale", "RUNNING")
    assert play.worker.grants(grant.fence) == [grant]


def test_one_call_may_give_back_many_tasks_of_many_instances(play: Play) -> None:
    play.deploy(diamond())
    ids = [play.start("flow") for _ in range(3)]
    for instance in ids:
        play.complete(instance, "a")
    grants = play.worker.claim_all()
    assert len(grants) == 6
    answers = play.worker.give_back(*grants)
    assert [(a.answer, a.state) for a in answers] == [("accepted", "QUEUED")] * 6


def test_the_timeout_of_an_attempt_goes_with_it(play: Play) -> None:
    instance = play.begin(workflow(Step("a", timeout=60, input=value(1))))
    play.worker.give_back(play.take(instance, "a"))
    assert play.task(instance, "a", "due_at", "worker_id", "input") == (None, None, 1)


def test_no_give_backs_are_no_answers(play: Play) -> None:
    assert calls.give_back_tasks(play.conn, []) == []


@pytest.mark.parametrize("short", ["p_tasks", "p_fences", "p_started"])
def test_arrays_that_differ_in_length_are_refused(play: Play, short: str) -> None:
    arrays = {
        "p_instance_ids": "array[gen_random_uuid()]",
        "p_tasks": "array['a']",
        "p_fences": "array[gen_random_uuid()]",
        "p_started": "array[true]",
        short: "'{}'",
    }
    arguments = ", ".join(f"{name} => {text}" for name, text in arrays.items())
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            f"select * from onceflow.give_back_tasks({arguments})",  # pyright: ignore[reportArgumentType]
        )
