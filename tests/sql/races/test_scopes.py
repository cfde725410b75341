"""Scopes that close beside claims, and what transitions of instances of many rows leave alone."""

from collections.abc import Callable

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..core.scopes.support import Blocks, Json, each, task
from ..play import Connection, Play, tick
from ..sessions import Sessions
from .calls import TOKEN, claiming, completing, failing

ITEMS = "$.input.items"


def race(**branches: list[Json]) -> Json:
    """Return a race of these branches."""
    return {"id": "r", "race": branches}


def test_a_claim_that_comes_first_is_awaited_by_a_scope_that_closes(
    play: Play, sessions: Sessions
) -> None:
    run = Blocks(play, race(x=[task("win")], y=[task("b")]), task("z"))
    run.take("r[0]/win")
    worker, other = sessions(), sessions()
    assert worker.begin(claiming(play, run.key("r[1]/b"))) == ["granted"]
    win = other.call_blocked(completing(play, run.grants["r[0]/win"]))
    worker.commit()
    assert win.result(30) == ["accepted"]
    assert (run.state("r[1]/b"), run.scopes()["r[1]"]) == ("RUNNING", "CLOSING")
    play.worker.complete(*play.worker.grants(TOKEN))
    assert run.scopes()["r[1]"] == "CANCELLED"


def test_a_claim_that_comes_second_finds_the_task_cancelled(play: Play, sessions: Sessions) -> None:
    run = Blocks(play, race(x=[task("win")], y=[task("b")]), task("z"))
    run.take("r[0]/win")
    worker, other = sessions(), sessions()
    assert other.begin(completing(play, run.grants["r[0]/win"])) == ["accepted"]
    claim = worker.call_blocked(claiming(play, run.key("r[1]/b")))
    other.commit()
    assert claim.result(30) == ["skipped"]
    assert run.state("r[1]/b") == "CANCELLED"


# guarantee: second-closing-waits
def test_a_transition_that_closes_twice_waits_for_no_claim_the_second_time(
    play: Play, sessions: Sessions
) -> None:
    inner = {"id": "i", "race": {"p": [task("win")], "q": [task("b")]}}
    run = Blocks(play, race(x=[inner], y=[task("d")]), task("z"))
    run.take("r[0]/i[0]/win")
    grant = run.grants.pop("r[0]/i[0]/win")
    worker, other = sessions(), sessions()
    other.conn.execute("set lock_timeout = '5s'")
    assert worker.begin(claiming(play, run.key("r[1]/d"))) == ["granted"]
    # Whoever locked d now, with b, could stand crosswise with a claim of both.
    with pytest.raises(psycopg.errors.DeadlockDetected):
        other.call(completing(play, grant)).result(30)
    assert run.state("r[0]/i[0]/win") == "RUNNING"
    worker.commit()
    assert other.call(completing(play, grant)).result(30) == ["accepted"]
    assert run.scopes() == {
        "r[0]": "SUCCEEDED",
        "r[0]/i[0]": "SUCCEEDED",
        "r[0]/i[1]": "CANCELLED",
        "r[1]": "CLOSING",
    }
    play.worker.complete(*play.worker.grants(TOKEN))


def test_two_that_succeed_at_once_in_two_sessions_make_one_winner(
    play: Play, sessions: Sessions
) -> None:
    run = Blocks(play, race(x=[task("a")], y=[task("b")]), output="$.steps.r.output.winner")
    run.take("r[0]/a", "r[1]/b")
    one, two = sessions(), sessions()
    assert one.begin(completing(play, run.grants["r[1]/b"])) == ["accepted"]
    late = two.call_blocked(completing(play, run.grants["r[0]/a"]))
    one.commit()
    assert late.result(30) == ["accepted"]
    assert (run.state(), run.output()) == ("SUCCEEDED", "y")
    assert run.scopes() == {"r[0]": "CANCELLED", "r[1]": "SUCCEEDED"}


def touched(play: Play, run: Blocks, call: Callable[[Connection], object]) -> set[str]:
    """Return the tasks that a call changes or locks: those whose rows bear its transaction."""
    with play.conn.transaction():
        call(play.conn)
        rows = play.rows(
            "select onceflow.task_name(step, scope, visit) from onceflow.task"
            " where instance_id = %s and pg_current_xact_id()::xid in (xmin, xmax)",
            run.id,
        )
    return {name for (name,) in rows}


# guarantee: tick-locks-all
def test_a_tick_locks_its_own_row_alone(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a")), given={"items": list(range(20))})
    run.take("e[3]/a")
    play.worker.fail(run.grants.pop("e[3]/a"))
    play.conn.execute("select onceflow.set_clock(onceflow.now() + interval '1 hour')")
    own = run.key("e[3]/a").task
    assert touched(play, run, tick) == {own}
    assert run.state("e[3]/a") == "QUEUED"


def test_a_redrive_locks_its_own_row_alone(play: Play) -> None:
    block = each("e", ITEMS, task("a", on_failure="suspend"))
    run = Blocks(play, block, given={"items": list(range(20))})
    run.fails("e[3]/a")
    key: Key = run.key("e[3]/a")
    assert touched(play, run, lambda conn: calls.redrive_dead_letters(conn, [key], [None])) == {
        key.task
    }


# guarantee: failure-locks-all
def test_a_failure_locks_the_rows_of_the_scope_that_closes_alone(play: Play) -> None:
    steps = [task("a"), task("b", needs=[])]
    run = Blocks(play, each("e", ITEMS, *steps, tolerate=1), given={"items": list(range(20))})
    run.take("e[3]/a")
    grant = run.grants.pop("e[3]/a")
    own = {run.key("e[3]/a").task, run.key("e[3]/b").task}
    assert touched(play, run, failing(play, grant)) == own
    assert run.state("e[3]/b") == "CANCELLED"
