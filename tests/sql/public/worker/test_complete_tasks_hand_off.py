"""complete_tasks with hand-off: what comes due is given out to whoever completed"""

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Key

from ...play import Play, take_messages
from ...workflows import Step, path, sequence, value, workflow


def test_what_comes_due_on_the_workers_queues_is_handed_off_without_a_message(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    take_messages(play.conn)
    answers, (handed,) = play.worker.complete_and_take(grant)
    assert answers[0].answer == "accepted"
    assert (handed.instance_id, handed.task, handed.attempt) == (instance, "b", 1)
    assert take_messages(play.conn) == []
    assert play.log(instance, "b") == ["RUNNING"]
    play.worker.complete(handed)
    assert play.state(instance) == "SUCCEEDED"


def test_no_more_is_handed_off_than_there_is_room_for(play: Play) -> None:
    steps = [Step(f"s{n}", ("a",)) for n in range(6)]
    instance = play.begin(workflow(Step("a"), *steps))
    _, handed = play.worker.complete_and_take(play.take(instance, "a"), room=4)
    assert len(handed) == 4
    states = sorted(play.states(instance).values())
    assert states == ["QUEUED"] * 2 + ["RUNNING"] * 4 + ["SUCCEEDED"]


def test_room_is_shared_by_all_waves_of_one_call(play: Play) -> None:
    steps = [
        Step("a"),
        Step("b", ("a",)),
        Step("skipped", ("a",), when=value(False)),
        Step("c", ("skipped",)),
        Step("d", ("skipped",)),
    ]
    instance = play.begin(workflow(*steps))
    _, handed = play.worker.complete_and_take(play.take(instance, "a"), room=2)
    assert len(handed) == 2
    assert sorted(play.states(instance).values()).count("QUEUED") == 1


def test_room_is_shared_by_all_instances_of_one_call(play: Play) -> None:
    play.deploy(sequence("a", "b"))
    ids = [play.start("flow") for _ in range(5)]
    grants = play.worker.claim(*[Key(i, "a") for i in ids])
    _, handed = play.worker.complete_and_take(*grants, room=3)
    assert len(handed) == 3
    assert len(take_messages(play.conn)) == 5 + 2


def test_another_queues_task_is_queued_not_handed_off(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b", ("a",), queue="gpu"), Step("c", ("a",))))
    _, (handed,) = play.worker.complete_and_take(play.take(instance, "a"), room=5)
    assert handed.task == "c"
    assert play.state(instance, "b") == "QUEUED"


def test_without_a_token_or_room_nothing_is_handed_off(play: Play) -> None:
    instance = play.begin(sequence("a", "b", "c"))
    _, handed = play.worker.complete_and_take(play.take(instance, "a"), room=0)
    assert (handed, play.state(instance, "b")) == ([], "QUEUED")
    grant = play.take(instance, "b")
    completion = Completion(instance, "b", grant.fence, None)
    calls.complete_tasks(play.conn, play.worker.id, [completion], None, 0, 5)
    assert play.state(instance, "c") == "QUEUED"


def test_a_suspended_instance_hands_nothing_off(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    calls.suspend_instances(play.conn, [instance])
    _, handed = play.worker.complete_and_take(grant)
    assert (handed, play.state(instance, "b")) == ([], "READY")


def test_a_worker_past_its_lease_completes_and_is_handed_nothing(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    play.worker.vanish()
    answers, handed = play.worker.complete_and_take(grant)
    assert (answers[0].answer, handed) == ("accepted", [])
    assert play.state(instance, "b") == "QUEUED"


# guarantee: answer-forgotten
def test_a_completion_with_hand_off_repeated_gives_the_same_grant(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    token = play.worker.next_token()
    completion = Completion(instance, "a", grant.fence, 1)
    arguments = (play.conn, play.worker.id, [completion], token, play.worker.call, 1)
    assert calls.complete_tasks(*arguments)[0].answer == "accepted"
    (handed,) = play.worker.grants(token)
    assert calls.complete_tasks(*arguments)[0].answer == "repeated"
    assert play.worker.grants(token) == [handed]


def test_the_next_compensation_is_handed_off_too(play: Play) -> None:
    instance = play.begin(sequence("a", "b", "c", undo=True))
    play.complete(instance, "a", "b")
    play.fail(instance, "c")
    grant = play.take(instance, "b.compensate")
    _, (handed,) = play.worker.complete_and_take(grant)
    assert (handed.task, handed.compensation) == ("a.compensate", True)


def test_what_is_handed_off_to_an_instance_that_fails_in_the_same_call_is_awaited(
    play: Play,
) -> None:
    steps = [Step("a"), Step("b", ("a",), path("$.input.none")), Step("c", ("a",), undo=value(1))]
    instance = play.begin(workflow(*steps))
    _, handed = play.worker.complete_and_take(play.take(instance, "a"), room=2)
    assert play.state(instance, "b") == "DEAD_LETTER"
    for grant in handed:
        assert play.state(instance) == "CLOSING"
        play.worker.complete(grant)
        play.complete(instance, "c.compensate")
    assert play.state(instance) == "COMPENSATED"
