"""pause_queues"""

import uuid

import pytest

from onceflow.engine import calls

from ...play import Play, execute, pass_time, switch, take_messages
from ...workflows import Step, sequence, workflow


def test_a_claim_grants_nothing_of_a_paused_queue_and_holds_it(play: Play) -> None:
    play.deploy(workflow(Step("a", queue="pdf"), Step("b")))
    calls.pause_queues(play.conn, ["pdf"])
    instance = play.start("flow")
    assert [grant.task for grant in play.worker.claim_all()] == ["b"]
    assert play.task(instance, "a", "state", "held_by", "due_at") == ("READY", "pause", None)
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.state(instance, "a") == "READY"
    assert take_messages(play.conn) == []


def test_a_take_leaves_the_messages_of_a_paused_queue_where_they_are(play: Play) -> None:
    play.worker.stop()
    switch(play.conn, "postgres")
    play.worker = type(play.worker)(play.conn, queues=["default", "pdf"])
    play.deploy(workflow(Step("a", queue="pdf"), Step("b")))
    calls.pause_queues(play.conn, ["pdf"])
    instance = play.start("flow")
    queues = ["default", "pdf"]
    taken = calls.take_tasks(play.conn, play.worker.id, uuid.uuid4(), 1, queues, 10)
    assert [one.task for one in taken] == ["b"]
    assert play.state(instance, "a") == "QUEUED"
    assert play.value("select count(*) from onceflow.outbox") == 1
    calls.resume_queues(play.conn, ["pdf"])
    (taken_later,) = calls.take_tasks(play.conn, play.worker.id, uuid.uuid4(), 2, queues, 10)
    assert taken_later.task == "a"


def test_nothing_is_handed_off_and_what_runs_goes_on(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    calls.pause_queues(play.conn, ["default"])
    answers, handed = play.worker.complete_and_take(grant)
    assert [answer.answer for answer in answers] == ["accepted"]
    assert handed == []
    assert play.state(instance, "b") == "QUEUED"


@pytest.mark.parametrize("claimed", [False, True])
def test_explain_says_so_and_how_it_goes_on(play: Play, claimed: bool) -> None:
    instance = play.begin(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    if claimed:
        assert play.worker.claim_all() == []
    reasons = calls.explain_instance(play.conn, instance)
    reason = next(b for b in reasons if b.task == "a")
    assert reason.because.startswith('held back: queue "default" has been paused since 2')
    assert reason.advice == {"verb": "resume_queue", "args": {"queue": "default"}}
    execute(play.conn, str(reason.statement))
    play.tick()
    play.complete(instance, "a")


def test_what_is_held_is_cancelled_and_suspended_like_any_other(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    first, second = play.start("flow"), play.start("flow")
    play.worker.claim_all()
    calls.cancel_instances(play.conn, [first])
    assert play.state(first) == "CANCELLED"
    calls.suspend_instances(play.conn, [second])
    calls.resume_queues(play.conn, ["default"])
    play.tick()
    assert play.task(second, "a", "state", "held_by") == ("READY", "operator")
    calls.resume_instances(play.conn, [second])
    assert play.state(second, "a") == "QUEUED"


def test_a_name_that_is_none_is_unknown(play: Play) -> None:
    decided = calls.pause_queues(play.conn, ["nobody"])
    assert [(d.name, d.outcome) for d in decided] == [("nobody", "unknown")]
