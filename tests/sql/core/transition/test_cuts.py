"""A transition that would go on for long is cut, and goes on in the next."""

from collections.abc import Iterator

import psycopg
import pytest

from onceflow.engine import calls

from ...play import Json, Play, cut_early, tick
from ..scopes.support import Blocks, each, task
from ..scopes.test_jumping import goto
from ..scopes.test_repeating import repeat


def value(name: str, given: Json = 1) -> Json:
    """Return a set."""
    return {"id": name, "set": given}


def go_on(play: Play, run: Blocks, most: int = 100) -> int:
    """Turn the clock until no transition is cut; return how often."""
    for turns in range(most):
        if play.value("select resume_at is null from onceflow.instance where id = %s", run.id):
            return turns
        assert calls.check_instances(play.conn) == []
        calls.begin_instances(play.conn, 1000)
    raise AssertionError("it is cut again and again")


@pytest.fixture
def short(play: Play) -> Iterator[Play]:
    """Return a deployment whose transitions are cut after one wave."""
    with cut_early(play.conn):
        yield play


def test_rounds_without_a_worker_are_cut_after_a_thousand_waves(play: Play) -> None:
    run = Blocks(play, repeat("r", value("a"), until="$.round == 999"), output="$.steps.r.output")
    assert run.state() == "RUNNING"
    assert 1 <= go_on(play, run) <= 5
    assert (run.state(), run.output()) == ("SUCCEEDED", 1)
    assert calls.check_instances(play.conn) == []


# guarantee: waves-without-end
def test_a_long_sequence_of_values_is_cut(play: Play) -> None:
    run = Blocks(play, *(value(f"s{n}") for n in range(1500)))
    assert run.state() == "RUNNING"
    tick(play.conn)
    assert run.state() == "SUCCEEDED"


# guarantee: cut-touched
def test_scopes_that_have_more_to_decide_are_looked_at_again(short: Play) -> None:
    inner = each("x", [1, 2, 3], each("y", [1, 2], value("a"), value("b")), max_parallel=2)
    run = Blocks(short, inner, task("z"), output="$.steps.x.output")
    assert go_on(short, run) >= 3
    run.done("z")
    assert (run.state(), run.output()) == ("SUCCEEDED", [[1, 1]] * 3)
    assert calls.check_instances(short.conn) == []


def test_what_fails_behind_a_cut_is_caught_and_undone(short: Play) -> None:
    steps = [
        task("a", undo=True),
        *(value(f"s{n}") for n in range(6)),
        {"id": "f", "fail": {"code": "x"}},
    ]
    run = Blocks(short, {"id": "t", "try": steps, "catch": [{"steps": [task("c")]}]})
    go_on(short, run)
    run.done("t[0]/a")
    go_on(short, run)
    run.done("t[0]/a.compensate")
    go_on(short, run)
    assert run.due() == ["t[1]/c"]


def test_what_closes_ends_what_a_cut_has_left(short: Play) -> None:
    loop = [value("a"), value("b"), goto("g", "a", when=True)]
    run = Blocks(short, {"id": "x", "race": {"l": loop, "w": [task("w")]}}, task("z"))
    for _ in range(3):
        calls.begin_instances(short.conn, 1000)
    run.done("x[1]/w")
    go_on(short, run)
    assert run.due() == ["z"]
    assert "QUEUED" not in {state for path, state in run.states().items() if path != "z"}
    assert calls.check_instances(short.conn) == []


def test_a_cancelled_instance_ends_though_a_transition_was_cut(short: Play) -> None:
    run = Blocks(short, repeat("r", value("a"), until=False))
    calls.cancel_instances(short.conn, [run.id])
    go_on(short, run)
    assert run.state() == "CANCELLED"
    assert calls.check_instances(short.conn) == []


# guarantee: cut-starves
def test_an_instance_that_is_always_busy_is_waited_for(short: Play) -> None:
    run = Blocks(short, repeat("r", value("a"), until=False, limit=9), on_failure="suspend")
    short.conn.execute(
        "update onceflow.instance set resume_at = now() - interval '1 minute' where id = %s",
        (run.id,),
    )
    with psycopg.connect(short.conn.info.dsn, password=short.conn.info.password) as other:
        other.execute("select from onceflow.instance where id = %s for update", (run.id,))
        short.conn.execute("set lock_timeout = 0")
        before = short.value("select clock_timestamp()")
        assert calls.begin_instances(short.conn, 10) >= 1
        waited = short.value("select clock_timestamp()") - before
    # It was held all the time, so nothing has moved; but it was waited for.
    assert 0.15 < waited.total_seconds() < 5
    assert short.value("show lock_timeout") == "0"
    go_on(short, run)
    assert run.state("r") == "DEAD_LETTER"


# guarantee: cut-ends
def test_what_a_race_leaves_behind_a_cut_is_undone_before_the_end(short: Play) -> None:
    losers = {"l": [task("l", undo=True), repeat("r", task("m"), until=True)], "w": [task("w")]}
    run = Blocks(short, {"id": "x", "race": losers}, output=1)
    go_on(short, run)
    run.done("x[0]/l")
    go_on(short, run)
    run.done("x[1]/w")
    go_on(short, run)
    assert (run.state(), run.due()) == ("RUNNING", ["x[0]/l.compensate"])
    run.done("x[0]/l.compensate")
    go_on(short, run)
    assert (run.state(), run.output()) == ("SUCCEEDED", 1)
