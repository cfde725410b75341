"""Failing: who handles it, what closes, who waits, and what an open dead letter holds."""

import pytest

from .interpreter import Failure
from .support import Case, Json, block, caught, each, given, task

# The step itself


def test_continue_passes_the_edges_with_the_default_and_tells_the_error() -> None:
    case = Case(
        task("a", on_failure="continue", default=5),
        given("b", ["$.steps.a.output", "$.steps.a.error.code"]),
    )
    case.fails("a")
    assert case.states() == {"a": "FAILED", "b": "SUCCEEDED"}
    assert case.output("b") == [5, "bad"]
    assert case.end().state == "SUCCEEDED"


def test_suspend_leaves_an_open_dead_letter() -> None:
    case = Case(caught(task("a", on_failure="suspend")))
    case.fails("x[0]/a")
    assert case.dead_letters() == ["x[0]/a"]
    assert case.end()[0] == "RUNNING"
    assert case.scopes() == {"x[0]": "OPEN"}


# The walk


def test_a_failure_is_caught_by_the_try_around_and_is_never_a_dead_letter() -> None:
    case = Case(caught(block("y", "steps", [task("a")])))
    case.fails("x[0]/y[0]/a")
    assert case.states() == {
        "x": "WAITING",
        "x[0]/y": "FAILED",
        "x[0]/y[0]/a": "FAILED",
        "x[1]/c": "QUEUED",
    }
    assert case.scopes() == {"x[0]": "FAILED", "x[0]/y[0]": "FAILED", "x[1]": "OPEN"}


@pytest.mark.parametrize(
    ("errors", "is_caught"), [(["bad"], True), (["b*"], True), (["b"], False), (["*"], True)]
)
def test_a_catch_goes_by_code_exact_or_a_prefix(errors: list[str], is_caught: bool) -> None:
    attempt = block("x", "try", [task("a")], catch=[{"errors": errors, "steps": [task("c")]}])
    case = Case(attempt)
    case.fails("x[0]/a", code="bad")
    assert (case.state("x[1]/c") == "QUEUED") is is_caught


def test_the_first_catch_that_fits_is_taken() -> None:
    catches: list[Json] = [
        {"errors": ["x"], "steps": [task("c")]},
        {"steps": [task("d")]},
        {"steps": []},
    ]
    case = Case(block("x", "try", [task("a")], catch=catches))
    case.fails("x[0]/a")
    assert case.due() == ["x[1]/d"]


def test_a_trys_retry_is_asked_before_its_catches() -> None:
    case = Case(caught(task("a"), retry={"attempts": 2, "backoff": 10}))
    case.fails("x[0]/a")
    assert case.due() == []
    case.tick(10)
    assert case.due() == ["x[1]/a"]
    case.fails("x[1]/a")
    assert case.due() == ["x[2]/c"]


def test_a_failure_inside_a_catch_asks_neither_retry_nor_catches() -> None:
    case = Case(caught(task("a"), retry={"attempts": 2, "backoff": 0}))
    case.fails("x[0]/a")
    case.fails("x[1]/a")
    case.fails("x[2]/c")
    assert case.end()[:4] == ("COMPENSATED", None, "bad", "x[2]/c")


def test_an_inner_handler_is_asked_before_an_outer_one() -> None:
    inner = block("y", "try", [task("a")], catch=[{"errors": ["other"], "steps": []}])
    case = Case(caught(each("e", [1, 2], inner, tolerate=1)))
    case.fails("x[0]/e[0]/y[0]/a", code="other")
    assert case.state("x[0]/e[0]/y") == "SUCCEEDED"
    case.fails("x[0]/e[1]/y[0]/a", code="bad")
    assert case.state("x[0]/e") == "SUCCEEDED"


def test_a_fan_bears_a_failure_that_leaves_its_n_in_reach() -> None:
    case = Case(each("x", [1, 2, 3], task("a"), join=2))
    case.fails("x[0]/a")
    assert case.end().state == "RUNNING"
    case.fails("x[1]/a")
    assert case.end().state == "COMPENSATED"


def test_a_blocks_own_continue_goes_on_with_null_without_a_default() -> None:
    case = Case(block("x", "steps", [task("a")], on_failure="continue"), given("b", "$.steps.x"))
    case.fails("x[0]/a")
    assert case.output("b") == {"output": None, "state": "FAILED", "error": {"code": "bad"}}


def test_a_blocks_own_continue_closes_all_its_scopes() -> None:
    branches = {"p": [task("a")], "q": [task("b", undo=True), task("c")]}
    case = Case(block("x", "parallel", branches, on_failure="continue"), task("d"))
    case.done("x[1]/b")
    case.take("x[1]/c")
    case.fails("x[0]/a")
    assert case.scopes() == {"x[0]": "FAILED", "x[1]": "CLOSING"}
    assert case.due() == []
    case.done("x[1]/c")
    assert case.scopes()["x[1]"] == "CANCELLED"
    assert (case.state("x"), case.due()) == ("WAITING", ["x[1]/b.compensate"])
    case.done("x[1]/b.compensate")
    assert (case.state("x"), case.due()) == ("FAILED", ["d"])


def test_a_blocks_own_suspend_leaves_the_dead_letter_at_the_failed_row() -> None:
    case = Case(caught(block("y", "steps", [task("a")], on_failure="suspend")))
    case.fails("x[0]/y[0]/a")
    assert case.dead_letters() == ["x[0]/y[0]/a"]
    assert case.scopes() == {"x[0]": "OPEN", "x[0]/y[0]": "OPEN"}


# What closes


def test_all_under_the_outermost_scope_closes_in_one_transition() -> None:
    lists = [
        task("a", needs=[]),
        task("run", needs=[]),
        task("retry", needs=[], retry={"attempts": 2, "backoff": 9}),
        task("letter", needs=[], on_failure="suspend"),
        task("wait", needs=[]),
        task("join", needs=["a", "wait"]),
    ]
    case = Case(caught(*lists))
    case.fails("x[0]/letter")
    case.take("x[0]/run", "x[0]/retry")
    case.answer({"x[0]/retry": Failure(retryable=True)})
    case.fails("x[0]/a")
    assert case.states() == {
        "x": "WAITING",
        "x[0]/a": "FAILED",
        "x[0]/letter": "DEAD_LETTER",
        "x[0]/retry": "CANCELLED",
        "x[0]/run": "RUNNING",
        "x[0]/wait": "CANCELLED",
    }
    assert case.dead_letters() == []


def test_rows_that_run_end_when_they_are_answered_and_are_never_tried_again() -> None:
    case = Case(caught(task("a", needs=[]), task("b", needs=[]), task("d", needs=[])))
    case.take("x[0]/b", "x[0]/d")
    case.fails("x[0]/a")
    case.answer({"x[0]/b": Failure(retryable=True)})
    assert case.state("x[0]/b") == "CANCELLED"
    case.give_back(["x[0]/d"])
    assert case.state("x[0]/d") == "CANCELLED"
    assert case.due() == ["x[1]/c"]


def test_scopes_on_the_way_end_failed_and_others_cancelled_once_drained() -> None:
    fan = block("y", "parallel", {"p": [task("a")], "q": [task("b")], "r": [task("d")]})
    case = Case(caught(fan))
    case.take("x[0]/y[1]/b")
    case.fails("x[0]/y[0]/a")
    assert case.scopes() == {
        "x[0]": "CLOSING",
        "x[0]/y[0]": "FAILED",
        "x[0]/y[1]": "CLOSING",
        "x[0]/y[2]": "CANCELLED",
    }
    case.done("x[0]/y[1]/b")
    assert case.scopes()["x[0]/y[1]"] == "CANCELLED"
    assert case.scopes()["x[0]"] == "FAILED"


def test_the_handlers_row_stays_waiting_and_decides_once_what_ran_has_ended() -> None:
    case = Case(caught(task("a", needs=[]), task("b", needs=[])))
    case.take("x[0]/b")
    case.fails("x[0]/a")
    assert (case.state("x"), case.due()) == ("WAITING", [])
    case.done("x[0]/b")
    assert case.due() == ["x[1]/c"]


def test_only_the_outermost_closing_scope_undoes() -> None:
    case = Case(
        caught(task("a", undo=True), block("y", "steps", [task("b", undo=True), task("d")]))
    )
    case.done("x[0]/a")
    case.done("x[0]/y[0]/b")
    case.fails("x[0]/y[0]/d")
    assert case.scopes() == {"x[0]": "COMPENSATING", "x[0]/y[0]": "FAILED"}
    case.done("x[0]/y[0]/b.compensate")
    case.done("x[0]/a.compensate")
    assert case.due() == ["x[1]/c"]


def test_a_way_back_that_has_begun_is_finished_first() -> None:
    lists = [each("e", [1, 2], task("b", undo=True), task("d"), tolerate=1)]
    case = Case(task("first", undo=True), *lists)
    case.done("first")
    case.done("e[0]/b", "e[1]/b")
    case.fails("e[0]/d")
    assert case.scopes()["e[0]"] == "COMPENSATING"
    case.fails("e[1]/d")
    assert case.end().state == "CLOSING"
    case.done("e[0]/b.compensate")
    assert case.due() == ["e[1]/b.compensate"]
    case.done("e[1]/b.compensate")
    case.done("first.compensate")
    assert case.undone() == ["e[0]/b", "e[1]/b", "first"]
    assert case.end().state == "COMPENSATED"


def test_where_scope_0_closes_the_failed_row_is_a_record() -> None:
    case = Case(block("x", "steps", [task("a")]))
    case.fails("x[0]/a")
    assert case.rows()["x[0]/a"].state == "DEAD_LETTER"
    assert case.dead_letters() == []
    assert case.state("x") == "FAILED"


def test_cancel_and_deadline_ask_nobody_and_all_is_cancelled() -> None:
    lists = block("y", "steps", [task("a")], on_failure="continue")
    case = Case(caught(lists, on_failure="continue"))
    case.cancel()
    assert set(case.states().values()) == {"CANCELLED"}
    assert set(case.scopes().values()) == {"CANCELLED"}
    assert case.end().state == "CANCELLED"


@pytest.mark.parametrize(
    ("flow", "step", "end"),
    [
        ("compensate", None, "COMPENSATED"),
        ("fail", None, "FAILED"),
        ("suspend", None, "RUNNING"),
        ("suspend", "fail", "FAILED"),
        ("fail", "compensate", "COMPENSATED"),
    ],
)
def test_where_nobody_handles_it_the_steps_policy_decides_else_the_workflows(
    flow: str, step: str | None, end: str
) -> None:
    own: Json = {} if step is None else {"on_failure": step}
    case = Case(block("x", "steps", [{**task("a"), **own}]), on_failure=flow)
    case.fails("x[0]/a")
    assert case.end().state == end


# A block's own failure


def test_a_blocks_own_failure_begins_at_its_row_and_asks_not_its_own_handlers() -> None:
    case = Case(caught(task("a"), timeout=5, on_failure="continue"), task("d"))
    case.tick(5)
    assert case.states() == {"x": "FAILED", "x[0]/a": "CANCELLED", "d": "QUEUED"}
    assert case.scopes() == {"x[0]": "CANCELLED"}


def test_then_outwards() -> None:
    case = Case(caught(each("y", [1, 2], task("a"), timeout=5, tolerate=2)))
    case.tick(5)
    assert case.due() == ["x[1]/c"]


def test_timeout_spans_attempts_catches_and_undoing() -> None:
    case = Case(caught(task("a", undo=True), task("b"), timeout=5, on_failure="continue"))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert case.due() == ["x[0]/a.compensate"]
    case.tick(5)
    assert case.state("x") == "WAITING"
    case.done("x[0]/a.compensate")
    assert case.state("x") == "FAILED"
    assert case.state("x[1]/c") is None


def test_the_dead_letter_of_a_timeout_is_not_redriven() -> None:
    case = Case(
        block("x", "steps", [task("a", undo=True), task("b")], timeout=5),
        task("d"),
        on_failure="suspend",
    )
    case.done("x[0]/a")
    case.tick(5)
    assert case.redrive("x", True) == "refused"
    assert case.scopes() == {"x[0]": "COMPENSATING"}
    case.skip("x", "by hand")
    assert (case.output("x"), case.due()) == ("by hand", ["d", "x[0]/a.compensate"])


def test_a_timeout_counts_no_more_once_the_blocks_end_is_decided() -> None:
    lists = [task("a", undo=True), task("b")]
    case = Case(
        block("x", "steps", lists, timeout=5, on_failure="continue"),
        given("c", "$.steps.x.error.code"),
    )
    case.done("x[0]/a")
    case.fails("x[0]/b", code="bad")
    case.tick(5)
    case.done("x[0]/a.compensate")
    assert case.output("c") == "bad"


def test_a_redriven_task_has_a_new_budget_of_attempts() -> None:
    case = Case(task("a", retry={"attempts": 2, "backoff": 4}), on_failure="suspend")
    case.fails("a")
    case.redrive("a")
    case.take("a")
    case.answer({"a": Failure(retryable=True)})
    assert case.state("a") == "RETRYING"
    case.tick(4)
    case.take("a")
    case.answer({"a": Failure(retryable=True)})
    assert case.state("a") == "DEAD_LETTER"


# Who waits


def test_a_block_that_succeeds_ends_at_once_and_losers_drain_behind_it() -> None:
    case = Case(block("x", "race", {"p": [task("a")], "q": [task("b")]}), task("c"))
    case.take("x[1]/b")
    case.done("x[0]/a")
    assert (case.state("x"), case.due(), case.running()) == ("SUCCEEDED", ["c"], ["x[1]/b"])


def test_the_instance_ends_only_when_all_has_drained() -> None:
    case = Case(block("x", "race", {"p": [task("a")], "q": [task("b", undo=True)]}))
    case.take("x[1]/b")
    case.done("x[0]/a")
    assert case.end().state == "RUNNING"
    case.done("x[1]/b")
    assert case.end().state == "RUNNING"
    case.done("x[1]/b.compensate")
    assert case.end().state == "SUCCEEDED"
