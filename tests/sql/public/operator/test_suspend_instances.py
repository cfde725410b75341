"""suspend_instances"""

import uuid

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, take_messages
from ...workflows import Step, diamond, sequence, value, workflow


def suspend(play: Play, *ids: uuid.UUID) -> list[str]:
    """Suspend and return the outcomes, in the order of the ids."""
    decided = calls.suspend_instances(play.conn, ids)
    assert [d.instance_id for d in decided] == sorted(set(ids))
    return [d.outcome for d in decided]


def test_what_is_queued_is_held(play: Play) -> None:
    instance = play.begin(sequence("a"))
    assert suspend(play, instance) == ["done"]
    assert play.state(instance, "a") == "READY"
    assert play.instance(instance, "state", "suspended_by") == ("RUNNING", "operator")


def test_what_runs_goes_on_and_its_answer_is_recorded(play: Play) -> None:
    instance = play.begin(diamond())
    play.complete(instance, "a")
    grant = play.take(instance, "b")
    suspend(play, instance)
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "RUNNING", "c": "READY"}
    assert play.worker.complete(grant)[0].answer == "accepted"


def test_a_failure_of_what_runs_waits_for_its_retry_as_ever(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    suspend(play, instance)
    assert play.worker.fail(grant)[0].state == "RETRYING"


def test_a_failure_for_good_follows_its_policy_and_what_is_undone_waits_for_the_resume(
    play: Play,
) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    grant = play.take(instance, "b")
    suspend(play, instance)
    play.worker.fail(grant, retryable=False)
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATING", "operator")
    assert play.state(instance, "a.compensate") == "READY"
    calls.resume_instances(play.conn, [instance])
    play.complete(instance, "a.compensate")
    assert play.instance(instance, "state", "suspended_by") == ("COMPENSATED", None)


def test_one_that_waits_for_a_person_is_told_with_the_resume(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    grant = play.take(instance, "a")
    suspend(play, instance)
    play.worker.fail(grant, retryable=False)
    calls.resume_instances(play.conn, [instance])
    assert play.instance(instance, "state", "suspended_by") == ("RUNNING", "dead_letter")


def test_what_closes_keeps_it_and_is_not_suspended_anew(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    play.take(instance, "b")
    grant = play.take(instance, "a")
    suspend(play, instance)
    play.worker.fail(grant, retryable=False)
    assert play.instance(instance, "state", "suspended_by") == ("CLOSING", "operator")
    (refused,) = calls.suspend_instances(play.conn, [instance])
    assert (refused.outcome, refused.detail) == (
        "refused",
        "it is CLOSING: nothing more is started until what runs has ended"
        ", and what is to be undone waits for its resume",
    )


def test_the_way_back_can_be_suspended(play: Play) -> None:
    instance = play.begin(sequence("a", "b", "c", undo=True))
    play.complete(instance, "a", "b")
    calls.cancel_instances(play.conn, [instance])
    grant = play.take(instance, "b.compensate")
    assert suspend(play, instance) == ["done"]
    play.worker.complete(grant)
    assert play.state(instance, "a.compensate") == "READY"


def test_a_second_time_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    suspend(play, instance)
    before = play.instance(instance, "suspended_at", "seq")
    assert suspend(play, instance) == ["done"]
    assert play.instance(instance, "suspended_at", "seq") == before


def test_an_operators_suspension_outranks_that_of_a_dead_letter(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    play.fail(instance, "a")
    suspend(play, instance)
    assert play.instance(instance, "suspended_by") == ("operator",)
    calls.redrive_dead_letters(play.conn, [Key(instance, "a")])
    assert play.instance(instance, "suspended_by") == ("operator",)
    assert play.states(instance) == {"a": "READY", "b": "READY"}


def test_a_dead_letter_does_not_take_an_operators_suspension_over(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    grant = play.take(instance, "a")
    suspend(play, instance)
    play.worker.fail(grant, retryable=False)
    assert play.instance(instance, "state", "suspended_by") == ("RUNNING", "operator")


def test_one_that_closes_or_has_ended_is_refused_with_the_reason(play: Play) -> None:
    closing = play.begin(sequence("a", name="closing"))
    play.take(closing, "a")
    done = play.begin(sequence("a", name="done"))
    calls.cancel_instances(play.conn, [closing, done])
    details = {d.instance_id: d for d in calls.suspend_instances(play.conn, [closing, done])}
    assert {d.outcome for d in details.values()} == {"refused"}
    assert details[closing].detail == (
        "it is CLOSING: nothing more is started until what runs has ended"
    )
    assert details[done].detail == "it has ended, as CANCELLED"


def test_one_that_is_not_there_is_unknown_and_none_are_none(play: Play) -> None:
    assert suspend(play, uuid.uuid4()) == ["unknown"]
    assert suspend(play) == []
    assert play.rows("select * from onceflow.suspend_instances(array[null]::uuid[])") == []


def test_a_set_is_decided_one_by_one_and_each_once(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = sorted(play.start("flow") for _ in range(3))
    calls.cancel_instances(play.conn, ids[1:2])
    assert suspend(play, *ids, *ids) == ["done", "refused", "done"]


# guarantee: suspension-holds
def test_a_held_tasks_message_is_not_needed_any_more(play: Play) -> None:
    instance = play.begin(workflow(Step("a", input=value(1))))
    messages = take_messages(play.conn)
    suspend(play, instance)
    assert play.worker.claim(*messages) == []
    calls.resume_instances(play.conn, [instance])
    assert take_messages(play.conn) == messages
