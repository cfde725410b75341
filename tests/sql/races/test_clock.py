"""The jobs of the clock beside completions, handlers, claims and each other."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Play,
    Ticked,
    Worker,
    end_grace,
    execute,
    pass_time,
)
from ..sessions import Sessions
from ..workflows import Step, sequence, workflow
from .calls import claiming, completing, ticking


@pytest.mark.parametrize("commits", [True, False])
def test_a_tick_does_not_wait_for_a_completion_and_never_undoes_it(
    play: Play, sessions: Sessions, commits: bool
) -> None:
    instance = play.begin(workflow(Step("a", timeout=60), Step("b", ("a",))))
    grant = play.take(instance, "a")
    pass_time(play.conn, "1 hour")
    worker = sessions()
    worker.begin(completing(play, grant))
    assert play.tick().timed_out == 0
    worker.commit() if commits else worker.rollback()
    assert play.tick().timed_out == (0 if commits else 1)
    assert play.state(instance, "a") == ("SUCCEEDED" if commits else "RETRYING")


def test_of_two_ticks_one_works_and_the_other_returns_at_once(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 hour")
    clock = sessions()
    assert clock.begin(ticking).retried == 1
    assert play.tick() == Ticked()
    clock.commit()
    assert play.tick().retried == 0
    assert play.log(instance, "a").count("QUEUED") == 2


def test_a_worker_whose_row_is_held_keeps_no_other_from_being_found_dead(
    play: Play, sessions: Sessions
) -> None:
    other = Worker(play.conn)
    holder = sessions()
    holder.begin(lambda conn: calls.renew_worker(conn, other.id, [], 1, {}, {}))
    play.worker.vanish()
    assert play.tick().lost_workers == 1
    holder.rollback()
    other.vanish()
    holder.begin(
        lambda conn: execute(conn, "select from onceflow.worker where id = %s for update", other.id)
    )
    assert play.tick().lost_workers == 0
    holder.rollback()
    assert play.tick().lost_workers == 1


# guarantee: tick-edge
def test_a_claim_that_its_workers_death_overtakes_is_found_by_the_next_tick(
    play: Play, sessions: Sessions
) -> None:
    instance = play.begin(sequence("a"))
    worker = sessions()
    worker.begin(claiming(play, Key(instance, "a")))
    play.worker.vanish()
    assert play.tick().lost_workers == 1
    worker.commit()
    assert play.state(instance, "a") == "RUNNING"
    assert play.tick().timed_out == 1
    assert play.state(instance, "a") == "RETRYING"


def test_a_tick_passes_over_one_frozen_handler_and_does_the_rest(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(workflow(Step("a", timeout=60)))
    frozen, late = play.start("flow"), play.start("flow")
    grant = play.take(frozen, "a")
    play.take(late, "a")
    pass_time(play.conn, "1 hour")
    end_grace(play.conn)
    handler = sessions()
    handler.begin(completing(play, grant))
    play.tick()
    assert (play.state(frozen, "a"), play.state(late, "a")) == ("RUNNING", "RETRYING")
