"""renew_worker"""

import uuid
from datetime import timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Completion, Key
from onceflow.engine.errors import WorkerNotLive

from ...play import Play, Worker, take_messages
from ...workflows import Step, sequence, workflow


def test_the_lease_begins_anew(play: Play) -> None:
    play.conn.execute("update onceflow.worker set lease_until = clock_timestamp() + interval '1 s'")
    play.worker.renew()
    left = play.value("select lease_until - clock_timestamp() from onceflow.workers")
    assert timedelta(seconds=55) < left <= timedelta(seconds=60)


def test_a_lease_that_ran_out_is_renewed_while_nobody_has_declared_the_worker_dead(
    play: Play,
) -> None:
    play.worker.vanish()
    play.worker.renew()
    assert play.tick().lost_workers == 0


def test_a_worker_declared_dead_stays_dead(play: Play) -> None:
    play.worker.vanish()
    assert play.tick().lost_workers == 1
    for _ in range(2):
        with pytest.raises(WorkerNotLive, match="is dead"):
            play.worker.renew()


def test_a_worker_that_stopped_or_never_was_is_not_live(play: Play) -> None:
    stopped = Worker(play.conn)
    stopped.stop()
    with pytest.raises(WorkerNotLive, match="stopped"):
        stopped.renew()
    with pytest.raises(WorkerNotLive, match="unknown"):
        calls.renew_worker(play.conn, uuid.uuid4(), [], 1, {}, {})


def test_progress_and_counts_are_shown(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    progress = {f"{instance}/a": {"done": 3}}
    stats = {"claimed": 1, "skipped": 2}
    calls.renew_worker(play.conn, play.worker.id, [grant.fence], 2, progress, stats)
    assert play.task(instance, "a", "progress") == ({"done": 3},)
    assert play.row("select stats, running from onceflow.workers") == (stats, 1)


def test_a_claim_whose_reply_was_lost_is_given_out_again(play: Play) -> None:
    instance = play.begin(sequence("a", undo=True))
    lost = play.take(instance, "a")
    take_messages(play.conn)
    assert play.worker.renew() == []
    assert take_messages(play.conn) == [Key(instance, "a")]
    assert play.task(instance, "a", "state", "attempts", "worker_id") == ("QUEUED", 1, None)
    assert [a.answer for a in play.worker.complete(lost)] == ["stale"]


# guarantee: renewal-finds-nothing
def test_a_hand_off_whose_reply_was_lost_is_given_out_again(play: Play) -> None:
    instance = play.begin(sequence("a", "b"))
    grant = play.take(instance, "a")
    token = play.worker.next_token()
    completion = Completion(instance, "a", grant.fence, None)
    calls.complete_tasks(play.conn, play.worker.id, [completion], token, play.worker.call, 1)
    play.worker.renew()
    assert play.state(instance, "b") == "QUEUED"


def test_what_is_held_or_in_flight_is_left_alone(play: Play) -> None:
    instance = play.begin(workflow(Step("held"), Step("flying"), Step("later")))
    held, flying = play.take(instance, "held"), play.take(instance, "flying")
    call = play.worker.call + 1
    later = play.take(instance, "later")  # claimed after the list of tokens was made
    tokens = [held.fence, flying.fence]
    calls.renew_worker(play.conn, play.worker.id, tokens, call, {}, {})
    assert set(play.states(instance).values()) == {"RUNNING"}
    calls.renew_worker(play.conn, play.worker.id, [*tokens, later.fence], call + 1, {}, {})
    assert set(play.states(instance).values()) == {"RUNNING"}
    calls.renew_worker(play.conn, play.worker.id, tokens, call + 1, {}, {})
    assert play.states(instance) == {"held": "RUNNING", "flying": "RUNNING", "later": "QUEUED"}


def test_another_workers_tasks_are_not_touched(play: Play) -> None:
    instance = play.begin(sequence("a"))
    other = Worker(play.conn)
    other.take(instance, "a")
    play.worker.call = 100
    play.worker.renew()
    assert play.state(instance, "a") == "RUNNING"


def test_a_lost_grant_may_have_had_its_effect(play: Play) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.take(instance, "a")
    play.worker.renew()
    calls.cancel_instances(play.conn, [instance])
    assert play.state(instance, "a.compensate") == "QUEUED"


def test_it_costs_no_attempt_of_the_budget(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 1})))
    play.take(instance, "a")
    play.worker.renew()
    assert play.take(instance, "a").attempt == 2
    assert play.value("select extra_attempts from onceflow.task") == 1


def test_the_tasks_of_closing_instances_are_to_be_told_to_stop(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    grants = play.worker.claim_all()
    other = Worker(play.conn)
    elsewhere = play.begin(sequence("x", name="other"))
    other.take(elsewhere, "x")
    calls.cancel_instances(play.conn, [instance, elsewhere])
    told = play.worker.renew(grants[0].fence)
    assert sorted(told, key=lambda key: key.task) == [Key(instance, "a"), Key(instance, "b")]
    play.worker.complete(*grants)
    assert play.worker.renew() == []


def test_a_compensation_is_never_told_to_stop(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    grant = play.take(instance, "a.compensate")
    assert play.worker.renew(grant.fence) == []


def test_a_lost_grant_of_a_closing_instance_is_cancelled(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    assert play.worker.renew() == []
    assert play.state(instance) == "CANCELLED"
