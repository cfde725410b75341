"""Instances that have succeeded, and are undone since the step that started them is."""

from typing import Any

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play
from .support import SHIP, UNDO, WORK, Family, deliver, deploy

Json = Any
LAST = {"id": "last", **WORK}


def succeed(run: Family, task: str | None = None) -> Any:
    """Bring the instance of a task to its end, and return it."""
    child = run.begin(task)
    run.end(child, 1)
    return child


# guarantee: child-undone
def test_an_instance_is_undone_by_its_own_way_back(play: Play) -> None:
    run = Family(play, {"id": "first", **UNDO}, SHIP, {"id": "third", **UNDO}, LAST)
    play.complete(run.parent, "first")
    child = succeed(run)
    play.complete(run.parent, "third")
    play.fail(run.parent, "last")
    play.complete(run.parent, "third.compensate")
    assert play.task(run.parent, "ship.compensate", "state", "kind") == ("WAITING", "undo_child")
    assert run.state("first.compensate") == "WAITING"
    deliver(play)
    assert play.instance(child, "state", "closing_as", "output") == (
        "COMPENSATING", "COMPENSATED", None,
    )  # fmt: skip
    assert run.whole()
    play.complete(child, "pack.compensate")
    assert play.state(child) == "COMPENSATED"
    assert run.state("first.compensate") == "WAITING"
    deliver(play)
    assert run.state("ship.compensate") == "SUCCEEDED"
    play.complete(run.parent, "first.compensate")
    assert run.state() == "COMPENSATED"
    assert play.log(child, None) == ["RUNNING", "SUCCEEDED", "COMPENSATING", "COMPENSATED"]
    assert run.whole()


def test_one_with_nothing_to_undo_is_undone_at_once(play: Play) -> None:
    run = Family(play, SHIP, LAST)
    deploy(play, "ship", {"id": "pack", **WORK})
    child = succeed(run)
    play.fail(run.parent, "last")
    deliver(play)
    assert (play.state(child), run.state()) == ("COMPENSATED", "COMPENSATED")
    assert play.log(child, None) == ["RUNNING", "SUCCEEDED", "COMPENSATED"]
    assert run.whole()


def test_one_that_has_not_succeeded_is_not_undone(play: Play) -> None:
    run = Family(play, {**SHIP, "on_failure": "continue"}, LAST)
    play.fail(run.begin(), "pack")
    deliver(play)
    play.fail(run.parent, "last")
    assert run.state() == "COMPENSATED"
    assert "ship.compensate" not in play.states(run.parent)


# guarantee: child-undo-failure
def test_a_way_back_that_failed_below_is_a_dead_letter_above(play: Play) -> None:
    run = Family(play, {"id": "first", **UNDO}, SHIP, LAST)
    play.complete(run.parent, "first")
    child = succeed(run)
    play.fail(run.parent, "last")
    deliver(play)
    play.fail(child, "pack.compensate")
    assert deliver(play) == 0
    assert (play.state(child), run.state("ship.compensate")) == ("COMPENSATING", "WAITING")
    calls.discard_dead_letters(play.conn, [Key(child, "pack.compensate")])
    deliver(play)
    assert play.state(child) == "FAILED"
    assert run.state("ship.compensate") == "DEAD_LETTER"
    assert run.error("ship.compensate")["detail"]["state"] == "FAILED"
    assert play.row("select takes from onceflow.dead_letters where open") == (None,)
    assert run.decide(calls.redrive_dead_letters, "ship.compensate") == "refused"
    assert run.whole()
    assert run.decide(calls.skip_dead_letters, "ship.compensate", [None]) == "done"
    play.complete(run.parent, "first.compensate")
    assert run.state() == "COMPENSATED"
    assert run.whole()


def test_discarded_it_leaves_its_parent_failed(play: Play) -> None:
    run = Family(play, {"id": "first", **UNDO}, SHIP, LAST)
    play.complete(run.parent, "first")
    child = succeed(run)
    play.fail(run.parent, "last")
    deliver(play)
    play.fail(child, "pack.compensate")
    calls.discard_dead_letters(play.conn, [Key(child, "pack.compensate")])
    deliver(play)
    assert run.decide(calls.discard_dead_letters, "ship.compensate") == "done"
    play.complete(run.parent, "first.compensate")
    assert run.state() == "FAILED"
    assert run.whole()


def test_items_are_undone_with_their_instances_side_by_side(play: Play) -> None:
    each = {"id": "e", "for_each": "$.input.items", "steps": [SHIP, {"id": "b", **UNDO}]}
    run = Family(play, each, LAST, given={"items": [1, 2]})
    children = [succeed(run, f"ship/{n}") for n in (1, 2)]
    play.complete(run.parent, "b/1", "b/2")
    play.fail(run.parent, "last")
    play.complete(run.parent, "b.compensate/1", "b.compensate/2")
    deliver(play)
    assert [play.state(child) for child in children] == ["COMPENSATING"] * 2
    for child in children:
        play.complete(child, "pack.compensate")
    deliver(play)
    assert run.state() == "COMPENSATED"
    assert run.whole()


def test_a_caught_block_undoes_its_instances_before_it_goes_on(play: Play) -> None:
    caught = {"steps": [{"id": "c", **WORK}]}
    run = Family(play, {"id": "t", "try": [SHIP, LAST], "catch": [caught]})
    child = succeed(run, "ship/1")
    play.fail(run.parent, "last/1")
    assert "c/2" not in play.states(run.parent)
    deliver(play)
    assert play.state(child) == "COMPENSATING"
    play.complete(child, "pack.compensate")
    deliver(play)
    assert run.state("c/2") == "QUEUED"
    assert run.whole()


# guarantee: child-redrive
def test_of_a_step_that_was_redriven_the_last_instance_is_undone(play: Play) -> None:
    run = Family(play, {**SHIP, "on_failure": "suspend"}, LAST)
    first = run.begin()
    play.fail(first, "pack")
    deliver(play)
    run.decide(calls.redrive_dead_letters)
    second = succeed(run)
    play.fail(run.parent, "last")
    deliver(play)
    assert (play.state(first), play.state(second)) == ("COMPENSATED", "COMPENSATING")


def test_grandchildren_are_undone_from_above(play: Play) -> None:
    deploy(play, "ship", {"id": "pack", **UNDO})
    deploy(play, "middle", SHIP, {"id": "b", **UNDO})
    run = Family(play, {"id": "m", "workflow": "middle"}, LAST)
    middle = run.begin("m")
    leaf = play.value("select id from onceflow.instances where parent_id = %s", middle)
    run.end(leaf)
    play.complete(middle, "b")
    deliver(play)
    play.fail(run.parent, "last")
    deliver(play)
    assert (play.state(middle), play.state(leaf)) == ("COMPENSATING", "SUCCEEDED")
    play.complete(middle, "b.compensate")
    deliver(play)
    play.complete(leaf, "pack.compensate")
    deliver(play)
    assert [play.state(i) for i in (leaf, middle, run.parent)] == ["COMPENSATED"] * 3
    assert run.whole()


def test_nobody_else_reopens_what_has_succeeded(play: Play) -> None:
    run = Family(play, SHIP, LAST)
    child = succeed(run)
    (answer,) = calls.cancel_instances(play.conn, [child])
    assert (answer.outcome, play.state(child)) == ("refused", "SUCCEEDED")


def test_one_that_is_undone_tells_of_no_failure(play: Play) -> None:
    run = Family(play, SHIP, LAST)
    deploy(play, "ship", {"id": "pack", **UNDO}, on_failed={"task": "work"})
    child = succeed(run)
    play.fail(run.parent, "last")
    deliver(play)
    play.complete(child, "pack.compensate")
    deliver(play)
    assert (play.state(child), run.state()) == ("COMPENSATED", "COMPENSATED")
    assert run.whole()
