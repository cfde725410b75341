"""cancel_instances"""

import uuid

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, take_messages
from ...workflows import Step, diamond, sequence, value, workflow


def cancel(play: Play, *ids: uuid.UUID) -> list[tuple[str, str]]:
    """Cancel and return outcomes with their details, in the order of the ids."""
    decided = calls.cancel_instances(play.conn, ids)
    assert [d.instance_id for d in decided] == sorted(set(ids))
    return [(d.outcome, d.detail) for d in decided]


def test_what_waits_is_cancelled_and_with_nothing_to_undo_the_instance_has_ended(
    play: Play,
) -> None:
    instance = play.begin(sequence("a", "b"))
    play.complete(instance, "a")
    assert cancel(play, instance) == [("done", "it is CANCELLED")]
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "CANCELLED"}
    assert play.log(instance, None) == ["RUNNING", "CLOSING", "CANCELLED"]


def test_what_was_done_is_undone_and_then_the_instance_is_cancelled(play: Play) -> None:
    instance = play.begin(sequence("a", "b", "c", "d", undo=True))
    play.complete(instance, "a", "b", "c")
    assert cancel(play, instance) == [("done", "it is COMPENSATING")]
    play.complete(instance, "c.compensate", "b.compensate", "a.compensate")
    assert play.instance(instance, "state", "error") == ("CANCELLED", None)


def test_what_runs_is_awaited_before_anything_is_undone(play: Play) -> None:
    instance = play.begin(diamond(undo=True))
    play.complete(instance, "a")
    running = play.take(instance, "b")
    assert cancel(play, instance) == [("done", "it is CLOSING")]
    assert play.states(instance) == {
        "a": "SUCCEEDED",
        "b": "RUNNING",
        "c": "CANCELLED",
    }
    play.worker.complete(running)
    play.complete(instance, "b.compensate", "a.compensate")
    assert play.state(instance) == "CANCELLED"


def test_every_state_that_waits_is_cancelled(play: Play) -> None:
    steps = [Step("queued"), Step("retrying"), Step("done"), Step("join", ("done", "queued"))]
    instance = play.begin(workflow(*steps))
    play.fail(instance, "retrying", retryable=True)
    play.complete(instance, "done")
    cancel(play, instance)
    assert play.states(instance) == {
        "queued": "CANCELLED",
        "retrying": "CANCELLED",
        "join": "CANCELLED",
        "done": "SUCCEEDED",
    }
    assert play.value("select count(*) from onceflow.tasks where open") == 0


def test_an_open_dead_letter_becomes_a_record(play: Play) -> None:
    instance = play.begin(sequence("a", on_failure="suspend"))
    play.fail(instance, "a")
    assert cancel(play, instance) == [("done", "it is CANCELLED")]
    assert play.task(instance, "a", "state", "open", "error ->> 'code'") == (
        "DEAD_LETTER",
        False,
        "test.failed",
    )
    assert play.instance(instance, "suspended_at", "suspended_by") == (None, None)


def test_a_suspended_instance_is_cancelled_as_well(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.suspend_instances(play.conn, [instance])
    assert cancel(play, instance) == [("done", "it is CANCELLED")]
    assert play.task(instance, "a", "state") == ("CANCELLED",)


def test_its_deadline_counts_no_more(play: Play) -> None:
    instance = play.begin(sequence("a", deadline=60))
    play.take(instance, "a")
    cancel(play, instance)
    assert play.instance(instance, "state", "deadline_at") == ("CLOSING", None)


def test_an_instance_that_closes_or_has_ended_is_refused_with_the_reason(play: Play) -> None:
    closing = play.begin(sequence("a", name="closing"))
    play.take(closing, "a")
    cancel(play, closing)
    done = play.begin(sequence("a", name="done"))
    play.complete(done, "a")
    assert cancel(play, closing) == [("refused", "it is CLOSING already, to end as CANCELLED")]
    assert cancel(play, done) == [("refused", "it has ended, as SUCCEEDED")]


def test_a_way_back_that_waits_for_a_person_is_refused_with_what_to_do(play: Play) -> None:
    instance = play.begin(
        workflow(Step("a", undo=value(1), undo_retry={"attempts": 1}), Step("b", ("a",)))
    )
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.fail(instance, "a.compensate")
    ((outcome, detail),) = cancel(play, instance)
    assert outcome == "refused"
    assert detail == (
        "it is COMPENSATING already, to end as COMPENSATED"
        "; redrive, skip or discard its dead letter"
    )


def test_one_that_is_not_there_is_unknown(play: Play) -> None:
    assert cancel(play, uuid.uuid4()) == [("unknown", "there is no such instance")]


def test_a_set_is_decided_one_by_one_and_each_once(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = [play.start("flow") for _ in range(3)]
    play.complete(ids[1], "a")
    assert cancel(play, *ids, *reversed(ids)) == [
        ("done", "it is CANCELLED"),
        ("refused", "it has ended, as SUCCEEDED"),
        ("done", "it is CANCELLED"),
    ]


def test_no_ids_and_nulls_decide_nothing(play: Play) -> None:
    assert cancel(play) == []
    assert play.rows("select * from onceflow.cancel_instances(array[null]::uuid[])") == []
    assert play.rows("select * from onceflow.cancel_instances(null)") == []


def test_messages_that_are_still_on_their_way_claim_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    messages = take_messages(play.conn)
    cancel(play, instance)
    assert play.worker.claim(*messages) == []


def test_a_step_that_nobody_has_begun_is_not_undone(play: Play) -> None:
    instance = play.begin(sequence("a", undo=True))
    cancel(play, instance)
    assert play.states(instance) == {"a": "CANCELLED"}
    assert play.state(instance) == "CANCELLED"


def test_of_steps_that_ended_together_the_last_by_its_id_is_undone_first(play: Play) -> None:
    """By the step's id, of which the compensation's is no measure: `a-b` comes behind `a`."""
    names = ("a", "a-b")
    instance = play.begin(workflow(*[Step(name, undo=value(1)) for name in names], Step("c")))
    play.worker.complete(*play.worker.claim(*[Key(instance, name) for name in names]))
    cancel(play, instance)
    states = play.states(instance)
    assert (states["a-b.compensate"], states["a.compensate"]) == ("QUEUED", "WAITING")
