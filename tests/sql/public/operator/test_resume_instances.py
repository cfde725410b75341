"""resume_instances"""

import uuid

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, pass_time, take_messages
from ...workflows import Step, diamond, sequence, value, workflow


def resume(play: Play, *ids: uuid.UUID) -> list[tuple[str, str]]:
    """Resume and return outcomes with their details, in the order of the ids."""
    decided = calls.resume_instances(play.conn, ids)
    assert [d.instance_id for d in decided] == sorted(set(ids))
    return [(d.outcome, d.detail) for d in decided]


def test_all_that_was_held_is_queued_with_new_messages(play: Play) -> None:
    instance = play.begin(diamond())
    play.complete(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    take_messages(play.conn)
    assert resume(play, instance) == [("done", "it is RUNNING")]
    assert take_messages(play.conn) == [Key(instance, "b"), Key(instance, "c")]
    assert play.instance(instance, "suspended_at", "suspended_by") == (None, None)


def test_what_came_due_meanwhile_is_released(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), Step("after", ("b",))))
    play.fail(instance, "a", retryable=True)
    grant = play.take(instance, "b")
    calls.suspend_instances(play.conn, [instance])
    play.worker.complete(grant)
    pass_time(play.conn, "1 h")
    play.tick()
    assert play.states(instance) == {"a": "READY", "b": "SUCCEEDED", "after": "READY"}
    resume(play, instance)
    assert play.states(instance) == {"a": "QUEUED", "b": "SUCCEEDED", "after": "QUEUED"}


def test_a_retry_that_is_not_due_yet_keeps_its_time(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    calls.suspend_instances(play.conn, [instance])
    before = play.task(instance, "a", "state", "due_at")
    resume(play, instance)
    assert play.task(instance, "a", "state", "due_at") == before


def test_the_way_back_goes_on(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    calls.suspend_instances(play.conn, [instance])
    assert play.state(instance, "a.compensate") == "READY"
    assert resume(play, instance) == [("done", "it is COMPENSATING")]
    play.complete(instance, "a.compensate")
    assert play.state(instance) == "CANCELLED"


def test_a_dead_letter_that_is_open_is_told_and_holds_nothing(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), on_failure="suspend"))
    play.fail(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    assert play.state(instance, "b") == "READY"
    assert resume(play, instance) == [("done", "it is RUNNING, and has an open dead letter")]
    assert play.instance(instance, "suspended_by") == ("dead_letter",)
    assert play.state(instance, "b") == "QUEUED"


def test_where_a_dead_letter_alone_is_told_it_is_refused(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    ((outcome, detail),) = resume(play, instance)
    assert outcome == "refused"
    assert detail == "nobody has suspended it: redrive, skip or discard its open dead letter"


def test_what_closes_and_is_held_goes_back_at_once(play: Play) -> None:
    instance = play.begin(workflow(Step("a", undo=value(1)), Step("b", ("a",)), Step("c", ("a",))))
    play.complete(instance, "a")
    running, failing = play.take(instance, "b"), play.take(instance, "c")
    calls.suspend_instances(play.conn, [instance])
    play.worker.fail(failing, retryable=False)
    assert resume(play, instance) == [("done", "it is CLOSING")]
    play.worker.complete(running)
    assert play.state(instance, "a.compensate") == "QUEUED"


def test_one_that_is_not_suspended_is_refused_with_its_state(play: Play) -> None:
    running = play.begin(sequence("a", name="running"))
    done = play.begin(sequence("a", name="done"))
    calls.cancel_instances(play.conn, [done])
    assert resume(play, running) == [("refused", "it is not suspended, but RUNNING")]
    assert resume(play, done) == [("refused", "it is not suspended, but CANCELLED")]
    assert play.state(running, "a") == "QUEUED"


def test_a_second_time_queues_nothing_again(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.suspend_instances(play.conn, [instance])
    resume(play, instance)
    take_messages(play.conn)
    assert resume(play, instance)[0][0] == "refused"
    assert take_messages(play.conn) == []


def test_one_that_is_not_there_is_unknown_and_none_are_none(play: Play) -> None:
    assert resume(play, uuid.uuid4()) == [("unknown", "there is no such instance")]
    assert resume(play) == []


def test_a_set_is_decided_one_by_one_and_each_once(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(3)]
    calls.suspend_instances(play.conn, [ids[0], ids[2]])
    outcomes = [outcome for outcome, _ in resume(play, *ids, *ids)]
    assert outcomes == ["done", "refused", "done"]
    assert len(take_messages(play.conn)) == 3 + 2
