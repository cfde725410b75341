"""claim_tasks"""

import uuid
from datetime import timedelta
from uuid import UUID

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key
from onceflow.engine.errors import BadArgument, WorkerNotLive

from ...play import Play, Worker, read_grants, take_messages
from ...workflows import Step, diamond, sequence, workflow


def answers(play: Play, *keys: Key, token: UUID | None = None, call: int = 1) -> list[str]:
    """Claim with the play's worker and return the answers."""
    claimed = calls.claim_tasks(play.conn, play.worker.id, token or uuid.uuid4(), call, keys)
    assert [(c.instance_id, c.task) for c in claimed] == [(k.instance_id, k.task) for k in keys]
    return [c.answer for c in claimed]


def test_a_queued_task_becomes_an_attempt_of_the_worker(play: Play) -> None:
    instance = play.begin(sequence("a"))
    assert answers(play, *take_messages(play.conn)) == ["granted"]
    task = play.task(instance, "a", "state", "attempts", "worker_id", "due_at")
    assert task == ("RUNNING", 1, play.worker.id, None)


def test_a_claim_is_logged_without_a_number(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    log = play.rows(
        "select seq, n, attempt, worker_id from onceflow.transitions"
        " where instance_id = %s and state = 'RUNNING' and task = 'a'",
        instance,
    )
    assert log == [(None, None, 1, play.worker.id)]
    assert play.instance(instance, "seq") == (1,)


def test_a_second_message_of_a_task_is_skipped_and_changes_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    first = play.take(instance, "a")
    assert answers(play, Key(instance, "a")) == ["skipped"]
    assert play.task(instance, "a", "attempts") == (1,)
    assert play.worker.complete(first)[0].answer == "accepted"
    assert answers(play, Key(instance, "a")) == ["skipped"]
    assert play.state(instance) == "SUCCEEDED"


# guarantee: claim-state
def test_a_task_named_twice_in_one_call_is_claimed_once(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    a, b, once = Key(instance, "a"), Key(instance, "b"), ["granted", "skipped", "granted"]
    token = uuid.uuid4()
    for _ in range(2):
        keys = (a, a, b, Key(instance, "a/0"), b)
        assert answers(play, *keys, token=token) == [*once, "skipped", "skipped"]
    assert play.task(instance, "a", "attempts") == (1,)
    assert play.log(instance, "a") == ["QUEUED", "RUNNING"]


def test_what_is_skipped_of_a_task_named_twice_tells_no_fence(play: Play) -> None:
    instance = play.begin(sequence("a"))
    token = uuid.uuid4()
    rows = play.rows(
        "select answer, fence, key is null from onceflow.claim_tasks(%s, %s, 1,"
        " array[%s, %s]::uuid[], array['a', 'a'])",
        play.worker.id,
        token,
        instance,
        instance,
    )
    assert rows == [("granted", token, False), ("skipped", None, True)]


def test_a_claim_repeated_with_its_token_gives_the_same_grants(play: Play) -> None:
    instance = play.begin(diamond())
    token = uuid.uuid4()
    assert answers(play, Key(instance, "a"), token=token) == ["granted"]
    before = read_grants(play.conn, play.worker.id, token)
    assert answers(play, Key(instance, "a"), token=token) == ["granted"]
    assert read_grants(play.conn, play.worker.id, token) == before
    assert play.task(instance, "a", "attempts") == (1,)


# guarantee: claim-repeated
def test_a_claim_repeated_when_some_of_it_has_ended_grants_what_still_runs(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    token = uuid.uuid4()
    keys = (Key(instance, "a"), Key(instance, "b"))
    assert answers(play, *keys, token=token) == ["granted", "granted"]
    play.worker.complete(play.worker.grants(token)[0])
    assert answers(play, *keys, token=token) == ["skipped", "granted"]


def test_the_fence_is_the_token_of_the_call_whatever_attempt_it_is(play: Play) -> None:
    instance = play.begin(sequence("a"))
    fences: list[UUID] = []
    for _ in range(3):
        grant = play.take(instance, "a")
        fences.append(grant.fence)
        play.worker.give_back(grant)
    assert len(set(fences)) == 3
    token = uuid.uuid4()
    answers(play, Key(instance, "a"), token=token)
    assert play.worker.grants(token)[0].fence == token


def test_a_token_of_another_worker_is_no_grant(play: Play) -> None:
    instance = play.begin(sequence("a"))
    token = uuid.uuid4()
    answers(play, Key(instance, "a"), token=token)
    other = Worker(play.conn)
    (claimed,) = calls.claim_tasks(play.conn, other.id, token, 1, [Key(instance, "a")])
    assert claimed.answer == "skipped"


def test_a_claim_without_a_token_grants_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    with pytest.raises(psycopg.Error):
        play.rows(
            "select * from onceflow.claim_tasks(%s, null, 1, array[%s]::uuid[], array['a'])",
            play.worker.id,
            instance,
        )
    assert play.state(instance, "a") == "QUEUED"


def test_what_names_no_task_is_unknown(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    keys = [
        Key(uuid.uuid4(), "a"),
        Key(instance, "nothing"),
        Key(instance, "b"),
        Key(instance, "a/1"),
        Key(instance, "a/0/1"),
        Key(instance, ""),
        Key(instance, "/"),
        Key(instance, "a/"),
        Key(instance, "a/x"),
        Key(instance, "a/-1"),
        Key(instance, "a/1/2/3"),
        Key(instance, "a/9999999999999999999999"),
    ]
    assert answers(play, *keys) == ["unknown"] * len(keys)


def test_nulls_among_the_names_are_unknown_and_harm_no_other(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    rows = play.rows(
        "select answer from onceflow.claim_tasks(%s, %s, 1,"
        " array[%s, null, %s, null]::uuid[], array['a', 'a', null, null])",
        play.worker.id,
        uuid.uuid4(),
        instance,
        instance,
    )
    assert rows == [("granted",), ("unknown",), ("unknown",), ("unknown",)]


def test_one_call_may_claim_tasks_of_many_instances(play: Play) -> None:
    play.deploy(diamond())
    for _ in range(20):
        play.start("flow")
    keys = take_messages(play.conn)
    assert answers(play, *keys) == ["granted"] * 20


def test_no_tasks_are_no_answers(play: Play) -> None:
    assert answers(play) == []


def test_arrays_that_differ_in_length_are_refused(play: Play) -> None:
    instance = play.begin(sequence("a"))
    with pytest.raises(BadArgument):
        calls.base.fetch(
            play.conn,
            "select * from onceflow.claim_tasks(%s, %s, 1, %s::uuid[], array['a'])",
            (play.worker.id, uuid.uuid4(), [instance, instance]),
        )


def test_a_worker_that_is_not_live_claims_nothing(play: Play) -> None:
    instance = play.begin(sequence("a"))
    late, stopped = Worker(play.conn), Worker(play.conn)
    late.vanish()
    stopped.stop()
    for worker_id in (late.id, stopped.id, uuid.uuid4()):
        with pytest.raises(WorkerNotLive):
            calls.claim_tasks(play.conn, worker_id, uuid.uuid4(), 1, [Key(instance, "a")])
    play.tick()
    with pytest.raises(WorkerNotLive, match="is dead"):
        calls.claim_tasks(play.conn, late.id, uuid.uuid4(), 1, [Key(instance, "a")])
    assert play.state(instance, "a") == "QUEUED"


def test_a_timeout_counts_from_the_claim(play: Play) -> None:
    instance = play.begin(workflow(Step("a", timeout=90.5)))
    play.take(instance, "a")
    due_at, changed_at = play.task(instance, "a", "due_at", "changed_at")
    assert due_at - changed_at == timedelta(seconds=90.5)


def test_a_message_of_a_suspended_instance_is_skipped_and_a_new_one_comes_with_its_resume(
    play: Play,
) -> None:
    instance = play.begin(sequence("a"))
    calls.suspend_instances(play.conn, [instance])
    assert answers(play, *take_messages(play.conn)) == ["skipped"]
    calls.resume_instances(play.conn, [instance])
    assert answers(play, *take_messages(play.conn)) == ["granted"]


def test_a_message_of_a_cancelled_task_is_skipped(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.cancel_instances(play.conn, [instance])
    assert answers(play, *take_messages(play.conn)) == ["skipped"]


def test_a_compensation_is_claimed_like_any_task(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    grant = play.take(instance, "a.compensate")
    assert (grant.compensation, grant.handler, grant.attempt) == (True, "undo", 1)
