"""Steps that start instances of their own, and what these give and see."""

from typing import Any

import pytest

from onceflow.engine import calls

from ...play import Play, pass_time, tick
from .support import SHIP, UNDO, WORK, Family, deliver, deploy

Json = Any


# guarantee: child-started
def test_a_step_has_an_instance_run_and_gives_its_output(play: Play) -> None:
    run = Family(
        play,
        {**SHIP, "with": {"to": "$.input.city"}},
        {"id": "b", **WORK, "with": {"no": "$.steps.ship.output.no"}},
        given={"city": "Łódź"},
    )
    assert play.task(run.parent, "ship", "state", "input", "open") == (
        "WAITING", {"to": "Łódź"}, True,
    )  # fmt: skip
    child = run.begin()
    assert play.instance(child, "workflow", "state", "input", "parent_id", "root_id") == (
        "ship", "RUNNING", {"to": "Łódź"}, run.parent, run.parent,
    )  # fmt: skip
    assert str(child)[:14] == str(run.parent)[:14]
    assert run.whole()
    run.end(child, {"no": 17})
    assert play.state(child) == "SUCCEEDED"
    assert play.task(run.parent, "ship", "state", "output") == ("SUCCEEDED", {"no": 17})
    assert play.take(run.parent, "b").input == {"no": 17}
    assert play.log(run.parent, "ship") == ["WAITING", "SUCCEEDED"]
    assert play.rows("select from onceflow.wait") == []
    assert run.whole()


# guarantee: alone-parent
def test_one_without_an_output_that_ends_alone_tells_its_parent(play: Play) -> None:
    run = Family(play)
    deploy(play, "ship", {"id": "pack", **WORK})
    child = run.begin()
    run.end(child)
    assert play.state(child) == "SUCCEEDED"
    assert run.state("ship") == "SUCCEEDED"
    assert run.whole()


def test_an_instance_knows_who_has_started_it(play: Play) -> None:
    seen = {"parent": "$.instance.parent", "root": "$.instance.root"}
    deploy(play, "leaf", {"id": "s", "set": seen}, output="$.steps.s.output")
    deploy(play, "middle", {"id": "m", "workflow": "leaf"}, output="$.steps.m.output")
    deploy(
        play, "top", {"id": "t", "workflow": "middle"}, {"id": "s", "set": seen},
        output={"leaf": "$.steps.t.output", "own": "$.steps.s.output"},
    )  # fmt: skip
    top = play.start("top")
    deliver(play)
    middle = play.value("select id from onceflow.instances where parent_id = %s", top)
    assert play.instance(top, "state", "output") == (
        "SUCCEEDED",
        {
            "leaf": {"parent": str(middle), "root": str(top)},
            "own": {"parent": None, "root": str(top)},
        },
    )


def test_the_latest_version_is_taken_as_the_step_comes_due_or_the_one_named(play: Play) -> None:
    run = Family(play, {"id": "a", **WORK}, SHIP, {"id": "old", "workflow": "ship", "version": 1})
    deploy(play, "ship", {"id": "s", "set": 2}, output="$.steps.s.output")
    play.complete(run.parent, "a")
    deliver(play)
    assert play.task(run.parent, "ship", "output") == (2,)
    assert play.instance(run.begin("old"), "version", "state") == (1, "RUNNING")


REFUSED: list[tuple[Json, str, str]] = [
    ({"workflow": "shop"}, "workflow.unknown", "there is no workflow shop; deploy it"),
    ({"workflow": "ship", "version": 9}, "workflow.unknown", "no workflow ship in version 9"),
    ({"workflow": "strict"}, "workflow.input", "/n is missing"),
    ({"workflow": "shut"}, "workflow.disabled", "shut has been disabled for new starts since"),
]


@pytest.mark.parametrize(("step", "code", "message"), REFUSED, ids=[code for _, code, _ in REFUSED])
def test_what_cannot_start_fails_the_step(play: Play, step: Json, code: str, message: str) -> None:
    deploy(play, "strict", {"id": "s", "set": 1}, input={"type": "object", "required": ["n"]})
    deploy(play, "shut", {"id": "s", "set": 1})
    calls.disable_workflows(play.conn, ["shut"])
    run = Family(play, {"id": "ship", **step})
    deliver(play)
    assert run.error()["code"] == code
    assert message in run.error()["message"]
    assert run.state() == "COMPENSATED"
    assert run.children() == []
    assert run.whole()


def test_what_is_no_input_fails_the_step(play: Play) -> None:
    run = Family(play, {**SHIP, "with": "$.input.a", "on_failure": "continue"}, given={"a": [1]})
    deliver(play)
    assert run.error()["code"] == "workflow.input"
    assert run.state() == "SUCCEEDED"


# guarantee: child-depth
def test_families_end_at_sixteen_below_the_first(play: Play) -> None:
    deploy(
        play, "loop", {"id": "again", "workflow": "loop", "when": "$.input.n > 0",
                       "with": {"n": "$.input.n - 1"}, "on_failure": "continue",
                       "default": {"depth": 0}},
        {"id": "s", "set": {"depth": "$.steps.again.output.depth + 1"},
         "when": "$.steps.again.state != \"SKIPPED\""},
        output='$.steps.s.output | default({"depth": 0})',
    )  # fmt: skip
    top = play.start("loop", {"n": 40})
    deliver(play)
    assert play.state(top) == "SUCCEEDED"
    assert play.value("select count(*) from onceflow.instances") == 17
    assert play.value("select max(depth) from onceflow.child") == 16
    assert (
        play.value("select error ->> 'code' from onceflow.tasks where state = 'FAILED'")
        == "workflow.depth"
    )


def test_a_key_names_the_instance(play: Play) -> None:
    run = Family(play, {**SHIP, "key": "order-${ $.input.id }"}, given={"id": 17})
    child = run.begin()
    assert play.instance(child, "key") == ("order-17",)
    (again,) = calls.start_instances(play.conn, "ship", [{}], ["order-17"])
    assert (again.outcome, again.instance_id) == ("exists", child)


# guarantee: child-key
def test_an_instance_of_somebody_else_is_not_taken_for_a_child(play: Play) -> None:
    deploy(play, "ship", {"id": "pack", **UNDO})
    (other,) = calls.start_instances(play.conn, "ship", [{}], ["k"])
    run = Family(play, {**SHIP, "key": "k"})
    deliver(play)
    assert run.error()["code"] == "workflow.key"
    assert run.error()["detail"] == {"instance": str(other.instance_id)}
    assert play.state(other.instance_id) == "RUNNING"


def test_of_several_that_want_one_key_the_first_has_it(play: Play) -> None:
    items = list(range(40))
    each = {"id": "x", "for_each": items, "steps": [{**SHIP, "key": "k"}], "tolerate": 40}
    run = Family(play, each)
    deliver(play)
    assert run.state("ship/1") == "WAITING"
    assert {run.state(f"ship/{n}") for n in range(2, 41)} == {"FAILED"}
    assert run.whole()


def test_a_detached_step_is_done_with_its_instance_as_it_starts(play: Play) -> None:
    run = Family(play, {**SHIP, "detach": True}, {"id": "b", **UNDO})
    child = run.begin()
    assert play.task(run.parent, "ship", "state", "output") == (
        "SUCCEEDED", {"instance": str(child)},
    )  # fmt: skip
    assert play.instance(child, "state", "parent_id", "root_id") == ("RUNNING", None, None)
    play.fail(run.parent, "b")
    deliver(play)
    assert (run.state(), play.state(child)) == ("COMPENSATED", "RUNNING")
    play.complete(child, "pack")
    assert deliver(play) == 0
    assert run.whole()


def test_a_detached_step_with_a_key_finds_the_instance_that_is_there(play: Play) -> None:
    run = Family(play, {**SHIP, "detach": True, "key": "k"})
    child = run.begin()
    again = play.start("order")
    deliver(play)
    assert play.task(again, "ship", "output") == ({"instance": str(child)},)
    deploy(play, "order", {**SHIP, "detach": True, "key": "k", "with": {"n": 1}})
    other = play.start("order")
    deliver(play)
    assert play.task(other, "ship", "error")[0]["code"] == "workflow.key"


@pytest.mark.parametrize("key", [[1], "", "k" * 256])
def test_what_is_no_key_fails_the_step(play: Play, key: Json) -> None:
    run = Family(play, {**SHIP, "key": "${ $.input.k }"}, given={"k": key}, on_failure="suspend")
    assert deliver(play) == 0
    assert (run.state("ship"), run.error()["code"]) == ("DEAD_LETTER", "expression")
    assert run.decide(calls.redrive_dead_letters, "ship", [{"n": 1}]) == "done"
    assert play.instance(run.begin(), "input", "key") == ({"n": 1}, None)


def test_a_step_in_each_item_starts_one_for_each(play: Play) -> None:
    each = {"id": "e", "for_each": "$.input.items", "steps": [{**SHIP, "with": {"n": "$.item"}}]}
    run = Family(play, each, given={"items": [3, 4]}, output="$.steps.e.output")
    deliver(play)
    for task, n in (("ship/1", 3), ("ship/2", 4)):
        (child,) = run.children(task)
        assert play.instance(child, "input") == ({"n": n},)
        run.end(child, n * 10)
    assert play.instance(run.parent, "state", "output") == ("SUCCEEDED", [30, 40])
    assert run.whole()


def test_its_deadline_counts_from_its_start(play: Play) -> None:
    deploy(play, "slow", {"id": "a", **WORK}, deadline="1h")
    run = Family(play, {"id": "ship", "workflow": "slow"})
    child = run.begin()
    pass_time(play.conn, "2 hours")
    tick(play.conn)
    deliver(play)
    assert (play.state(child), run.state()) == ("COMPENSATED", "COMPENSATED")
    assert run.error()["code"] == play.instance(child, "error")[0]["code"]
