"""How many failures a fan bears, and who handles one that it does not bear."""

import pytest

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, Json, each, task

ITEMS = "$.input.items"


def items(count: int) -> Json:
    """Return an input with so many items."""
    return {"items": list(range(count))}


# guarantee: percent-borne
@pytest.mark.parametrize(("failed", "state"), [(2, "RUNNING"), (3, "COMPENSATED")])
def test_a_percentage_is_used_up_when_more_of_all_items_have_failed(
    play: Play, failed: int, state: str
) -> None:
    run = Blocks(play, each("e", ITEMS, task("a"), tolerate="20%"), given=items(10))
    run.fails(*(f"e[{n}]/a" for n in range(failed)))
    assert run.state() == state


# guarantee: tolerance-one-call
def test_failures_of_one_call_are_counted_together(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a"), tolerate=2), given=items(4))
    run.fails("e[0]/a", "e[1]/a", "e[2]/a")
    assert run.state() == "COMPENSATED"


# guarantee: tolerance-once
def test_two_failures_of_one_item_in_one_call_count_once(play: Play) -> None:
    steps = [task("a"), task("b", needs=[])]
    run = Blocks(play, each("e", ITEMS, *steps, tolerate=1), given=items(2))
    run.fails("e[0]/a", "e[0]/b")
    assert (run.state(), run.scopes()) == ("RUNNING", {"e[0]": "FAILED", "e[1]": "OPEN"})
    run.done("e[1]/a", "e[1]/b")
    assert run.state() == "SUCCEEDED"


# guarantee: tolerance-earlier
def test_a_failure_counts_from_when_its_item_begins_to_close(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given=items(2)
    )
    run.done("e[0]/a", "e[1]/a")
    run.fails("e[0]/b")
    assert run.scopes()["e[0]"] == "COMPENSATING"
    run.fails("e[1]/b")
    assert run.state() == "CLOSING"
    run.done("e[0]/a.compensate")
    run.done("e[1]/a.compensate")
    assert run.state() == "COMPENSATED"


# guarantee: join-unreachable
def test_a_failure_that_puts_a_join_out_of_reach_is_not_borne(play: Play) -> None:
    branches = {name: [task(name)] for name in "abc"}
    run = Blocks(play, {"id": "p", "parallel": branches, "join": 2})
    run.fails("p[0]/a")
    assert run.state() == "RUNNING"
    run.fails("p[2]/c")
    assert (run.state(), run.state("p[1]/b")) == ("COMPENSATED", "CANCELLED")


def test_a_join_ends_its_block_with_as_many_successes_as_it_needs(play: Play) -> None:
    branches = {name: [task(name)] for name in "abc"}
    run = Blocks(
        play, {"id": "p", "parallel": branches, "join": 2}, task("z"), output="$.steps.p.output"
    )
    run.complete({"p[0]/a": 1, "p[2]/c": 3})
    assert (run.due(), run.state("p[1]/b")) == (["z"], "CANCELLED")
    run.done("z")
    assert run.output() == {"a": 1, "c": 3}


def test_fewer_items_than_a_join_needs_fail_at_once(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a"), join=3), given=items(2))
    assert run.state() == "COMPENSATED"
    assert play.instance(run.id, "error")[0]["code"] == "flow.join"


# guarantee: handler-inner-first
def test_the_innermost_that_handles_a_failure_does_so(play: Play) -> None:
    inner = {
        "id": "g",
        "steps": [task("a", undo=True), task("b")],
        "on_failure": "continue",
        "default": 5,
    }
    run = Blocks(play, each("e", ITEMS, inner), given=items(2), output="$.steps.e.output")
    run.done("e[0]/g[0]/a", "e[1]/g[0]/a")
    run.fails("e[0]/g[0]/b")
    assert run.scopes()["e[0]"] == "OPEN"
    run.done("e[0]/g[0]/a.compensate")
    run.done("e[1]/g[0]/b", output=6)
    assert (run.state(), run.output()) == ("SUCCEEDED", [5, 6])


# guarantee: continue-under-closing
def test_a_block_that_continues_goes_no_further_when_what_is_around_it_closes(play: Play) -> None:
    steps = [task("p", undo=True), task("a", needs=["p"]), task("b", needs=[])]
    group = {"id": "g", "steps": steps, "on_failure": "continue"}
    branches = {"x": [group, task("d", needs=[]), task("c", needs=["g", "d"])], "y": [task("win")]}
    run = Blocks(play, {"id": "r", "race": branches}, task("z"))
    run.done("r[0]/g[0]/p")
    run.take("r[0]/g[0]/b", "r[0]/d")
    run.fails("r[0]/g[0]/a")
    assert run.state("r[0]/g") == "WAITING"
    run.done("r[1]/win")
    run.done("r[0]/g[0]/b")
    # It is undone with the scope around, in which a task still runs.
    assert run.due() == ["z"]
    run.done("r[0]/d")
    run.done("r[0]/g[0]/p.compensate")
    assert "r[0]/c" not in run.states()
    assert run.scopes()["r[0]"] == "CANCELLED"
    run.done("z")
    assert run.state() == "SUCCEEDED"


# guarantee: outermost-wins
def test_of_failures_in_one_call_the_outermost_scope_to_close_wins(play: Play) -> None:
    inner = each("i", "$.item", task("p", undo=True), task("a"), tolerate=5)
    outer = each("o", ITEMS, inner, task("b", needs=[]), tolerate=1)
    run = Blocks(play, outer, given={"items": [[1, 2], [3]]})
    run.done("o[0]/i[0]/p")
    run.fails("o[0]/i[0]/a", "o[0]/b")
    states = run.states()
    assert (states["o[0]/i[0]/a"], states["o[0]/b"], states["o[0]/i"]) == ("FAILED",) * 3
    assert states["o[0]/i[1]/p"] == "CANCELLED"
    scopes = run.scopes()
    assert (scopes["o[0]"], scopes["o[0]/i[0]"]) == ("COMPENSATING", "FAILED")
    run.done("o[0]/i[0]/p.compensate")
    assert (run.scopes()["o[0]"], run.state()) == ("FAILED", "RUNNING")


def test_an_error_of_an_item_is_told_with_its_index(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a"), tolerate=2),
        given=items(3),
        output="${ $.steps.e.errors }",
    )
    run.fails("e[2]/a", code="late")
    run.fails("e[0]/a", code="early")
    run.done("e[1]/a")
    assert [(e["index"], e["error"]["code"]) for e in run.output()] == [(0, "early"), (2, "late")]


# guarantee: errors-of-cancelled
def test_an_item_that_was_cancelled_with_its_block_is_no_error(play: Play) -> None:
    block = each("e", ITEMS, task("a"), on_failure="continue", max_parallel=2)
    run = Blocks(play, block, given=items(3), output="${ $.steps.e.errors }")
    run.fails("e[1]/a")
    assert run.state() == "SUCCEEDED"
    assert [error["index"] for error in run.output()] == [1]


# guarantee: first-by-path
def test_a_block_ends_with_the_error_of_the_first_by_path(play: Play) -> None:
    steps = [task("a"), task("b", needs=[]), task("c", needs=[])]
    block = each("e", ITEMS, *steps, on_failure="continue")
    run = Blocks(play, block, given=items(1), output="$.steps.e.error.code")
    run.take("e[0]/a", "e[0]/b", "e[0]/c")
    errors = {"e[0]/c": "third", "e[0]/b": "second"}
    failures = [
        calls.Failure(
            run.id,
            run.grants[path].task,
            run.grants[path].fence,
            {"code": code, "message": "it failed"},
            False,
        )
        for path, code in errors.items()
    ]
    calls.fail_tasks(play.conn, failures)
    run.done("e[0]/a")
    assert (run.state(), run.output()) == ("SUCCEEDED", "second")


def test_what_suspends_in_a_scope_that_another_failure_closes_is_no_dead_letter(play: Play) -> None:
    steps = [task("a", on_failure="suspend"), task("b", needs=[])]
    run = Blocks(play, each("e", ITEMS, *steps, tolerate=1), given=items(2))
    run.fails("e[0]/a", "e[0]/b")
    assert (run.state("e[0]/a"), run.state("e[0]/b")) == ("FAILED", "FAILED")
    assert play.instance(run.id, "suspended_by") == (None,)


# guarantee: block-suspends
def test_what_a_block_suspends_leaves_its_scopes_open_and_discarding_it_goes_outwards(
    play: Play,
) -> None:
    group = {"id": "g", "steps": [task("a"), task("b", needs=[])], "on_failure": "suspend"}
    run = Blocks(play, each("e", ITEMS, group, tolerate=1), given=items(2))
    run.fails("e[0]/g[0]/a")
    assert run.state("e[0]/g[0]/a") == "DEAD_LETTER"
    assert run.scopes()["e[0]/g[0]"] == "OPEN"
    calls.discard_dead_letters(play.conn, [run.key("e[0]/g[0]/a")])
    assert (run.state("e[0]/g[0]/a"), run.scopes()["e[0]"]) == ("FAILED", "FAILED")
    assert run.state() == "RUNNING"
    run.done("e[1]/g[0]/a", "e[1]/g[0]/b")
    assert run.state() == "SUCCEEDED"


def test_discarded_in_one_call_they_are_judged_together(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", on_failure="suspend"), tolerate=1), given=items(3)
    )
    run.fails("e[0]/a", "e[1]/a")
    calls.discard_dead_letters(play.conn, [run.key("e[0]/a"), run.key("e[1]/a")])
    assert run.state() == "COMPENSATED"
