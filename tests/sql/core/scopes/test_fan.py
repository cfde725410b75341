"""Blocks of every kind of the fan open, run and end."""

from ...play import Play
from .support import Blocks, each, task

ITEMS = "$.input.items"


def test_a_group_runs_its_list_and_gives_the_output_of_its_last_step(play: Play) -> None:
    run = Blocks(
        play,
        task("a"),
        {"id": "g", "steps": [task("b"), task("c")]},
        task("d"),
        output="$.steps.g.output",
    )
    run.done("a")
    assert run.states() == {"a": "SUCCEEDED", "g": "WAITING", "g[0]/b": "QUEUED"}
    run.done("g[0]/b")
    assert run.due() == ["g[0]/c"]
    run.done("g[0]/c", output=7)
    assert run.state("g") == "SUCCEEDED"
    assert run.due() == ["d"]
    run.done("d")
    assert (run.state(), run.output()) == ("SUCCEEDED", 7)


def test_a_switch_takes_the_first_case_that_holds(play: Play) -> None:
    switch = {
        "id": "s",
        "switch": [
            {"when": "${ $.input.n == 1 }", "steps": [task("one")]},
            {"when": "${ $.input.n > 0 }", "steps": [task("more")]},
        ],
        "else": [task("none")],
    }
    for n, taken in ((1, "one"), (2, "more"), (0, "none")):
        run = Blocks(play, switch, given={"n": n}, output="$.steps.s.output")
        assert run.due() == [f"s[0]/{taken}"]
        run.done(f"s[0]/{taken}", output=taken)
        assert (run.state(), run.output()) == ("SUCCEEDED", taken)


def test_a_switch_without_a_case_that_holds_gives_null(play: Play) -> None:
    switch = {"id": "s", "switch": [{"when": "${ $.input.n == 1 }", "steps": [task("one")]}]}
    run = Blocks(play, switch, given={"n": 2}, output="$.steps.s.output")
    assert (run.state(), run.output(), run.states()) == ("SUCCEEDED", None, {"s": "SUCCEEDED"})


def test_parallel_branches_run_side_by_side(play: Play) -> None:
    run = Blocks(
        play,
        {"id": "p", "parallel": {"left": [task("a"), task("b")], "right": [task("c")]}},
        output="$.steps.p.output",
    )
    assert run.due() == ["p[0]/a", "p[1]/c"]
    run.complete({"p[0]/a": 1, "p[1]/c": 3})
    assert run.due() == ["p[0]/b"]
    run.done("p[0]/b", output=2)
    assert (run.state(), run.output()) == ("SUCCEEDED", {"left": 2, "right": 3})


def test_for_each_runs_so_many_items_at_a_time(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", {"n": "$.item", "i": "$.index"}), max_parallel=2),
        given={"items": [10, 20, 30]},
        output="$.steps.e.output",
    )
    assert run.due() == ["e[0]/a", "e[1]/a"]
    run.done("e[1]/a", output="second")
    assert run.due() == ["e[0]/a", "e[2]/a"]
    run.take("e[2]/a")
    assert run.grants["e[2]/a"].input == {"n": 30, "i": 2}
    run.complete({"e[0]/a": "first", "e[2]/a": "third"})
    assert (run.state(), run.output()) == ("SUCCEEDED", ["first", "second", "third"])


# guarantee: open-side-by-side
def test_as_many_items_open_as_have_ended(play: Play) -> None:
    block = each("e", ITEMS, task("a"), max_parallel=2)
    run = Blocks(play, block, given={"items": [1, 2, 3, 4, 5]})
    run.done("e[1]/a")
    assert run.due() == ["e[0]/a", "e[2]/a"]
    run.done("e[0]/a", "e[2]/a")
    assert run.due() == ["e[3]/a", "e[4]/a"]


def test_for_each_of_nothing_gives_an_empty_list(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a")), given={"items": []}, output="$.steps.e.output")
    assert (run.state(), run.output()) == ("SUCCEEDED", [])


def test_for_each_of_anything_but_an_array_fails(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a")), given={"items": {"a": 1}})
    assert run.state() == "COMPENSATED"
    assert "takes an array" in play.instance(run.id, "error")[0]["message"]


def test_the_first_of_a_race_wins_and_the_others_are_cancelled(play: Play) -> None:
    run = Blocks(
        play,
        {"id": "r", "race": {"fast": [task("a")], "slow": [task("b"), task("c")]}},
        task("z"),
        output="$.steps.r.output",
    )
    run.take("r[1]/b")
    run.done("r[0]/a", output=5)
    assert run.scopes() == {"r[0]": "SUCCEEDED", "r[1]": "CLOSING"}
    assert run.due() == ["z"]
    run.done("z")
    # All has to drain before the instance ends.
    assert run.state() == "RUNNING"
    run.done("r[1]/b")
    assert run.scopes()["r[1]"] == "CANCELLED"
    assert (run.state(), run.output()) == ("SUCCEEDED", {"winner": "fast", "output": 5})


def test_of_two_that_end_together_the_first_written_wins_a_race(play: Play) -> None:
    run = Blocks(
        play, {"id": "r", "race": {"x": [task("a")], "y": [task("b")]}}, output="$.steps.r.output"
    )
    run.complete({"r[1]/b": 2, "r[0]/a": 1})
    assert run.scopes() == {"r[0]": "SUCCEEDED", "r[1]": "CANCELLED"}
    assert run.output() == {"winner": "x", "output": 1}


def test_blocks_nest_and_see_what_lies_around_them(play: Play) -> None:
    inner = each("inner", "$.order.lines", task("line", {"of": "$.order.id", "line": "$.item"}))
    run = Blocks(
        play,
        task("first"),
        each("outer", ITEMS, task("head"), inner, **{"as": "order"}),
        given={"items": [{"id": 1, "lines": ["p", "q"]}, {"id": 2, "lines": ["r"]}]},
        output="$.steps.outer.output",
    )
    run.done("first")
    run.done("outer[0]/head", "outer[1]/head")
    assert run.due() == [
        "outer[0]/inner[0]/line",
        "outer[0]/inner[1]/line",
        "outer[1]/inner[0]/line",
    ]
    run.take("outer[1]/inner[0]/line")
    assert run.grants["outer[1]/inner[0]/line"].input == {"of": 2, "line": "r"}
    run.complete(
        {"outer[0]/inner[0]/line": 1, "outer[0]/inner[1]/line": 2, "outer[1]/inner[0]/line": 3}
    )
    assert (run.state(), run.output()) == ("SUCCEEDED", [[1, 2], [3]])


def test_a_join_in_a_block_waits_for_all_edges_of_its_own_scope(play: Play) -> None:
    steps = [task("a"), task("b", needs=[]), task("c", needs=["a", "b"])]
    run = Blocks(play, each("e", ITEMS, *steps), given={"items": [1, 2]})
    run.done("e[0]/a", "e[1]/b")
    assert run.due() == ["e[0]/b", "e[1]/a"]
    run.done("e[0]/b")
    assert run.due() == ["e[0]/c", "e[1]/a"]
    run.done("e[1]/a", "e[0]/c")
    run.done("e[1]/c")
    assert run.state() == "SUCCEEDED"


# guarantee: ended-at-once
def test_what_ends_at_once_ends_its_scope(play: Play) -> None:
    step = task("a", when="${ $.index == 0 }")
    run = Blocks(play, each("e", ITEMS, step, max_parallel=1), given={"items": [1, 2, 3]})
    assert run.scopes() == {"e[0]": "OPEN", "e[1]": "WAITING", "e[2]": "WAITING"}
    run.done("e[0]/a")
    assert run.state() == "SUCCEEDED"
    later = [task("a"), task("b", when="${ $.index == 0 }")]
    run = Blocks(play, each("e", ITEMS, *later, max_parallel=1), given={"items": [1, 2, 3]})
    run.done("e[0]/a")
    run.done("e[0]/b")
    run.done("e[1]/a")
    assert run.due() == ["e[2]/a"]
