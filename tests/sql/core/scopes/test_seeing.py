"""What expressions in blocks see, and when they are evaluated."""

from ...play import Play
from .support import Blocks, each, task

ITEMS = "$.input.items"


# guarantee: innermost-item
def test_item_and_index_are_those_of_the_innermost_for_each(play: Play) -> None:
    inner = each("i", "$.item.lines", task("a", {"item": "$.item", "index": "$.index"}))
    run = Blocks(
        play, each("o", ITEMS, inner), given={"items": [{"lines": ["p"]}, {"lines": ["q", "r"]}]}
    )
    run.take("o[1]/i[1]/a")
    assert run.grants["o[1]/i[1]/a"].input == {"item": "r", "index": 1}


# guarantee: as-names
def test_as_names_the_items_of_each_for_each_around(play: Play) -> None:
    seen = {"order": "$.order.id", "n": "$.order_index", "line": "$.line", "m": "$.line_index"}
    inner = each("i", "$.order.lines", task("a", seen), **{"as": "line"})
    run = Blocks(
        play,
        each("o", ITEMS, inner, **{"as": "order"}),
        given={"items": [{"id": 8, "lines": []}, {"id": 9, "lines": ["q", "r"]}]},
    )
    run.take("o[1]/i[0]/a")
    assert run.grants["o[1]/i[0]/a"].input == {"order": 9, "n": 1, "line": "q", "m": 0}


# guarantee: seen-own-scope
def test_a_step_sees_the_steps_of_its_own_item(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a"), task("b", {"of": "$.steps.a.output"})),
        given={"items": [1, 2]},
    )
    run.complete({"e[0]/a": "first", "e[1]/a": "second"})
    run.take("e[0]/b", "e[1]/b")
    assert run.grants["e[0]/b"].input == {"of": "first"}
    assert run.grants["e[1]/b"].input == {"of": "second"}


def test_a_step_in_nested_blocks_sees_what_ended_around_it(play: Play) -> None:
    group = {"id": "g", "steps": [task("c", {"a": "$.steps.a.output", "b": "$.steps.b.output"})]}
    run = Blocks(play, task("a"), each("e", ITEMS, task("b"), group), given={"items": [1, 2]})
    run.done("a", output="out")
    run.complete({"e[0]/b": 10, "e[1]/b": 11})
    run.take("e[1]/g[0]/c")
    assert run.grants["e[1]/g[0]/c"].input == {"a": "out", "b": 11}


# guarantee: undo-sees-item
def test_a_compensation_sees_its_item_and_the_output_of_its_own_step(play: Play) -> None:
    step = {
        "id": "a",
        "task": "work",
        "compensate": {"task": "undo", "with": {"item": "$.item", "made": "$.output"}},
    }
    run = Blocks(play, each("e", ITEMS, step, task("b"), tolerate=1), given={"items": ["p", "q"]})
    run.complete({"e[0]/a": "made of p", "e[1]/a": "made of q"})
    run.fails("e[1]/b")
    run.take("e[1]/a.compensate")
    assert run.grants["e[1]/a.compensate"].input == {"item": "q", "made": "made of q"}


# guarantee: cases-lazy
def test_cases_behind_the_one_that_is_taken_are_not_evaluated(play: Play) -> None:
    cases = [
        {"when": "${ $.input.n == 1 }", "steps": [task("one")]},
        {"when": "${ $.input.text > 1 }", "steps": [task("two")]},
    ]
    run = Blocks(play, {"id": "s", "switch": cases}, given={"n": 1, "text": "no number"})
    assert run.due() == ["s[0]/one"]
    failing = Blocks(play, {"id": "s", "switch": cases}, given={"n": 2, "text": "no number"})
    assert failing.state() == "COMPENSATED"


def test_a_case_that_is_no_boolean_fails_its_step(play: Play) -> None:
    cases = [{"when": "$.input.n", "steps": [task("one")]}]
    run = Blocks(play, {"id": "s", "switch": cases}, given={"n": 1})
    assert run.state() == "COMPENSATED"
    assert run.state("s") == "DEAD_LETTER"


def test_more_items_than_can_be_are_refused(play: Play) -> None:
    items = list(range(100_001))
    run = Blocks(play, each("e", ITEMS, task("a"), on_failure="continue"), given={"items": items})
    assert run.state() == "SUCCEEDED"
    (error,) = play.row("select error from onceflow.task where instance_id = %s", run.id)
    assert error["code"] == "flow.limit"


# guarantee: null-where-failed
def test_outputs_are_in_order_and_null_where_an_item_failed(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("b"), task("a", needs=[]), tolerate=1),
        given={"items": [1, 2, 3]},
        output="$.steps.e.output",
    )
    run.done("e[1]/a", output="second")
    run.fails("e[1]/b")
    run.done("e[0]/b", "e[2]/b")
    run.done("e[2]/a", output="third")
    run.done("e[0]/a", output="first")
    assert run.output() == ["first", None, "third"]


def test_a_block_within_a_block_gives_its_output_to_the_list_around(play: Play) -> None:
    group = {"id": "g", "parallel": {"l": [task("a")], "r": [task("b")]}}
    run = Blocks(play, each("e", ITEMS, group), given={"items": [1]}, output="$.steps.e.output")
    run.complete({"e[0]/g[0]/a": 1, "e[0]/g[1]/b": 2})
    assert run.output() == [{"l": 1, "r": 2}]


def test_a_block_skipped_by_its_when_opens_nothing(play: Play) -> None:
    block = each("e", ITEMS, task("a"), when="${ $.input.go }")
    run = Blocks(play, block, given={"items": [1], "go": False}, output={"e": "$.steps.e.output"})
    assert (run.states(), run.scopes(), run.output()) == ({"e": "SKIPPED"}, {}, {"e": None})
