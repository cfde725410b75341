"""Steps and blocks: what each kind does and gives."""

from .support import Case, block, each, given, task


def test_a_list_is_a_sequence() -> None:
    case = Case(task("a"), task("b"))
    assert case.due() == ["a"]
    case.done("a")
    assert case.due() == ["b"]


def test_or_a_dag_by_needs_in_every_block_as_at_the_top() -> None:
    inner = [task("a", needs=[]), task("b", needs=[]), task("c", needs=["a", "b"])]
    case = Case(block("x", "steps", inner))
    assert case.due() == ["x[0]/a", "x[0]/b"]
    case.done("x[0]/a")
    assert case.state("x[0]/c") == "WAITING"
    case.done("x[0]/b")
    assert case.due() == ["x[0]/c"]


def test_a_lists_output_is_that_of_the_last_step_written() -> None:
    inner = [task("a", needs=[]), task("b", needs=[])]
    case = Case(block("x", "steps", inner))
    case.done("x[0]/b", output="b")
    case.done("x[0]/a", output="a")
    assert case.output("x") == "b"


def test_output_of_a_block_is_a_last_set_that_fails_and_is_redriven_like_any_step() -> None:
    case = Case(block("x", "steps", [task("a")], output="$.steps.a.output.n"), on_failure="suspend")
    case.done("x[0]/a", output={})
    assert case.dead_letters() == ["x[0]/x.output"]
    case.redrive("x[0]/x.output", 7)
    assert case.output("x") == 7


def test_output_of_a_block_needs_all_others() -> None:
    inner = [task("a", needs=[]), task("b", needs=[])]
    case = Case(block("x", "steps", inner, output=1))
    case.done("x[0]/a")
    assert case.state("x[0]/x.output") == "WAITING"
    case.done("x[0]/b")
    assert case.output("x") == 1


def test_outputs_of_many_are_put_together_in_order() -> None:
    case = Case(each("x", [1, 2], task("a")))
    case.done("x[1]/a", output="second")
    case.done("x[0]/a", output="first")
    assert case.output("x") == ["first", "second"]


def test_a_step_skipped_by_its_when_passes_its_edges() -> None:
    case = Case(task("a", when=False), task("b"))
    assert case.states() == {"a": "SKIPPED", "b": "QUEUED"}


def test_a_block_skipped_by_its_when_opens_nothing() -> None:
    case = Case(each("x", [1], task("a"), when=False), task("b"))
    assert case.states() == {"x": "SKIPPED", "b": "QUEUED"}


def test_a_blocks_task_is_waiting_while_it_is_under_way() -> None:
    case = Case(block("x", "steps", [task("a")]))
    assert case.state("x") == "WAITING"


def test_switch_takes_the_first_case_that_holds() -> None:
    cases = [
        {"when": False, "steps": [task("a")]},
        {"when": True, "steps": [task("b")]},
        {"when": True, "steps": [task("c")]},
    ]
    case = Case(block("x", "switch", cases))
    case.done("x[0]/b", output=1)
    assert case.output("x") == 1
    assert case.end().state == "SUCCEEDED"


def test_switch_takes_else_where_none_holds() -> None:
    case = Case({"id": "x", "switch": [{"when": False, "steps": [task("a")]}], "else": [task("b")]})
    assert case.due() == ["x[0]/b"]


def test_switch_gives_null_where_none_was_taken() -> None:
    case = Case(block("x", "switch", [{"when": False, "steps": [task("a")]}]))
    assert case.rows()["x"][:2] == ("SUCCEEDED", None)


def test_an_empty_else_gives_null() -> None:
    case = Case({"id": "x", "switch": [{"when": False, "steps": [task("a")]}], "else": []})
    assert case.rows()["x"][:2] == ("SUCCEEDED", None)


def test_cases_are_evaluated_in_order_and_lazily() -> None:
    cases = [
        {"when": True, "steps": [task("a")]},
        {"when": "$.input.missing", "steps": [task("b")]},
    ]
    assert Case(block("x", "switch", cases)).due() == ["x[0]/a"]
    assert Case(block("x", "switch", cases[::-1])).end().code == "expression"


def test_parallel_gives_the_outputs_of_those_that_succeeded_by_their_names() -> None:
    case = Case(block("x", "parallel", {"p": [task("a")], "q": [task("b")]}, tolerate=1))
    case.done("x[0]/a", output=1)
    case.fails("x[1]/b")
    assert case.output("x") == {"p": 1}


def test_branches_in_a_list_are_named_by_their_ids() -> None:
    case = Case(block("x", "parallel", [task("a"), task("b")]))
    case.done("x[0]/a", "x[1]/b", output=1)
    assert case.output("x") == {"a": 1, "b": 1}


def test_race_gives_the_winner_and_its_output() -> None:
    case = Case(block("x", "race", {"p": [task("a")], "q": [task("b")]}))
    case.done("x[1]/b", output=3)
    assert case.output("x") == {"winner": "q", "output": 3}


def test_for_each_gives_null_where_an_item_failed_and_tells_the_errors() -> None:
    case = Case(each("x", [1, 2], task("a"), tolerate=1), given("e", "$.steps.x.errors"))
    case.done("x[1]/a", output="good")
    case.fails("x[0]/a", code="bad")
    assert case.output("x") == [None, "good"]
    assert case.output("e") == [{"index": 0, "error": {"code": "bad"}}]


def test_for_each_of_nothing_gives_an_empty_array() -> None:
    assert Case(each("x", [], task("a"))).output("x") == []


def test_for_each_of_anything_but_an_array_fails() -> None:
    assert Case(each("x", 7, task("a"))).end().code == "expression"


def test_for_each_with_fewer_items_than_are_to_succeed_fails() -> None:
    assert Case(each("x", [], task("a"), join=1)).end().code == "flow.join"
    assert Case(each("x", [1], task("a"), join=2)).end().code == "flow.join"


def test_for_each_over_100_000_items_fails() -> None:
    assert Case(each("x", [0] * 100_001, task("a"))).end().code == "flow.limit"


def test_so_many_items_are_under_way_as_may_be() -> None:
    case = Case(each("x", [1, 2, 3], task("a"), max_parallel=2))
    assert case.due() == ["x[0]/a", "x[1]/a"]
    case.done("x[1]/a")
    assert case.due() == ["x[0]/a", "x[2]/a"]


def test_items_are_seen_by_their_own_names_in_nested_blocks_too() -> None:
    deep = each("y", [5], given("s", ["$.order", "$.order_index", "$.item", "$.index"]))
    case = Case(each("x", ["o"], deep, **{"as": "order"}))
    assert case.output("x[0]/y[0]/s") == ["o", 0, 5, 0]


def test_a_percentage_is_used_up_when_more_than_it_have_failed() -> None:
    case = Case(each("x", [1] * 5, task("a"), tolerate="40%"))
    case.fails("x[0]/a")
    case.fails("x[1]/a")
    assert case.end().state == "RUNNING"
    case.fails("x[2]/a")
    assert case.end().state == "CLOSING" or case.end().state == "COMPENSATED"


def test_tolerate_lets_all_end() -> None:
    case = Case(each("x", [1, 2], task("a"), tolerate=1))
    case.fails("x[0]/a")
    assert case.state("x") == "WAITING"
    case.done("x[1]/a")
    assert case.state("x") == "SUCCEEDED"


def test_join_ends_the_block_at_the_nth_success() -> None:
    case = Case(each("x", [1, 2, 3], task("a"), join=2))
    case.done("x[2]/a", output="c")
    case.done("x[0]/a", output="a")
    assert case.output("x") == ["a", None, "c"]
    assert case.states()["x[1]/a"] == "CANCELLED"


def test_with_neither_nothing_is_tolerated() -> None:
    case = Case(each("x", [1, 2], task("a")))
    case.fails("x[0]/a")
    assert case.end().state == "COMPENSATED"


def test_a_condition_that_is_no_boolean_fails_its_step() -> None:
    for found in (None, 1, "yes"):
        case = Case(task("a", when="$.input.x"), given={"x": found})
        assert case.end().code == "expression"


def test_set_is_a_step_without_a_worker() -> None:
    case = Case(given("a", {"x": "$.input.x"}), task("b"), given={"x": 4})
    assert case.output("a") == {"x": 4}
    assert case.due() == ["b"]


def test_fail_fails_for_good_with_this_error() -> None:
    case = Case(
        {"id": "a", "fail": {"code": "mine", "message": "$.input.why"}}, given={"why": "so"}
    )
    assert case.end()[:4] == ("COMPENSATED", None, "mine", "a")


def test_a_step_sees_what_its_block_sees() -> None:
    inner = block("y", "steps", [given("s", ["$.steps.a.output", "$.item"])])
    case = Case(task("a"), each("x", [9], inner))
    case.done("a", output=1)
    assert case.output("x[0]/y[0]/s") == [1, 9]


def test_a_step_that_has_no_row_is_null() -> None:
    attempt = block(
        "x",
        "try",
        [task("a"), task("b")],
        catch=[{"steps": [given("s", ["$.steps.b.output", "$.steps.b.state", "$.steps.a.state"])]}],
    )
    case = Case(attempt)
    case.fails("x[0]/a")
    assert case.output("x") == [None, None, "FAILED"]


def test_timeout_of_a_block_fails_it() -> None:
    case = Case(block("x", "steps", [task("a")], timeout=5))
    case.tick(5)
    assert case.end()[:4] == ("COMPENSATED", None, "timeout", "x")
    assert case.states() == {"x": "DEAD_LETTER", "x[0]/a": "CANCELLED"}


def test_the_deadline_is_the_workflows() -> None:
    case = Case(task("a"), deadline=5)
    case.tick(5)
    assert case.end()[:3] == ("COMPENSATED", None, "deadline")
    assert case.state("a") == "CANCELLED"
