"""How the ends of instances come up to the steps that have started them, and how these end them."""

from typing import Any

import pytest

from onceflow.engine import calls

from ...play import Play, pass_time, tick
from .support import SHIP, UNDO, WORK, Family, deliver, deploy

Json = Any
AFTER = {"id": "after", **WORK}


# guarantee: child-failure
def test_an_instance_that_fails_fails_its_step_with_its_error(play: Play) -> None:
    run = Family(play, SHIP, on_failure="suspend")
    child = run.begin()
    play.fail(child, "pack", code="no.box", message="there is no box")
    deliver(play)
    assert play.state(child) == "COMPENSATED"
    assert run.state("ship") == "DEAD_LETTER"
    assert run.error() == {
        "code": "no.box",
        "message": f"{child} ended as COMPENSATED: there is no box",
        "detail": {"instance": str(child), "state": "COMPENSATED", "task": "pack"},
    }
    assert run.whole()


def test_a_failure_is_caught_by_its_code(play: Play) -> None:
    caught = {"errors": ["no.box"], "steps": [{"id": "buy", "set": "bought"}]}
    run = Family(play, {"id": "t", "try": [SHIP], "catch": [caught]}, output="$.steps.t.output")
    play.fail(run.begin(), "pack", code="no.box")
    deliver(play)
    assert play.instance(run.parent, "state", "output") == ("SUCCEEDED", "bought")
    assert run.whole()


def test_a_try_that_is_made_again_starts_another(play: Play) -> None:
    again = {"id": "t", "try": [SHIP], "retry": {"attempts": 2, "backoff": 1, "jitter": 0}}
    run = Family(play, again, output="$.steps.t.output")
    first = run.begin()
    play.fail(first, "pack")
    deliver(play)
    pass_time(play.conn, "2 s")
    tick(play.conn)
    second = run.begin()
    assert second != first
    run.end(second, 2)
    assert play.instance(run.parent, "state", "output") == ("SUCCEEDED", 2)


def test_an_instance_that_is_cancelled_by_itself_fails_its_step(play: Play) -> None:
    run = Family(play, {**SHIP, "on_failure": "continue", "default": "none"}, AFTER)
    child = run.begin()
    calls.cancel_instances(play.conn, [child])
    deliver(play)
    assert play.task(run.parent, "ship", "state", "output") == ("FAILED", "none")
    assert run.error()["code"] == "cancelled"
    assert run.state("after") == "QUEUED"


def test_a_dead_letter_of_the_instance_is_its_own(play: Play) -> None:
    run = Family(play)
    deploy(play, "ship", {"id": "pack", **WORK}, on_failure="suspend")
    child = run.begin()
    play.fail(child, "pack")
    assert deliver(play) == 0
    assert (run.state(), run.state("ship")) == ("RUNNING", "WAITING")
    calls.redrive_dead_letters(play.conn, [calls.Key(child, "pack")])
    run.end(child, 1)
    assert run.state() == "SUCCEEDED"


def test_a_step_that_is_redriven_starts_another_instance(play: Play) -> None:
    run = Family(play, {**SHIP, "with": {"n": 1}, "key": "k"}, on_failure="suspend")
    first = run.begin()
    play.fail(first, "pack")
    deliver(play)
    assert play.row("select takes from onceflow.dead_letters where open") == ("input",)
    assert run.decide(calls.redrive_dead_letters) == "done"
    second = run.begin()
    assert play.instance(second, "input", "key") == ({"n": 1}, None)
    play.fail(second, "pack")
    deliver(play)
    assert run.decide(calls.redrive_dead_letters, "ship", [{"n": 2}]) == "done"
    third = run.begin()
    assert play.instance(third, "input") == ({"n": 2},)
    assert play.task(run.parent, "ship", "input") == ({"n": 2},)
    run.end(third)
    assert run.state() == "SUCCEEDED"
    assert run.whole()


@pytest.mark.parametrize(
    ("what", "more", "ends"),
    [
        (calls.skip_dead_letters, [[7]], "SUCCEEDED"),
        (calls.discard_dead_letters, [], "COMPENSATED"),
    ],
)
def test_a_step_whose_instance_has_failed_is_skipped_or_discarded(
    play: Play, what: Any, more: list[Json], ends: str
) -> None:
    run = Family(play, SHIP, on_failure="suspend")
    play.fail(run.begin(), "pack")
    deliver(play)
    assert run.decide(what, "ship", *more) == "done"
    assert run.state() == ends
    assert run.whole()


# guarantee: child-cancel
def test_what_is_cancelled_has_its_instances_end_first(play: Play) -> None:
    run = Family(play)
    child = run.begin()
    grant = play.take(child, "pack")
    calls.cancel_instances(play.conn, [run.parent])
    assert (run.state(), run.state("ship")) == ("CLOSING", "WAITING")
    deliver(play)
    assert play.state(child) == "CLOSING"
    assert run.whole()
    play.worker.complete(grant)
    deliver(play)
    assert play.state(child) == "COMPENSATING"
    play.complete(child, "pack.compensate")
    deliver(play)
    assert play.state(child) == "CANCELLED"
    assert (run.state(), run.state("ship")) == ("CANCELLED", "CANCELLED")
    assert run.whole()


def test_what_fails_beside_it_ends_the_instance(play: Play) -> None:
    run = Family(play, {**SHIP, "needs": []}, {"id": "b", **UNDO, "needs": []})
    child = run.begin()
    play.fail(run.parent, "b")
    deliver(play)
    assert (play.state(child), run.state("ship")) == ("CANCELLED", "CANCELLED")
    assert run.state() == "COMPENSATED"
    assert run.whole()


def test_the_loser_of_a_race_is_ended_behind_it(play: Play) -> None:
    lists = {"a": [SHIP], "b": [{"id": "nap", "sleep": "1m"}]}
    run = Family(play, {"id": "r", "race": lists}, AFTER, output="$.steps.r.output.winner")
    child = run.begin()
    pass_time(play.conn, "2 minutes")
    tick(play.conn)
    assert run.state("after") == "QUEUED"
    play.complete(run.parent, "after")
    assert run.state() == "RUNNING"
    deliver(play)
    assert (play.state(child), run.state("ship/1")) == ("CANCELLED", "CANCELLED")
    assert play.instance(run.parent, "state", "output") == ("SUCCEEDED", "b")
    assert run.whole()


# guarantee: child-never-started
def test_what_is_told_to_end_before_it_has_begun_never_begins(play: Play) -> None:
    run = Family(play, {**SHIP, "key": "k"})
    calls.cancel_instances(play.conn, [run.parent])
    assert run.state() == "CLOSING"
    deliver(play)
    assert (run.state(), run.state("ship")) == ("CANCELLED", "CANCELLED")
    assert play.value("select count(*) from onceflow.instances") == 1
    assert play.rows("select from onceflow.idempotency_key") == []
    assert play.rows("select from onceflow.delivery where state = 'sent'") == []
    assert run.whole()


@pytest.mark.parametrize("applied", [False, True])
def test_what_has_ended_is_not_ended_again(play: Play, *, applied: bool) -> None:
    run = Family(play, SHIP, AFTER)
    child = run.begin()
    play.complete(child, "pack", output=1)
    calls.cancel_instances(play.conn, [run.parent])
    if applied:  # what went down comes before what went up
        play.conn.execute("update onceflow.delivery set id = -1 where kind = 'cancel'")
    deliver(play)
    # It had succeeded, so it is undone.
    assert run.state("ship") == "SUCCEEDED"
    play.complete(child, "pack.compensate")
    deliver(play)
    assert (play.state(child), run.state()) == ("COMPENSATED", "CANCELLED")
    assert run.whole()


def test_to_be_told_twice_to_end_changes_nothing(play: Play) -> None:
    block = {"id": "g", "steps": [SHIP], "timeout": "1m", "on_failure": "continue"}
    run = Family(play, block, AFTER)
    child = run.begin()
    grant = play.take(child, "pack")
    pass_time(play.conn, "2 minutes")
    tick(play.conn)
    calls.cancel_instances(play.conn, [run.parent])
    assert play.value("select count(*) from onceflow.delivery where kind = 'cancel'") == 2
    deliver(play)
    play.worker.fail(grant)
    deliver(play)
    assert play.log(child, None) == ["RUNNING", "CLOSING", "CANCELLED"]
    assert run.state() == "CANCELLED"
    assert run.whole()


# guarantee: child-timeout
def test_a_step_out_of_time_ends_its_instance_and_then_fails(play: Play) -> None:
    run = Family(play, {**SHIP, "timeout": "1h", "on_failure": "continue"}, AFTER)
    child = run.begin()
    pass_time(play.conn, "2 hours")
    tick(play.conn)
    assert play.state(child) == "CANCELLED"
    deliver(play)
    assert (run.state("ship"), run.error()["code"]) == ("FAILED", "timeout")
    assert run.state("after") == "QUEUED"
    assert run.whole()


def test_what_has_succeeded_meanwhile_is_not_out_of_time(play: Play) -> None:
    run = Family(play, {**SHIP, "timeout": "1h"}, AFTER)
    play.complete(run.begin(), "pack", output=1)
    pass_time(play.conn, "2 hours")
    calls.fire_timers(play.conn, 100)
    deliver(play)
    assert play.task(run.parent, "ship", "state", "output", "error") == ("SUCCEEDED", 1, None)


def test_the_deadline_of_a_parent_goes_down(play: Play) -> None:
    run = Family(play, deadline="1h")
    child = run.begin()
    pass_time(play.conn, "2 hours")
    tick(play.conn)
    deliver(play)
    assert (play.state(child), run.state()) == ("CANCELLED", "COMPENSATED")


def test_the_hold_of_an_operator_is_that_of_one_instance(play: Play) -> None:
    run = Family(play, SHIP, AFTER)
    child = run.begin()
    calls.suspend_instances(play.conn, [run.parent])
    assert play.state(child, "pack") == "QUEUED"
    run.end(child)
    assert (run.state("ship"), run.state("after")) == ("SUCCEEDED", "READY")
    calls.resume_instances(play.conn, [run.parent])
    assert run.state("after") == "QUEUED"


def test_grandchildren_are_ended_from_above_and_end_from_below(play: Play) -> None:
    deploy(play, "ship", {"id": "pack", **UNDO})
    deploy(play, "middle", {"id": "before", **UNDO}, SHIP)
    run = Family(play, {"id": "m", "workflow": "middle"})
    middle = run.begin("m")
    play.complete(middle, "before")
    deliver(play)
    leaf = play.value("select id from onceflow.instances where parent_id = %s", middle)
    assert play.instance(leaf, "root_id") == (run.parent,)
    calls.cancel_instances(play.conn, [run.parent])
    deliver(play)
    assert [play.state(i) for i in (leaf, middle, run.parent)] == [
        "CANCELLED", "COMPENSATING", "CLOSING",
    ]  # fmt: skip
    play.complete(middle, "before.compensate")
    deliver(play)
    assert (play.state(middle), run.state()) == ("CANCELLED", "CANCELLED")
    assert run.whole()
