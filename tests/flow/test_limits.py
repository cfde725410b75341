"""Limits of tasks: until a claim, and until their end."""

from .interpreter import Failure
from .support import AT_ONCE, Case, block, caught, task

AGAIN = Failure("bad", retryable=True)
PAUSE = {"attempts": 3, "backoff": 4, "factor": 1}


def code(case: Case, path: str) -> str | None:
    return case.rows()[path].code


def test_start_timeout_bounds_how_long_a_task_is_due_until_a_claim() -> None:
    case = Case(task("a", start_timeout=5, retry=AT_ONCE), task("b"), on_failure="suspend")
    case.tick(4)
    assert case.due() == ["a"]
    case.tick(5)
    assert (case.state("a"), code(case, "a")) == ("DEAD_LETTER", "start_timeout")
    case = Case(task("a", start_timeout=5))
    case.take("a")
    case.tick(50)
    assert case.running() == ["a"]


def test_each_attempt_has_its_time_and_what_was_given_back_has_it_anew() -> None:
    case = Case(task("a", start_timeout=5, retry=PAUSE), on_failure="suspend")
    case.tick(3)
    case.take("a")
    case.answer({"a": AGAIN})
    case.tick(7)
    assert case.due() == ["a"]
    case.tick(11)
    case.take("a")
    case.give_back(["a"])
    case.tick(15)
    assert case.due() == ["a"]
    case.tick(16)
    assert code(case, "a") == "start_timeout"


def test_total_timeout_bounds_all_of_it_pauses_too() -> None:
    case = Case(task("a", total_timeout=6, retry=PAUSE), on_failure="suspend")
    case.take("a")
    case.tick(3)
    case.answer({"a": AGAIN})
    case.tick(6)
    assert (case.state("a"), code(case, "a")) == ("DEAD_LETTER", "total_timeout")


def test_past_one_it_is_not_tried_again_and_a_try_may_handle_it() -> None:
    case = Case(caught(task("a", start_timeout=5, retry=AT_ONCE)))
    case.tick(5)
    assert case.states() == {"x": "WAITING", "x[0]/a": "FAILED", "x[1]/c": "QUEUED"}


def test_it_goes_before_whatever_else_is_due_then() -> None:
    case = Case(task("a", total_timeout=4, timeout=4, retry=AT_ONCE), on_failure="suspend")
    case.take("a")
    case.tick(4)
    assert code(case, "a") == "total_timeout"
    case = Case(task("a", total_timeout=4, retry=PAUSE), on_failure="suspend")
    case.take("a")
    case.answer({"a": AGAIN})
    case.tick(4)
    assert code(case, "a") == "total_timeout"


def test_a_hold_stops_neither() -> None:
    case = Case(
        block(
            "p", "parallel", {"a": [task("a", start_timeout=5)], "b": [task("b", total_timeout=7)]}
        ),
        on_failure="suspend",
    )
    case.suspend()
    case.tick(5)
    assert case.dead_letters() == ["p[0]/a"]
    case.resume()
    case.tick(7)
    assert case.dead_letters() == ["p[0]/a", "p[1]/b"]


def test_a_redrive_begins_both_anew() -> None:
    case = Case(task("a", start_timeout=5, total_timeout=8), on_failure="suspend")
    case.tick(5)
    case.redrive("a")
    case.tick(9)
    assert case.due() == ["a"]
    case.take("a")
    case.tick(13)
    assert code(case, "a") == "total_timeout"


def test_of_two_that_are_over_the_first_is_told_and_of_one_time_the_whole() -> None:
    case = Case(task("a", start_timeout=5, total_timeout=8), on_failure="suspend")
    case.tick(9)
    assert code(case, "a") == "start_timeout"
    case = Case(task("a", start_timeout=5, total_timeout=5), on_failure="suspend")
    case.tick(9)
    assert code(case, "a") == "total_timeout"


def test_what_ran_has_an_unknown_outcome_and_is_undone() -> None:
    case = Case(task("a", undo=True, total_timeout=5))
    case.take("a")
    case.tick(5)
    assert case.due() == ["a.compensate"]
    case = Case(task("a", undo=True, total_timeout=5))
    case.tick(5)
    assert case.end().state == "COMPENSATED"
    assert case.undone() == []


def test_what_runs_in_what_closes_is_cancelled_then() -> None:
    case = Case(task("a", undo=True, total_timeout=5))
    case.take("a")
    case.cancel()
    case.tick(5)
    assert (case.state("a"), case.due()) == ("CANCELLED", ["a.compensate"])


def test_a_compensation_or_a_notice_past_its_own_is_an_open_dead_letter() -> None:
    step = {**task("a"), "compensate": {"start_timeout": 3}}
    case = Case(step, task("b"), on_failed={"total_timeout": 4})
    case.done("a")
    case.fails("b")
    case.tick(3)
    assert case.dead_letters() == ["a.compensate"]
    case.discard(["a.compensate"])
    case.tick(7)
    assert case.dead_letters() == ["workflow.on_failed"]
