"""Undoing: what is undone, when, by whom and in which order."""

import pytest

from .support import AT_ONCE, Case, Json, block, each, given, task


def two(name: str = "x", **more: Json) -> Json:
    return each(name, [1, 2, 3], task("a", undo=True), task("b"), **more)


def test_a_tolerated_item_is_undone_before_its_block_goes_on() -> None:
    case = Case(each("x", [1], task("a", undo=True), task("b"), tolerate=1), task("c"))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert (case.state("x"), case.due()) == ("WAITING", ["x[0]/a.compensate"])
    case.done("x[0]/a.compensate")
    assert case.due() == ["c"]


def test_an_item_keeps_its_slot_until_it_is_undone() -> None:
    case = Case(two(tolerate=3, max_parallel=1))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert case.due() == ["x[0]/a.compensate"]
    case.done("x[0]/a.compensate")
    assert case.due() == ["x[1]/a"]


def test_a_retry_begins_from_a_clean_slate() -> None:
    case = Case(block("x", "try", [task("a", undo=True), task("b")], retry=AT_ONCE))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert case.due() == ["x[0]/a.compensate"]
    case.done("x[0]/a.compensate")
    assert case.due() == ["x[1]/a"]


def test_delay_and_backoff_count_from_the_end_of_undoing() -> None:
    retry = {"attempts": 2, "backoff": 10}
    case = Case(block("x", "try", [task("a", undo=True), task("b")], retry=retry))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    case.tick(20)
    case.done("x[0]/a.compensate")
    case.tick(29)
    assert case.due() == []
    case.tick(30)
    assert case.due() == ["x[1]/a"]


def test_a_loser_is_undone_behind_its_block() -> None:
    lists = {"p": [task("a")], "q": [task("b", undo=True), task("c")]}
    case = Case(block("x", "race", lists), task("d"))
    case.done("x[1]/b")
    case.done("x[0]/a")
    assert case.due() == ["d", "x[1]/b.compensate"]


def test_a_block_that_ends_failed_is_undone_its_succeeded_scopes_too() -> None:
    lists = {"p": [task("a", undo=True)], "q": [task("b")]}
    case = Case(block("x", "parallel", lists, on_failure="continue"), task("d"))
    case.done("x[0]/a")
    assert case.scopes()["x[0]"] == "SUCCEEDED"
    case.fails("x[1]/b")
    assert case.due() == ["x[0]/a.compensate"]
    case.done("x[0]/a.compensate")
    assert (case.scopes()["x[0]"], case.due()) == ("SUCCEEDED", ["d"])


def test_undo_false_leaves_it_to_the_scope_around() -> None:
    for where in ({"undo": False}, {}):
        catch = [{"steps": [task("c")], **({} if where else {"undo": False})}]
        lists = [task("a", undo=True), task("b")]
        case = Case(block("x", "try", lists, catch=catch, **where), task("d"))
        case.done("x[0]/a")
        case.fails("x[0]/b")
        assert case.due() == ["x[1]/c"]
        case.done("x[1]/c")
        case.fails("d")
        assert case.due() == ["x[0]/a.compensate"]


def test_a_races_own_undo_false_leaves_its_losers_too() -> None:
    lists = {"p": [task("a")], "q": [task("b", undo=True), task("c")]}
    case = Case(block("x", "race", lists, undo=False), task("d"))
    case.done("x[1]/b")
    case.done("x[0]/a")
    assert (case.due(), case.scopes()["x[1]"]) == (["d"], "CANCELLED")
    case.fails("d")
    assert case.due() == ["x[1]/b.compensate"]


def test_the_workflows_fail_leaves_it_too() -> None:
    lists = [task("a", undo=True), task("b")]
    attempt = block("x", "try", lists, catch=[{"steps": [task("c")]}])
    case = Case(attempt, on_failure="fail")
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert case.due() == ["x[1]/c"]
    case.fails("x[1]/c")
    assert (case.end().state, case.undone()) == ("FAILED", [])


def test_that_is_asked_only_of_the_block_that_goes_on() -> None:
    inner = block("y", "steps", [task("a", undo=True), task("b")], undo=False)
    case = Case(block("x", "try", [inner], catch=[{"steps": [task("c")]}]))
    case.done("x[0]/y[0]/a")
    case.fails("x[0]/y[0]/b")
    assert case.due() == ["x[0]/y[0]/a.compensate"]


def test_a_scope_is_undone_in_reverse_order_of_the_ends_of_its_rows() -> None:
    lists = [task(name, needs=[], undo=True) for name in "abcd"]
    case = Case(*lists)
    case.done("c")
    case.done("a", "d")
    case.cancel()
    assert [path for path in case.states() if path.endswith(".compensate")] == [
        "a.compensate",
        "c.compensate",
        "d.compensate",
    ]
    for name in "dac":
        assert case.due() == [f"{name}.compensate"]
        case.done(f"{name}.compensate")
    assert case.end().state == "CANCELLED"


def test_its_compensations_are_made_waiting_when_its_way_back_begins() -> None:
    case = Case(task("a", undo=True), block("x", "steps", [task("b", undo=True)]), task("c"))
    case.done("a")
    case.done("x[0]/b")
    case.cancel()
    assert case.state("a.compensate") == "WAITING"
    assert case.state("x[0]/b.compensate") == "QUEUED"


def test_blocks_are_undone_whatever_state_their_row_ended_in() -> None:
    case = Case(block("x", "steps", [task("a", undo=True), task("b")]), task("c"))
    case.done("x[0]/a")
    case.cancel()
    assert (case.state("x"), case.due()) == ("CANCELLED", ["x[0]/a.compensate"])


def test_a_fans_scopes_are_undone_side_by_side_so_many_at_a_time_from_the_last() -> None:
    case = Case(each("x", [1, 2, 3], task("a", undo=True), max_parallel=2), task("c"))
    case.done("x[0]/a", "x[1]/a")
    case.done("x[2]/a")
    case.cancel()
    assert case.due() == ["x[1]/a.compensate", "x[2]/a.compensate"]
    case.done("x[1]/a.compensate")
    assert case.due() == ["x[0]/a.compensate", "x[2]/a.compensate"]


def test_a_chains_scopes_are_undone_the_last_first() -> None:
    case = Case(block("x", "repeat", [task("a", undo=True)], until="$.round == 1"), task("c"))
    case.done("x[0]/a")
    case.done("x[1]/a")
    case.cancel()
    assert case.due() == ["x[1]/a.compensate"]
    case.done("x[1]/a.compensate")
    assert case.due() == ["x[0]/a.compensate"]


def test_a_row_is_undone_at_most_once() -> None:
    lists = [task("a", undo=True), task("b")]
    case = Case(block("x", "try", lists, retry=AT_ONCE), task("d"))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    case.done("x[0]/a.compensate")
    case.done("x[1]/a")
    case.done("x[1]/b")
    case.fails("d")
    assert case.due() == ["x[1]/a.compensate"]
    case.done("x[1]/a.compensate")
    assert case.undone() == ["x[0]/a", "x[1]/a"]


def test_what_has_an_unknown_outcome_is_undone_too() -> None:
    case = Case(task("a", undo=True), on_failure="compensate")
    case.fails("a", unknown=True)
    assert case.due() == ["a.compensate"]


def test_no_closing_touches_a_compensation() -> None:
    case = Case(two(tolerate=1))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    case.take("x[0]/a.compensate")
    case.cancel()
    assert case.state("x[0]/a.compensate") == "RUNNING"
    assert case.end().state == "CLOSING"


def test_a_loser_that_has_not_begun_is_undone_with_what_closes_around_it() -> None:
    lists = {"p": [task("a")], "q": [task("b", undo=True)]}
    case = Case(task("first", undo=True), block("x", "race", lists), task("c"))
    case.done("first")
    case.take("x[1]/b")
    case.done("x[0]/a")
    case.cancel()
    case.done("x[1]/b")
    assert case.end().state == "COMPENSATING"
    assert case.states()["first.compensate"] == "WAITING"
    assert case.due() == ["x[1]/b.compensate"]


def test_the_way_back_of_a_failed_block_waits_for_those_of_losers_beneath() -> None:
    race = block("y", "race", {"p": [task("a")], "q": [task("b", undo=True)]})
    lists = {"m": [race], "n": [task("c", undo=True), task("d")]}
    case = Case(block("x", "parallel", lists, on_failure="continue"), task("e"))
    case.done("x[1]/c")
    case.done("x[0]/y[0]/a", "x[0]/y[1]/b")
    case.fails("x[1]/d")
    assert case.due() == ["x[0]/y[1]/b.compensate"]
    case.done("x[0]/y[1]/b.compensate")
    assert case.due() == ["x[1]/c.compensate"]
    case.done("x[1]/c.compensate")
    assert case.due() == ["e"]


def test_a_compensation_that_fails_is_an_open_dead_letter_that_holds_its_own_way_back() -> None:
    lists = [task("z", undo=True), task("a", undo=True), task("b")]
    case = Case(each("x", [1, 2], *lists, tolerate=2))
    for name in ("z", "a"):
        case.done(f"x[0]/{name}", f"x[1]/{name}")
    case.fails("x[0]/b", "x[1]/b")
    case.fails("x[0]/a.compensate")
    case.done("x[1]/a.compensate")
    assert case.dead_letters() == ["x[0]/a.compensate"]
    assert case.due() == ["x[1]/z.compensate"]
    assert case.state("x[0]/z.compensate") == "WAITING"


@pytest.mark.parametrize(("ends", "state"), [(False, "SUCCEEDED"), (True, "FAILED")])
def test_discarded_it_is_a_record_and_an_instance_that_closes_then_ends_failed(
    ends: bool, state: str
) -> None:
    case = Case(each("x", [1], task("a", undo=True), task("b"), tolerate=1), task("c"))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    case.fails("x[0]/a.compensate")
    case.discard(["x[0]/a.compensate"])
    assert case.state("x") == "SUCCEEDED"
    case.fails("c") if ends else case.done("c")
    assert case.end().state == state


def test_skipped_the_way_back_goes_on() -> None:
    case = Case(task("a", undo=True), task("b", undo=True), task("c"))
    case.done("a")
    case.done("b")
    case.cancel()
    case.fails("b.compensate")
    case.skip("b.compensate")
    case.done("a.compensate")
    assert case.end().state == "CANCELLED"


# The instance's own output


def test_a_failing_output_of_the_workflow_is_a_dead_letter_and_all_work_stays() -> None:
    case = Case(task("a", undo=True), output="$.steps.a.output.n")
    case.done("a")
    assert case.dead_letters() == ["workflow.output"]
    assert (case.end().state, case.due()) == ("RUNNING", [])


def test_it_is_redriven_with_a_value_or_skipped_with_one() -> None:
    for skips in (False, True):
        case = Case(given("a", 1), output="$.steps.a.output.n")
        case.skip("workflow.output", 8) if skips else case.redrive("workflow.output", 8)
        assert case.end()[:2] == ("SUCCEEDED", 8)


def test_discarded_the_policy_acts() -> None:
    for policy, end in (("suspend", "COMPENSATING"), ("fail", "FAILED")):
        case = Case(task("a", undo=True), output="$.steps.a.output.n", on_failure=policy)
        case.done("a")
        case.discard(["workflow.output"])
        assert case.end().state == end
