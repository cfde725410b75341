"""A block, or a step in one, is redriven with what its failed expression should have given."""

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, Json, each, task


def redrive(run: Blocks, path: str, value: Json = None) -> tuple[str, str]:
    """Redrive a dead letter and return the outcome with its detail."""
    (decided,) = calls.redrive_dead_letters(run.play.conn, [run.key(path)], [value])
    return decided.outcome, decided.detail


def test_a_for_each_takes_the_array_of_its_items(play: Play) -> None:
    run = Blocks(play, each("x", "$.input.none", task("a")), on_failure="suspend")
    assert redrive(run, "x", 7) == (
        "refused",
        "its expression failed: give the array that it should have given",
    )
    assert redrive(run, "x", [1, 2])[0] == "done"
    assert run.due() == ["x[0]/a", "x[1]/a"]
    run.done("x[0]/a", "x[1]/a")
    assert run.state() == "SUCCEEDED"
    assert calls.check_instances(play.conn) == []


def test_of_a_switch_the_cases_behind_the_one_that_is_answered_are_evaluated(play: Play) -> None:
    cases = [
        {"when": "$.input.none", "steps": [task("a")]},
        {"when": "$.input.none", "steps": [task("b")]},
        {"when": True, "steps": [task("c")]},
    ]
    run = Blocks(play, {"id": "s", "switch": cases}, on_failure="suspend")
    place = f"select error ->> 'place' from onceflow.tasks where instance_id = '{run.id}'"
    assert play.value(place) == "case 0"
    assert redrive(run, "s", "yes")[0] == "refused"
    assert redrive(run, "s", False)[0] == "done"
    assert play.value(place) == "case 1"
    assert redrive(run, "s", False)[0] == "done"
    assert run.due() == ["s[0]/c"]


def test_a_block_whose_condition_failed_begins_or_is_skipped(play: Play) -> None:
    for holds in (True, False):
        group = {"id": "g", "when": "$.input.none", "steps": [task("a")]}
        run = Blocks(play, group, task("b"), on_failure="suspend")
        assert redrive(run, "g", holds)[0] == "done"
        assert run.due() == (["g[0]/a"] if holds else ["b"])


def test_a_set_in_an_item_passes_on_and_ends_its_scope(play: Play) -> None:
    last = {"id": "a", "set": "$.item.none", "on_failure": "suspend"}
    run = Blocks(play, each("x", [{}, {"none": 1}], last), output="$.steps.x.output")
    assert run.scopes() == {"x[0]": "OPEN", "x[1]": "SUCCEEDED"}
    assert redrive(run, "x[0]/a", 5)[0] == "done"
    assert (run.state(), run.output()) == ("SUCCEEDED", [5, 1])
    assert calls.check_instances(play.conn) == []


def test_what_ran_too_long_is_not_tried_again(play: Play) -> None:
    group = {"id": "g", "timeout": "5s", "steps": [task("a")]}
    run = Blocks(play, group, on_failure="suspend")
    run.wait("6 s")
    assert redrive(run, "g", 1) == (
        "refused",
        "nothing can be tried again: skip it with the output that it should give, or discard it",
    )
