"""Chains: rounds and attempts, what they see, and how they go on."""

import pytest

from .interpreter import Failure
from .support import AT_ONCE, Case, Json, block, caught, each, given, task


def loop(*steps: Json, **more: Json) -> Json:
    """Return a repeat."""
    return block("x", "repeat", list(steps), **more)


# repeat


def test_repeat_gives_the_output_of_the_last_round_and_asks_after_each() -> None:
    case = Case(loop(task("a"), until="$.steps.a.output == 2"))
    case.done("x[0]/a", output=1)
    case.done("x[1]/a", output=2)
    assert case.output("x") == 2


def test_a_while_is_asked_before_a_round() -> None:
    inner = loop(given("a", "$.round"), **{"while": "$.input.go"})
    assert Case(inner, given={"go": False}).rows()["x"][:2] == ("SUCCEEDED", None)
    looped = Case(loop(task("a"), **{"while": True}))
    assert looped.due() == ["x[0]/a"]


def test_rounds_count_from_0_and_see_the_output_of_the_last() -> None:
    inner = loop(given("a", ["$.round", "$.previous"]), until="$.round == 1")
    assert Case(inner).output("x") == [1, [0, None]]


def test_an_until_sees_its_round_as_a_step_at_its_end_would() -> None:
    case = Case(loop(task("a"), until="$.previous == 1"))
    case.done("x[0]/a", output=1)
    assert case.due() == ["x[1]/a"]
    case.done("x[1]/a", output=2)
    assert case.output("x") == 2


def test_a_while_sees_the_round_before_and_the_number_of_the_one_that_it_lets_begin() -> None:
    case = Case(loop(task("a"), **{"while": "$.round < 2"}))
    case.done("x[0]/a")
    case.done("x[1]/a", output="last")
    assert case.output("x") == "last"
    for path in ("$.steps.a.output", "$.previous"):
        case = Case(loop(task("a"), **{"while": f"{path} != 1"}))
        case.done("x[0]/a", output=2)
        case.done("x[1]/a", output=1)
        assert case.output("x") == 1


def test_before_the_first_round_a_while_sees_nothing_of_it() -> None:
    case = Case(loop(task("a"), **{"while": "$.steps.a.state == null"}))
    case.done("x[0]/a")
    assert case.state("x") == "SUCCEEDED"


@pytest.mark.parametrize("key", ["until", "while"])
def test_reaching_the_limit_of_rounds_fails(key: str) -> None:
    case = Case(loop(given("a", 1), **{key: key == "while"}, limit=3))
    assert case.end().code == "flow.limit"
    assert list(case.scopes()) == ["x[0]", "x[1]", "x[2]"]


def test_a_last_round_that_is_enough_does_not_reach_it() -> None:
    for more in ({"until": "$.round == 2"}, {"while": "$.round < 3"}):
        assert Case(loop(given("a", "$.round"), limit=3, **more)).output("x") == 2


@pytest.mark.parametrize("key", ["until", "while"])
def test_between_rounds_there_is_a_delay(key: str) -> None:
    case = Case(loop(task("a"), **{key: key == "while"}, delay=10))
    assert case.due() == ["x[0]/a"]
    case.tick(3)
    case.done("x[0]/a")
    assert case.due() == []
    case.tick(12)
    assert case.due() == []
    case.tick(13)
    assert case.due() == ["x[1]/a"]


def test_none_follows_the_last_round_nor_one_whose_condition_fails() -> None:
    for more in ({"until": True}, {"while": "$.round < 1"}):
        case = Case(loop(given("a", 1), delay=10, **more))
        assert case.state("x") == "SUCCEEDED"
    for more in ({"until": False}, {"while": True}):
        case = Case(loop(given("a", 1), delay=10, limit=1, **more))
        assert case.end().code == "flow.limit"


@pytest.mark.parametrize("key", ["until", "while"])
def test_a_condition_that_fails_is_the_repeats_own_failure(key: str) -> None:
    condition = {"until": "$.steps.a.output", "while": "$.input.missing"}[key]
    inner = block("y", "repeat", [task("a", undo=True)], **{key: condition})
    case = Case(caught(inner))
    if key == "until":
        case.done("x[0]/y[0]/a", output=7)
        assert (case.state("x[0]/y"), case.due()) == ("FAILED", ["x[0]/y[0]/a.compensate"])
        case.done("x[0]/y[0]/a.compensate")
    assert case.due() == ["x[1]/c"]


def test_a_failure_in_a_round_goes_on_outwards() -> None:
    case = Case(loop(task("a"), until=True, on_failure="continue"), task("b"))
    case.fails("x[0]/a")
    assert (case.state("x"), case.due()) == ("FAILED", ["b"])


def test_a_timeout_of_a_repeat_spans_its_rounds_and_delays() -> None:
    case = Case(loop(task("a"), until=False, delay=4, timeout=9))
    case.tick(3)
    case.done("x[0]/a")
    case.tick(7)
    assert case.due() == ["x[1]/a"]
    case.done("x[1]/a")
    case.tick(9)
    assert case.end()[:4] == ("COMPENSATED", None, "timeout", "x")
    assert case.scopes() == {"x[0]": "SUCCEEDED", "x[1]": "SUCCEEDED"}


def test_a_while_is_redriven_with_the_boolean_that_it_should_have_given() -> None:
    bad = {"while": "$.input.missing"}
    for answer, state in ((True, "WAITING"), (False, "SUCCEEDED")):
        case = Case(loop(task("a"), **bad), on_failure="suspend")
        assert case.redrive("x", 1) == "refused"
        case.redrive("x", answer)
        assert case.state("x") == state
    case = Case(loop(task("a"), **bad, delay=5), on_failure="suspend")
    case.redrive("x", True)
    case.done("x[0]/a", output=4)
    case.redrive("x", True)
    assert case.due() == []
    case.tick(5)
    case.done("x[1]/a", output=6)
    case.redrive("x", False)
    assert case.output("x") == 6


def test_a_limit_is_not_redriven_but_skipped_or_discarded() -> None:
    case = Case(loop(given("a", 1), until=False, limit=1), on_failure="suspend")
    assert case.redrive("x", True) == "refused"
    case.skip("x", 5)
    assert case.output("x") == 5


# try


def test_try_gives_its_own_output_and_has_caught_nothing() -> None:
    case = Case(
        block("x", "try", [task("a")], catch=[{"steps": [task("b")]}]),
        given("c", "$.steps.x.caught"),
    )
    case.done("x[0]/a", output=5)
    assert (case.output("x"), case.output("c")) == (5, None)


def test_a_try_that_was_caught_gives_the_output_of_the_catch_and_its_code() -> None:
    case = Case(
        block("x", "try", [task("a")], catch=[{"steps": [task("b")]}]),
        given("c", "$.steps.x.caught"),
    )
    case.fails("x[0]/a", code="net.down")
    case.done("x[1]/b", output=6)
    assert (case.output("x"), case.output("c")) == (6, "net.down")


def test_an_empty_catch_gives_null() -> None:
    case = Case(block("x", "try", [task("a")], catch=[{"steps": []}]))
    case.fails("x[0]/a")
    assert case.rows()["x"][:2] == ("SUCCEEDED", None)


def test_a_catch_sees_the_error_and_the_steps_of_its_try() -> None:
    catch = [{"steps": [given("s", ["$.error.code", "$.error.task", "$.steps.a.output"])]}]
    case = Case(block("x", "try", [task("a"), task("b")], catch=catch))
    case.done("x[0]/a", output=1)
    case.fails("x[0]/b")
    assert case.output("x") == ["bad", "x[0]/b", 1]


def test_an_error_tells_code_message_detail_task_and_attempts() -> None:
    attempt = block("x", "try", [task("a", retry={"attempts": 2, "backoff": 0})])
    case = Case({**attempt, "catch": [{"steps": [given("s", "$.error")]}]})
    case.take("x[0]/a")
    case.answer({"x[0]/a": Failure("bad", retryable=True)})
    case.tick(0)
    case.fails("x[0]/a")
    nothing = {"message": None, "detail": None}
    assert case.output("x") == {"code": "bad", **nothing, "task": "x[0]/a", "attempts": 2}


def test_the_error_is_that_of_the_innermost_catch() -> None:
    inner = block("y", "try", [task("a")], catch=[{"steps": [given("s", "$.error.code")]}])
    case = Case(block("x", "try", [task("b")], catch=[{"steps": [inner]}]))
    case.fails("x[0]/b", code="outer")
    case.fails("x[1]/y[0]/a", code="inner")
    assert case.output("x") == "inner"


def test_a_try_that_fails_in_its_catch_tells_what_it_had_caught() -> None:
    case = Case(caught(task("a"), on_failure="continue"), given("b", "$.steps.x"))
    case.fails("x[0]/a", code="first")
    case.fails("x[1]/c", code="second")
    told = case.output("b")
    assert (told["state"], told["caught"], told["error"]["code"]) == ("FAILED", "first", "second")


def test_the_pause_before_an_attempt_grows_up_to_the_longest() -> None:
    retry = {"attempts": 4, "backoff": 2, "factor": 3, "max": 7}
    case = Case(block("x", "try", [task("a")], retry=retry))
    at = 0
    for n, pause in enumerate((2, 6, 7)):
        case.fails(f"x[{n}]/a")
        case.tick(at + pause - 1)
        assert case.due() == []
        at += pause
        case.tick(at)
    case.fails("x[3]/a")
    assert case.end().state == "COMPENSATED"


def test_without_more_than_a_retry_it_is_that_of_a_task() -> None:
    case = Case(block("x", "try", [task("a")], retry={}))
    for n, pause in enumerate((1, 2, 4, 8)):
        case.fails(f"x[{n}]/a")
        case.tick(case.instance.now + pause)
    assert case.due() == ["x[4]/a"]
    case.fails("x[4]/a")
    assert case.end().state == "COMPENSATED"


def test_codes_that_are_not_to_be_tried_again_go_to_the_catches() -> None:
    retry = {**AT_ONCE, "non_retryable": ["ba*"]}
    case = Case(caught(task("a"), retry=retry))
    case.fails("x[0]/a", code="bad")
    assert case.due() == ["x[1]/c"]


def test_an_attempt_sees_nothing_of_those_before() -> None:
    steps = [given("s", "$.steps.b.state"), task("a"), task("b")]
    case = Case(block("x", "try", steps, retry=AT_ONCE))
    case.done("x[0]/a")
    case.fails("x[0]/b")
    assert (case.output("x[1]/s"), case.due()) == (None, ["x[1]/a"])


def test_a_timeout_of_a_try_spans_its_attempts_their_undoing_and_its_catch() -> None:
    for until in range(3):
        steps = [task("a", undo=True), task("b")]
        case = Case(caught(*steps, retry=AT_ONCE, timeout=5, on_failure="continue"), task("d"))
        for n in range(2):
            case.done(f"x[{n}]/a")
            case.fails(f"x[{n}]/b")
            if until == n:
                break
            case.done(f"x[{n}]/a.compensate")
        case.tick(5)
        if until < 2:
            assert (case.state("x"), case.due()) == ("WAITING", [f"x[{until}]/a.compensate"])
            case.done(f"x[{until}]/a.compensate")
        else:
            assert case.states()["x[2]/c"] == "CANCELLED"
        assert (case.state("x"), case.due()) == ("FAILED", ["d"])


def test_its_own_timeout_is_neither_retried_nor_caught() -> None:
    case = Case(caught(task("a"), retry=AT_ONCE, timeout=5))
    case.tick(5)
    assert case.end()[:4] == ("COMPENSATED", None, "timeout", "x")


def test_of_a_task_in_it_the_timeout_is_caught() -> None:
    case = Case(caught(task("a", timeout=5, retry={"attempts": 1})))
    case.take("x[0]/a")
    case.tick(5)
    assert case.due() == ["x[1]/c"]


def test_a_chain_in_every_item_goes_on_by_itself() -> None:
    case = Case(each("e", [1, 2], loop(task("a"), until="$.round == 1", delay=2)))
    case.done("e[0]/x[0]/a")
    case.tick(1)
    case.done("e[1]/x[0]/a")
    case.tick(2)
    assert case.due() == ["e[0]/x[1]/a"]
    case.tick(3)
    assert case.due() == ["e[0]/x[1]/a", "e[1]/x[1]/a"]
