"""fail_lost_attempts"""

import pytest

from onceflow.engine import calls

from ...play import Play, Worker, pass_time
from ...workflows import Step, sequence, workflow


def test_the_tasks_of_a_dead_worker_are_tried_again_and_count_as_attempts(play: Play) -> None:
    instance = play.begin(workflow(Step("a", retry={"attempts": 2})))
    play.take(instance, "a")
    play.worker.vanish()
    ticked = play.tick()
    assert (ticked.lost_workers, ticked.timed_out) == (1, 1)
    assert play.task(instance, "a", "state", "error ->> 'code'") == ("RETRYING", "worker.lost")
    pass_time(play.conn, "1 h")
    play.tick()
    last = Worker(play.conn)
    last.take(instance, "a")
    last.vanish()
    play.tick()
    assert play.task(instance, "a", "state", "attempts") == ("DEAD_LETTER", 2)


@pytest.mark.parametrize(
    ("step", "state"), [(None, "DEAD_LETTER"), ({"attempts": 2}, "RETRYING"), ({}, "RETRYING")]
)
@pytest.mark.parametrize("lost", ["timeout", "worker"])
def test_an_attempt_that_nobody_answers_ends_by_the_policy_of_its_step_or_else_of_its_handler(
    play: Play, lost: str, step: dict[str, int] | None, state: str
) -> None:
    instance = play.begin(workflow(Step("a", timeout=30, retry=step), on_failure="suspend"))
    worker = Worker(play.conn)
    worker.id = calls.register_worker(
        play.conn, "w", ["default"], ["work"], 60, {"work": {"attempts": 1}, "x": {"attempts": 9}}
    )
    worker.take(instance, "a")
    if lost == "worker":
        worker.vanish()
    else:
        pass_time(play.conn, "31 s")
    play.tick()
    assert play.state(instance, "a") == state


@pytest.mark.parametrize("how", ["dead", "stopped", "gone"])
def test_what_runs_without_a_live_worker_is_found_however_it_came_about(
    play: Play, how: str
) -> None:
    instance = play.begin(sequence("a"))
    play.take(instance, "a")
    if how == "gone":
        play.conn.execute("delete from onceflow.worker")
    else:
        play.conn.execute(
            "update onceflow.worker set state = %s, ended_at = clock_timestamp()", (how,)
        )
    assert play.tick().timed_out == 1
    assert play.state(instance, "a") == "RETRYING"


def test_a_dead_workers_forward_task_in_a_closing_instance_is_closed_and_undone(
    play: Play,
) -> None:
    instance = play.begin(sequence("a", undo=True))
    play.take(instance, "a")
    calls.cancel_instances(play.conn, [instance])
    play.worker.vanish()
    play.tick()
    assert play.states(instance) == {"a": "CANCELLED", "a.compensate": "QUEUED"}
    grant = Worker(play.conn).take(instance, "a.compensate")
    assert grant.input == {"output": None, "task_input": {}, "key": f"{instance}/a"}


def test_a_dead_workers_compensation_is_given_out_again(play: Play) -> None:
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    play.take(instance, "a.compensate")
    play.worker.vanish()
    play.tick()
    assert play.state(instance, "a.compensate") == "RETRYING"
    pass_time(play.conn, "1 h")
    play.tick()
    grant = Worker(play.conn).take(instance, "a.compensate")
    assert (grant.attempt, play.state(instance)) == (2, "COMPENSATING")
