"""take_tasks"""

import json
import uuid
from uuid import UUID

import pytest
from msgspec.structs import replace

from onceflow.engine import calls
from onceflow.engine.calls import Key, Taken
from onceflow.engine.errors import WorkerNotLive

from ...play import Play, Worker, pass_time, put_message, rows_read
from ...workflows import Step, fan, sequence, workflow


def take(
    play: Play, limit: int = 10, *queues: str, token: UUID | None = None, by: Worker | None = None
) -> list[Taken]:
    """Take with a token, a fresh one unless given; of what is granted the key alone is told."""
    worker = by or play.worker
    token = token or worker.next_token()
    wanted = queues or ("default",)
    taken = calls.take_tasks(play.conn, worker.id, token, worker.call, wanted, limit)
    assert [one.grant is not None for one in taken] == [one.answer == "granted" for one in taken]
    return [replace(one, grant=None) for one in taken]


def backlog(play: Play) -> int:
    return play.value("select count(*) from onceflow.outbox")


def start(play: Play, count: int, queue: str = "default") -> list[UUID]:
    name = play.deploy(workflow(Step("a", queue=queue), name=f"of-{queue}"))
    return [play.start(name) for _ in range(count)]


def test_what_is_queued_is_taken_out_of_the_outbox_and_claimed_at_once(play: Play) -> None:
    instance = play.begin(sequence("a"))
    token = uuid.uuid4()
    assert take(play, token=token) == [Taken(instance, "a", "granted")]
    assert backlog(play) == 0
    (grant,) = play.worker.grants(token)
    assert (grant.instance_id, grant.task, grant.fence, grant.attempt) == (instance, "a", token, 1)
    assert play.log(instance, "a") == ["QUEUED", "RUNNING"]
    assert play.worker.complete(grant)[0].answer == "accepted"
    assert play.state(instance) == "SUCCEEDED"


def test_the_oldest_come_first_and_no_more_than_the_limit(play: Play) -> None:
    ids = start(play, 5)
    assert [taken.instance_id for taken in take(play, 2)] == ids[:2]
    assert take(play, 0) == []
    assert [taken.instance_id for taken in take(play, 10)] == ids[2:]
    assert take(play, 10) == []


def test_other_queues_are_left_alone(play: Play) -> None:
    (mine,), (other,) = start(play, 1, "mine"), start(play, 1, "other")
    assert [taken.instance_id for taken in take(play, 10, "mine")] == [mine]
    assert play.state(other, "a") == "QUEUED"
    assert backlog(play) == 1


def test_the_limit_counts_over_all_queues(play: Play) -> None:
    for queue in ("x", "y", "z"):
        start(play, 2, queue)
    assert len(take(play, 5, "x", "y", "z", "none")) == 5
    assert backlog(play) == 1


@pytest.mark.parametrize("repeated", [False, True])
def test_what_is_granted_is_told_as_read_grants_tells_it(play: Play, repeated: bool) -> None:
    start(play, 2)
    token = uuid.uuid4()
    taken = calls.take_tasks(play.conn, play.worker.id, token, 1, ["default"], 5)
    if repeated:
        taken = calls.take_tasks(play.conn, play.worker.id, token, 1, ["default"], 5)
    granted = sorted((t.grant for t in taken if t.grant), key=lambda grant: grant.instance_id)
    assert granted == play.worker.grants(token)
    assert len(granted) == 2


def test_a_long_backlog_on_one_queue_starves_no_other(play: Play) -> None:
    start(play, 60, "busy")
    (rare,) = start(play, 1, "rare")
    # Calls of one parity: completions with a hand-off count too.
    for n in range(60):
        play.worker.call = 2 * n
        if rare in {taken.instance_id for taken in take(play, 1, "busy", "rare")}:
            return
    raise AssertionError("the other queue's turn never came")


def test_a_call_repeated_with_its_token_gives_the_same_grants_and_takes_no_more(
    play: Play,
) -> None:
    ids = start(play, 4)
    token = uuid.uuid4()
    first = take(play, 2, token=token)
    assert [taken.instance_id for taken in first] == ids[:2]
    assert sorted(take(play, 2, token=token), key=str) == sorted(first, key=str)
    assert backlog(play) == 2
    assert len(play.worker.grants(token)) == 2


def test_a_repetition_of_what_took_nothing_takes_what_there_is(play: Play) -> None:
    token = uuid.uuid4()
    assert take(play, token=token) == []
    start(play, 1)
    assert [taken.answer for taken in take(play, token=token)] == ["granted"]


def test_a_cancelled_task_has_a_message_that_is_skipped_and_gone(play: Play) -> None:
    (instance,) = start(play, 1)
    calls.cancel_instances(play.conn, [instance])
    assert take(play) == [Taken(instance, "a", "skipped")]
    assert backlog(play) == 0


# guarantee: suspension-holds
def test_a_suspended_instance_gets_a_new_message_with_its_resume(play: Play) -> None:
    (instance,) = start(play, 1)
    calls.suspend_instances(play.conn, [instance])
    assert [taken.answer for taken in take(play)] == ["skipped"]
    calls.resume_instances(play.conn, [instance])
    assert [taken.answer for taken in take(play)] == ["granted"]


def test_two_messages_of_one_task_grant_it_once(play: Play) -> None:
    (instance,) = start(play, 1)
    put_message(play, Key(instance, "a"))
    assert [taken.answer for taken in take(play)] == ["granted", "skipped"]
    assert play.task(instance, "a", "attempts") == (1,)
    put_message(play, Key(instance, "a"))
    assert [taken.answer for taken in take(play)] == ["skipped"]


def test_a_message_that_names_no_task_is_kept_and_holds_up_no_other(play: Play) -> None:
    nobody = uuid.uuid4()
    bad = [
        "not json",
        '"text"',
        "{}",
        '{"instance": "no uuid", "task": "a"}',
        json.dumps({"instance": str(nobody)}),
        json.dumps({"instance": str(nobody), "task": "a\0b"}),
        "[" * 10_000,
    ]
    for value in bad[:4]:
        put_message(play, None, value)
    ids = start(play, 3)
    for value in bad[4:]:
        put_message(play, None, value)
    put_message(play, Key(nobody, "a"))
    taken = take(play, 100)
    assert [one.answer for one in taken] == ["quarantined"] * 4 + ["granted"] * 3 + [
        "quarantined"
    ] * 4
    assert {one.instance_id for one in taken if one.answer == "granted"} == set(ids)
    assert backlog(play) == 0
    kept = play.rows(
        "select convert_from(payload, 'UTF8'), reason, source from onceflow.quarantine order by id"
    )
    assert [payload for payload, _, _ in kept[:-1]] == bad
    assert {source for _, _, source in kept} == {"outbox"}
    assert {reason for _, reason, _ in kept[:-1]} == {"it is not a task message"}
    assert kept[-1][1] == "it names a task that does not exist"


def test_what_was_kept_can_be_put_back(play: Play) -> None:
    put_message(play, None, "not json")
    take(play)
    (row,) = play.rows("select id from onceflow.quarantine")
    assert calls.release_quarantine(play.conn, 0, list(row)) == 1
    assert [taken.answer for taken in take(play)] == ["quarantined"]


def test_events_and_dead_letters_are_nobodys_tasks(play: Play) -> None:
    calls.publish_events(play.conn, [calls.Event("default", None, "v", {}, "1")])
    assert take(play) == []
    assert backlog(play) == 1


def test_a_row_that_was_put_off_is_taken_when_its_time_has_come(play: Play) -> None:
    start(play, 1)
    (row,) = calls.take_outbox(play.conn, 1)
    calls.defer_outbox(play.conn, [row.id], ["broker away"])
    assert take(play) == []
    play.conn.execute("update onceflow.outbox set not_before = clock_timestamp()")
    assert len(take(play)) == 1


def test_a_worker_that_is_not_live_takes_nothing(play: Play) -> None:
    late = Worker(play.conn)
    late.vanish()
    with pytest.raises(WorkerNotLive):
        take(play, by=late)
    start(play, 1)
    with pytest.raises(WorkerNotLive):
        take(play, by=late)
    assert backlog(play) == 1


def test_a_timeout_and_a_retry_come_round_through_the_outbox(play: Play) -> None:
    play.deploy(workflow(Step("a", timeout=5)))
    instance = play.start("flow")
    take(play)
    pass_time(play.conn, "10 s")
    play.tick()
    pass_time(play.conn, "1 hour")
    play.tick()
    assert [taken.answer for taken in take(play)] == ["granted"]
    assert play.task(instance, "a", "attempts") == (2,)


def test_a_million_messages_of_another_queue_cost_nothing(play: Play) -> None:
    """As many as it takes to see: what a call reads does not depend on them."""
    play.conn.execute(
        "insert into onceflow.outbox (kind, topic, value, queued_xid, made_at)"
        " select 'task', 'other', '{}', pg_current_xact_id(), now()"
        " from generate_series(1, 20000)"
    )
    play.conn.execute("analyze onceflow.outbox")  # it knows of no other queue
    start(play, 3)

    with play.conn.transaction():
        before = rows_read(play.conn, "^outbox$")
        assert len(take(play, 2)) == 2
        assert rows_read(play.conn, "^outbox$") - before < 20


def test_a_set_of_many_is_taken_in_one_call(play: Play) -> None:
    play.deploy(fan(300))
    instance = play.start("flow")
    taken = take(play, 500)
    assert [one.answer for one in taken] == ["granted"] * 300
    assert {one.instance_id for one in taken} == {instance}


def test_a_message_is_json_however_it_is_written(play: Play) -> None:
    (instance,) = start(play, 1)
    play.conn.execute(
        "update onceflow.outbox set value = %s",
        (json.dumps({"task": "a", "more": [1], "instance": str(instance)}, indent=1),),
    )
    assert take(play) == [Taken(instance, "a", "granted")]
