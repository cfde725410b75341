"""Open dead letters and holds: what they hold, and what becomes of them."""

from .support import AT_ONCE, Case, block, caught, each, given, task

# Open dead letters


def test_an_open_dead_letter_holds_only_what_depends_on_it() -> None:
    case = Case(each("x", [1, 2], task("a", on_failure="suspend"), task("b")), task("c"))
    case.fails("x[0]/a")
    case.done("x[1]/a")
    assert (case.due(), case.end().suspended_by) == (["x[1]/b"], "dead_letter")
    case.done("x[1]/b")
    assert case.state("x") == "WAITING"
    case.redrive("x[0]/a")
    case.done("x[0]/a")
    case.done("x[0]/b")
    assert case.due() == ["c"]


def test_a_redrive_is_due_at_once_though_others_are_open() -> None:
    case = Case(task("a", needs=[]), task("b", needs=[]), on_failure="suspend")
    case.fails("a", "b")
    case.redrive("a")
    assert case.due() == ["a"]


def test_only_an_operators_suspension_holds_an_instance() -> None:
    case = Case(task("a", needs=[]), task("b", needs=[]), task("c", needs=["a"]))
    case.take("a")
    case.suspend()
    assert case.states() == {"a": "RUNNING", "b": "READY"}
    case.done("a")
    assert case.state("c") == "READY"
    case.resume()
    assert case.due() == ["b", "c"]


def test_failures_are_handled_under_it_as_always() -> None:
    case = Case(caught(task("a")))
    case.take("x[0]/a")
    case.suspend()
    case.fails("x[0]/a")
    assert case.state("x[1]/c") == "READY"


def test_steps_without_a_worker_blocks_and_timers_go_on_under_it() -> None:
    case = Case(
        task("a"), given("b", 1), block("x", "steps", [given("d", 2)], timeout=5), task("e")
    )
    case.take("a")
    case.suspend()
    case.done("a")
    assert case.states() == {
        "a": "SUCCEEDED",
        "b": "SUCCEEDED",
        "x": "SUCCEEDED",
        "x[0]/d": "SUCCEEDED",
        "e": "READY",
    }
    timed = Case(block("x", "steps", [task("a")], timeout=5))
    timed.suspend()
    timed.tick(5)
    assert timed.end().code == "timeout"


def test_it_outlives_a_closing_so_compensations_come_due_ready_until_resume() -> None:
    case = Case(task("a", undo=True), task("b"))
    case.done("a")
    case.take("b")
    case.suspend()
    case.fails("b")
    assert case.end()[0] == "COMPENSATING"
    assert case.state("a.compensate") == "READY"
    case.resume()
    assert case.due() == ["a.compensate"]


def test_it_outlives_a_discard() -> None:
    case = Case(task("a", undo=True), task("b"), on_failure="suspend")
    case.done("a")
    case.fails("b")
    case.suspend()
    case.discard(["b"])
    assert case.state("a.compensate") == "READY"


def test_cancel_and_deadline_lift_it() -> None:
    for by_deadline in (False, True):
        case = Case(task("a", undo=True), task("b"), deadline=5)
        case.done("a")
        case.suspend()
        case.tick(5) if by_deadline else case.cancel()
        assert case.due() == ["a.compensate"]


# Discarding


def test_discarding_resumes_the_walk_outside_the_level_that_suspended() -> None:
    case = Case(caught(task("a", on_failure="suspend")))
    case.fails("x[0]/a")
    case.discard(["x[0]/a"])
    assert case.states() == {"x": "WAITING", "x[0]/a": "FAILED", "x[1]/c": "QUEUED"}


def test_what_lies_within_that_level_is_not_asked_again() -> None:
    inner = block("y", "try", [task("a")], on_failure="suspend", retry=AT_ONCE)
    case = Case(caught(inner))
    case.fails("x[0]/y[0]/a")
    case.fails("x[0]/y[1]/a")
    assert case.dead_letters() == ["x[0]/y[1]/a"]
    case.discard(["x[0]/y[1]/a"])
    assert case.due() == ["x[1]/c"]


def test_after_the_workflows_suspend_it_compensates_and_the_row_is_a_record() -> None:
    case = Case(task("a", undo=True), task("b"), on_failure="suspend")
    case.done("a")
    case.fails("b")
    case.discard(["b"])
    assert case.state("b") == "DEAD_LETTER"
    assert case.due() == ["a.compensate"]


def test_a_discarded_failure_passes_over_every_suspend_further_out() -> None:
    case = Case(
        block("x", "steps", [task("a", on_failure="suspend")], on_failure="suspend"),
        on_failure="suspend",
    )
    case.fails("x[0]/a")
    case.discard(["x[0]/a"])
    assert case.end().state == "COMPENSATED"


def test_one_calls_discards_are_judged_together() -> None:
    case = Case(each("x", [1, 2, 3], task("a", on_failure="suspend"), tolerate=1))
    case.fails("x[0]/a", "x[1]/a")
    case.discard(["x[0]/a", "x[1]/a"])
    assert case.end().state == "COMPENSATED"
    assert case.states()["x[0]/a"] == "DEAD_LETTER"


# A block's own dead letter


def test_a_blocks_own_dead_letter_is_redriven_with_the_value_of_its_expression() -> None:
    case = Case(each("x", "$.input.missing", task("a")), on_failure="suspend")
    assert case.redrive("x", 7) == "refused"
    assert case.redrive("x", [1, 2]) == "done"
    assert case.due() == ["x[0]/a", "x[1]/a"]


def test_of_its_when_that_is_a_boolean() -> None:
    for given_when, state in ((True, "WAITING"), (False, "SKIPPED")):
        case = Case(each("x", [1], task("a"), when="$.input.missing"), on_failure="suspend")
        assert case.redrive("x", [1]) == "refused"
        case.redrive("x", given_when)
        assert case.state("x") == state


def test_of_a_case_too_and_evaluation_goes_on_behind_it() -> None:
    cases = [
        {"when": "$.input.missing", "steps": [task("a")]},
        {"when": True, "steps": [task("b")]},
    ]
    for given_when, due in ((True, "x[0]/a"), (False, "x[0]/b")):
        case = Case(block("x", "switch", cases), on_failure="suspend")
        case.redrive("x", given_when)
        assert case.due() == [due]


def test_of_an_until_nothing_in_it_runs_again() -> None:
    case = Case(block("x", "repeat", [task("a")], until="$.input.missing"), on_failure="suspend")
    case.done("x[0]/a", output=4)
    case.redrive("x", False)
    assert case.due() == ["x[1]/a"]
    case.done("x[1]/a", output=5)
    case.redrive("x", True)
    assert case.output("x") == 5


def test_likewise_of_set_and_fail() -> None:
    case = Case(given("a", "$.input.missing"), on_failure="suspend")
    case.redrive("a", 3)
    assert case.output("a") == 3
    case = Case(caught({"id": "a", "fail": {"code": "$.input.missing"}, "on_failure": "suspend"}))
    assert case.redrive("x[0]/a", 3) == "refused"
    case.redrive("x[0]/a", {"code": "mine"})
    assert case.rows()["x[0]/a"][:3] == ("DEAD_LETTER", None, "mine")


def test_it_can_be_skipped_with_an_output() -> None:
    case = Case(each("x", "$.input.missing", task("a")), task("b"), on_failure="suspend")
    case.skip("x", [4])
    assert (case.output("x"), case.due()) == ([4], ["b"])


def test_a_task_whose_expression_failed_is_redriven_with_an_input() -> None:
    case = Case({**task("a"), "with": "$.input.missing"}, on_failure="suspend")
    assert case.redrive("a") == "refused"
    case.redrive("a", {"v": 1})
    assert case.due() == ["a"]
