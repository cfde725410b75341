"""`goto` and `return`: where a list goes on, and where an instance ends."""

import pytest

from . import making
from .support import Case, Json, block, caught, each, given, task


def goto(name: str, target: str, **more: Json) -> Json:
    return {"id": name, "goto": target, **more}


def returns(name: str, value: Json, **more: Json) -> Json:
    return {"id": name, "return": value, **more}


# goto


def test_what_is_jumped_over_gets_no_row_and_the_goto_succeeds_with_null() -> None:
    case = Case(goto("g", "c"), task("a"), given("b", 1), given("c", 2))
    assert case.states() == {"c": "SUCCEEDED", "g": "SUCCEEDED"}
    assert case.output("g") is None
    assert case.end()[:2] == ("SUCCEEDED", None)


def test_what_is_entered_again_has_its_next_visit() -> None:
    case = Case(task("a"), task("b"), goto("g", "a", when="$.steps.b.output == 1"), task("c"))
    case.done("a")
    case.done("b", output=1)
    assert case.states() == {
        "a": "SUCCEEDED",
        "a#1": "QUEUED",
        "b": "SUCCEEDED",
        "g": "SUCCEEDED",
    }
    case.done("a#1")
    case.done("b#1", output=2)
    assert (case.state("g#1"), case.due()) == ("SKIPPED", ["c"])


def test_a_visit_is_a_steps_own_next_one() -> None:
    steps = [goto("first", "b"), task("a"), task("b"), goto("g", "a")]
    case = Case(*steps)
    case.done("b")
    assert case.due() == ["a"]
    case.done("a")
    assert case.due() == ["b#1"]


def test_where_its_when_is_false_the_step_below_follows() -> None:
    case = Case(goto("g", "b", when=False), task("a"), task("b"))
    assert case.states() == {"a": "QUEUED", "g": "SKIPPED"}


def test_to_the_end_of_its_own_list() -> None:
    case = Case(block("x", "steps", [given("a", 1), goto("g", "end"), task("b")]), task("c"))
    assert (case.state("x"), case.output("x"), case.due()) == ("SUCCEEDED", None, ["c"])
    case = Case(given("a", 1), goto("g", "end"), task("b"), output="$.steps.a.output")
    assert case.end()[:2] == ("SUCCEEDED", 1)


def test_the_output_of_a_block_is_asked_for_at_the_end_of_its_list() -> None:
    inner = [given("a", 1), goto("g", "end"), given("b", 2)]
    case = Case(block("x", "steps", inner, output=["$.steps.a.output", "$.steps.b.output"]))
    assert case.output("x") == [1, None]


def test_what_was_jumped_over_is_null_in_output_and_state() -> None:
    case = Case(goto("g", "b"), task("a"), given("b", "$.steps.a"))
    assert case.output("b") == {"output": None, "state": None, "error": None}


def test_with_visits_the_last_counts() -> None:
    again = goto("g", "a", when="$.steps.a.output == 1")
    case = Case(task("a"), again, given("b", "$.steps.a.output"))
    case.done("a", output=1)
    case.done("a#1", output=2)
    assert case.output("b") == 2


def test_what_an_earlier_visit_left_is_seen_though_it_is_jumped_over_now() -> None:
    over = goto("over", "c", when="$.steps.a.output == 2")
    case = Case(task("a"), over, given("b", 7), given("c", "$.steps.b.output"), goto("g", "a"))
    case.done("a", output=1)
    case.done("a#1", output=2)
    assert (case.output("c"), case.output("c#1")) == (7, 7)
    assert "b#1" not in case.states()


def test_a_block_is_entered_again_with_scopes_of_its_own() -> None:
    again = goto("g", "x", when="$.steps.x.output == 1")
    case = Case(block("x", "steps", [task("a")]), again)
    case.done("x[0]/a", output=1)
    assert case.due() == ["x#1[0]/a"]
    case.done("x#1[0]/a", output=2)
    assert case.scopes() == {"x[0]": "SUCCEEDED", "x#1[0]": "SUCCEEDED"}


def test_a_step_that_would_be_visited_too_often_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    assert making.MOST_VISITS == 1000
    monkeypatch.setattr(making, "MOST_VISITS", 3)
    case = Case(given("a", 1), goto("g", "a"), on_failure="suspend")
    assert (case.dead_letters(), case.rows()["a#3"].code) == (["a#3"], "flow.limit")
    assert case.redrive("a#3", 1) == "refused"
    case.skip("a#3")
    assert case.dead_letters() == ["g#3"]


def test_every_visit_is_undone_the_last_first() -> None:
    again = goto("g", "a", when="$.steps.a.output == 1")
    case = Case(task("a", undo=True), again, task("b"))
    case.done("a", output=1)
    case.done("a#1", output=2)
    case.fails("b")
    assert case.due() == ["a.compensate#1"]
    case.done("a.compensate#1")
    assert case.due() == ["a.compensate"]
    case.done("a.compensate")
    assert case.undone() == ["a#1", "a"]


def test_a_when_that_fails_is_redriven_with_a_boolean() -> None:
    for answer, due in ((True, ["b"]), (False, ["a"])):
        case = Case(
            goto("g", "b", when="$.input.missing"), task("a"), task("b"), on_failure="suspend"
        )
        assert case.redrive("g", 1) == "refused"
        assert case.redrive("g", answer) == "done"
        assert case.due() == due


def test_skipped_by_a_person_or_gone_on_from_by_continue_it_jumps_nowhere() -> None:
    wrong = goto("g", "b", when="$.input.missing")
    case = Case(wrong, task("a"), task("b"), on_failure="suspend")
    case.skip("g")
    assert case.due() == ["a"]
    assert Case({**wrong, "on_failure": "continue"}, task("a"), task("b")).due() == ["a"]


# return


def test_return_ends_the_instance_with_its_value() -> None:
    case = Case(returns("r", {"x": "$.input.x"}), task("a"), given={"x": 4}, output=1)
    assert case.end()[:2] == ("SUCCEEDED", {"x": 4})
    assert case.states() == {"r": "SUCCEEDED"}
    assert case.output("r") == {"x": 4}


@pytest.mark.parametrize("kind", ["steps", "try", "repeat"])
def test_blocks_and_scopes_around_it_succeed_the_blocks_with_null(kind: str) -> None:
    more: Json = {"repeat": {"until": False}}.get(kind, {})
    inner = block("y", kind, [task("a"), returns("r", 5), task("b")], **more, output=6)
    case = Case(block("x", "switch", [{"when": True, "steps": [inner, task("c")]}]), task("d"))
    case.done("x[0]/y[0]/a")
    assert case.end()[:2] == ("SUCCEEDED", 5)
    assert case.scopes() == {"x[0]": "SUCCEEDED", "x[0]/y[0]": "SUCCEEDED"}
    assert case.rows()["x"][:2] == case.rows()["x[0]/y"][:2] == ("SUCCEEDED", None)


def test_in_a_catch_too() -> None:
    catch = [{"steps": [returns("r", "$.error.code")]}]
    case = Case(block("x", "try", [task("a")], catch=catch), task("b"))
    case.fails("x[0]/a", code="net")
    assert case.end()[:2] == ("SUCCEEDED", "net")


def test_the_instance_succeeds_once_drained() -> None:
    race = block("x", "race", {"p": [task("a")], "q": [task("b", undo=True)]})
    case = Case(race, returns("r", 5))
    case.take("x[1]/b")
    case.done("x[0]/a")
    assert (case.state("r"), case.end()[:2]) == ("SUCCEEDED", ("RUNNING", None))
    case.done("x[1]/b")
    assert case.due() == ["x[1]/b.compensate"]
    case.done("x[1]/b.compensate")
    assert case.end()[:2] == ("SUCCEEDED", 5)


def test_while_it_drains_it_can_be_cancelled() -> None:
    race = block("x", "race", {"p": [task("a", undo=True)], "q": [task("b")]})
    case = Case(race, returns("r", 5), task("c"))
    case.take("x[1]/b")
    case.done("x[0]/a")
    assert case.cancel() == "done"
    case.done("x[1]/b")
    case.done("x[0]/a.compensate")
    assert case.end()[:2] == ("CANCELLED", None)


def test_a_returned_value_that_fails_is_redriven_with_one_or_skipped() -> None:
    case = Case(returns("r", "$.input.missing"), task("a"), on_failure="suspend")
    assert case.redrive("r") == "refused"
    case.redrive("r", 3)
    assert case.end()[:2] == ("SUCCEEDED", 3)
    case = Case(returns("r", "$.input.missing"), task("a"), on_failure="suspend")
    case.skip("r", 3)
    assert (case.end().state, case.due()) == ("RUNNING", ["a"])


def test_where_its_when_is_false_the_list_goes_on() -> None:
    assert Case(returns("r", 1, when=False), task("a")).due() == ["a"]


def test_a_return_whose_value_fails_is_caught() -> None:
    case = Case(caught(returns("r", "$.input.missing")))
    assert case.due() == ["x[1]/c"]


def test_in_a_round_it_ends_the_repeat_and_all_around() -> None:
    stop = returns("r", "$.previous", when="$.round == 1")
    case = Case(block("x", "repeat", [stop, given("a", 8)], until=False), task("b"))
    assert case.end()[:2] == ("SUCCEEDED", 8)
    assert case.scopes() == {"x[0]": "SUCCEEDED", "x[1]": "SUCCEEDED"}


def test_jumps_go_within_the_rounds_of_a_for_each() -> None:
    case = Case(each("x", [1, 2], goto("g", "b", when="$.index == 0"), task("a"), task("b")))
    assert case.due() == ["x[0]/b", "x[1]/a"]
