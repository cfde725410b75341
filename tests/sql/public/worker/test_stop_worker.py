"""stop_worker"""

import uuid

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, Worker, take_messages
from ...workflows import Step, sequence, workflow


def test_what_it_still_holds_is_due_again(play: Play) -> None:
    instance = play.begin(workflow(Step("a"), Step("b")))
    play.worker.claim_all()
    play.worker.stop()
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}
    assert sorted(take_messages(play.conn), key=str) == [Key(instance, "a"), Key(instance, "b")]
    assert play.row("select state, running from onceflow.workers") == ("stopped", 0)


def test_it_costs_no_attempt_of_the_budget(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 1})))
    play.take(instance, "a")
    play.worker.stop()
    (grant,) = Worker(play.conn).claim(Key(instance, "a"))
    assert grant.attempt == 2
    assert play.value("select extra_attempts from onceflow.task") == 1


# guarantee: unknown-compensated
def test_what_it_held_may_have_had_its_effect(play: Play) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.take(instance, "a")
    play.worker.stop()
    calls.cancel_instances(play.conn, [instance])
    assert play.state(instance, "a.compensate") == "QUEUED"


def test_its_late_answers_are_stale(play: Play) -> None:
    instance = play.begin(sequence("a"))
    grant = play.take(instance, "a")
    play.worker.stop()
    assert [a.answer for a in play.worker.complete(grant)] == ["stale"]
    assert play.state(instance, "a") == "QUEUED"


def test_other_workers_go_on(play: Play) -> None:
    instance = play.begin(sequence("a"))
    other = Worker(play.conn)
    grant = other.take(instance, "a")
    play.worker.stop()
    assert other.complete(grant)[0].answer == "accepted"


def test_to_stop_twice_or_a_worker_that_never_was_changes_nothing(play: Play) -> None:
    play.worker.stop()
    before = play.rows("select id, state, ended_at from onceflow.workers")
    play.worker.stop()
    calls.stop_worker(play.conn, uuid.uuid4())
    assert play.rows("select id, state, ended_at from onceflow.workers") == before


def test_a_worker_declared_dead_is_not_called_stopped(play: Play) -> None:
    play.worker.vanish()
    play.tick()
    play.worker.stop()
    assert play.row("select state from onceflow.workers") == ("dead",)


def test_what_runs_in_the_name_of_a_dead_worker_is_given_back_by_its_stop(play: Play) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    play.conn.execute("update onceflow.worker set state = 'dead', ended_at = clock_timestamp()")
    play.worker.stop()
    assert play.state(instance, "a") == "QUEUED"
