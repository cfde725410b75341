"""Waves: in which order things that happen together count."""

from .interpreter import Failure
from .support import Case, Json, block, each, given, task


def test_a_transition_goes_on_until_nothing_more_is_due_that_needs_no_worker() -> None:
    case = Case(given("a", 1), block("x", "steps", [given("b", 2)]), given("c", 3), task("d"))
    assert case.due() == ["d"]


def test_ended_scopes_are_counted_by_ordinal() -> None:
    case = Case(block("x", "race", {"p": [task("a")], "q": [task("b")]}))
    case.done("x[0]/a", "x[1]/b", output=1)
    assert case.output("x") == {"winner": "p", "output": 1}


def test_successes_past_the_nth_in_one_wave_are_losers_closed_as_cancelled_and_undone() -> None:
    case = Case(block("x", "race", {"p": [task("a")], "q": [task("b", undo=True)]}))
    case.done("x[0]/a", "x[1]/b")
    assert case.scopes() == {"x[0]": "SUCCEEDED", "x[1]": "COMPENSATING"}
    assert case.due() == ["x[1]/b.compensate"]
    case.done("x[1]/b.compensate")
    assert case.scopes()["x[1]"] == "CANCELLED"
    assert case.end().state == "SUCCEEDED"


def test_a_wave_goes_one_level_of_blocks_at_a_time() -> None:
    inner = block("y", "steps", [task("a")])
    case = Case(block("x", "race", {"p": [inner], "q": [task("b")]}))
    case.done("x[0]/y[0]/a", "x[1]/b")
    assert case.output("x")["winner"] == "q"


def test_what_a_block_opens_begins_in_the_next_wave() -> None:
    inner = block("y", "steps", [given("a", 1)])
    case = Case(block("x", "race", {"p": [inner], "q": [given("b", 1)]}))
    assert case.output("x")["winner"] == "q"


def test_failures_of_a_wave_are_judged_before_its_scopes_are_counted() -> None:
    case = Case(each("x", [1, 2], task("a"), join=1), task("b"))
    case.take("x[0]/a", "x[1]/a")
    case.answer({"x[0]/a": Failure(), "x[1]/a": "good"})
    assert case.scopes() == {"x[0]": "FAILED", "x[1]": "SUCCEEDED"}
    assert case.due() == ["b"]


def test_the_failures_of_a_call_are_judged_together_and_the_outermost_wins() -> None:
    inner = block("y", "try", [task("a")], catch=[{"steps": []}])
    branches = {"p": [inner], "q": [task("b")]}
    case = Case(block("x", "parallel", branches, on_failure="continue"), task("c"))
    case.fails("x[0]/y[0]/a", "x[1]/b", code="other")
    assert case.states() == {
        "x": "FAILED",
        "x[0]/y": "FAILED",
        "x[0]/y[0]/a": "FAILED",
        "x[1]/b": "FAILED",
        "c": "QUEUED",
    }


def test_then_the_first_by_path() -> None:
    catches: list[Json] = [
        {"errors": ["one"], "steps": [task("c")]},
        {"errors": ["two"], "steps": [task("d")]},
    ]
    lists = [task("a", needs=[]), task("b", needs=[])]
    case = Case(block("x", "try", lists, catch=catches))
    case.take("x[0]/a", "x[0]/b")
    case.answer({"x[0]/b": Failure("one"), "x[0]/a": Failure("two")})
    assert case.due() == ["x[1]/d"]


def test_at_scope_0_compensate_goes_before_fail() -> None:
    case = Case(
        task("a", needs=[], on_failure="fail"), task("b", needs=[], on_failure="compensate")
    )
    case.fails("a", "b")
    assert case.end()[:4] == ("COMPENSATED", None, "bad", "b")


def test_a_tolerance_is_counted_by_key_among_failures_of_one_wave() -> None:
    case = Case(each("x", [1, 2, 3], task("a"), tolerate=1))
    case.fails("x[1]/a")
    assert case.end().state == "RUNNING"
    case = Case(each("x", [1, 2, 3], task("a"), tolerate=1))
    case.fails("x[1]/a", "x[2]/a")
    assert case.end()[:4] == ("COMPENSATED", None, "bad", "x[2]/a")
    assert case.states() == {
        "x": "FAILED",
        "x[0]/a": "CANCELLED",
        "x[1]/a": "DEAD_LETTER",
        "x[2]/a": "DEAD_LETTER",
    }


def test_two_failures_in_one_item_count_once() -> None:
    lists = [task("a", needs=[]), task("b", needs=[])]
    case = Case(each("x", [1, 2], *lists, tolerate=1))
    case.fails("x[0]/a", "x[0]/b")
    assert case.scopes() == {"x[0]": "FAILED", "x[1]": "OPEN"}


def test_failures_under_the_winner_end_as_its_row_does() -> None:
    lists = [task("a", needs=[], on_failure="suspend"), task("b", needs=[])]
    case = Case(block("x", "try", lists, catch=[{"steps": []}]))
    case.fails("x[0]/a", "x[0]/b")
    assert case.states() == {"x": "SUCCEEDED", "x[0]/a": "FAILED", "x[0]/b": "FAILED"}


def test_what_its_own_continue_handles_is_no_dead_letter_where_all_closes() -> None:
    case = Case(task("a", needs=[], on_failure="continue", default=3), task("b", needs=[]))
    case.fails("a", "b")
    assert case.states() == {"a": "FAILED", "b": "DEAD_LETTER"}
    assert case.output("a") == 3
