"""A repeat: round after round, until or while its condition holds."""

import pytest

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, Json, each, task
from .test_redriving import redrive


def repeat(name: str, *steps: Json, **more: Json) -> Json:
    """Return a repeat."""
    return {"id": name, "repeat": list(steps), **more}


def test_until_is_asked_after_each_round_of_which_it_sees_the_steps(play: Play) -> None:
    run = Blocks(
        play,
        repeat("r", task("a"), until="$.steps.a.output.done"),
        task("z"),
        output="$.steps.r.output",
    )
    run.done("r[0]/a", output={"done": False})
    run.done("r[1]/a", output={"done": True, "n": 2})
    assert run.due() == ["z"]
    run.done("z")
    assert (run.state(), run.output()) == ("SUCCEEDED", {"done": True, "n": 2})
    assert calls.check_instances(play.conn) == []


# guarantee: while-next-round
def test_while_is_asked_before_each_round_and_may_let_none_begin(play: Play) -> None:
    none = Blocks(
        play, repeat("r", task("a"), **{"while": False}), output={"of": "$.steps.r.output"}
    )
    assert (none.state(), none.output()) == ("SUCCEEDED", {"of": None})
    run = Blocks(play, repeat("r", task("a"), **{"while": "$.round < 2"}))
    run.done("r[0]/a")
    run.done("r[1]/a")
    assert run.states() == {"r": "SUCCEEDED", "r[0]/a": "SUCCEEDED", "r[1]/a": "SUCCEEDED"}


def test_a_while_sees_what_the_round_will_see_and_the_steps_of_the_one_before(play: Play) -> None:
    asked = "$.steps.a.state == null || $.previous.more == true && $.steps.a.output.more == true"
    run = Blocks(play, repeat("r", task("a", {"p": "$.previous"}), **{"while": asked}))
    run.done("r[0]/a", output={"more": True})
    run.take("r[1]/a")
    assert run.grants["r[1]/a"].input == {"p": {"more": True}}
    run.done("r[1]/a", output={"more": False})
    assert run.state() == "SUCCEEDED"


# guarantee: previous-round
def test_steps_see_their_round_and_the_output_of_the_one_before(play: Play) -> None:
    given = {"n": "$.round", "p": "$.previous"}
    run = Blocks(
        play, repeat("r", each("e", [1], task("a", given)), until="$.round == 2", output="$.round")
    )
    seen: list[Json] = []
    for n in range(3):
        path = f"r[{n}]/e[0]/a"
        run.take(path)
        seen.append(run.grants[path].input)
        run.done(path)
    assert seen == [{"n": 0, "p": None}, {"n": 1, "p": 0}, {"n": 2, "p": 1}]
    assert run.state() == "SUCCEEDED"


# guarantee: round-delay
def test_a_delay_passes_between_rounds_and_not_behind_the_last(play: Play) -> None:
    run = Blocks(play, repeat("r", task("a"), until="$.round == 1", delay="10m"))
    run.done("r[0]/a")
    assert run.due() == []
    run.wait("9 minutes")
    assert run.due() == []
    run.wait("2 minutes")
    run.done("r[1]/a")
    assert run.state() == "SUCCEEDED"


# guarantee: round-limit
def test_where_the_limit_of_rounds_was_not_enough_it_fails_itself(play: Play) -> None:
    run = Blocks(
        play,
        repeat("r", task("a", undo=True), until=False, limit=2, delay="1h", on_failure="continue"),
        task("z"),
    )
    run.done("r[0]/a")
    run.wait("1 hour")
    run.done("r[1]/a")
    # Not after another hour; and what its rounds did is undone, the last first.
    assert run.due() == ["r[1]/a.compensate"]
    run.done("r[1]/a.compensate")
    run.done("r[0]/a.compensate")
    assert (run.state("r"), run.due()) == ("FAILED", ["z"])
    assert run.undone() == ["r[1]/a", "r[0]/a"]
    assert calls.check_instances(play.conn) == []


# guarantee: condition-place
def test_a_failed_condition_is_redriven_with_what_it_should_have_given(play: Play) -> None:
    run = Blocks(play, repeat("r", task("a"), until="$.steps.a.output"), on_failure="suspend")
    run.done("r[0]/a", output="text")
    assert run.state("r") == "DEAD_LETTER"
    assert redrive(run, "r", "yes")[0] == "refused"
    assert redrive(run, "r", False)[0] == "done"
    run.done("r[1]/a", output="text")
    assert redrive(run, "r", True)[0] == "done"
    assert (run.state("r"), run.state()) == ("SUCCEEDED", "SUCCEEDED")
    assert calls.check_instances(play.conn) == []


def test_a_first_while_that_fails_is_redriven_too(play: Play) -> None:
    run = Blocks(play, repeat("r", task("a"), **{"while": "$.input.missing"}), on_failure="suspend")
    assert redrive(run, "r", True)[0] == "done"
    assert run.due() == ["r[0]/a"]


# guarantee: block-redriven
@pytest.mark.parametrize("away", ["2 hours", "4 hours"])
@pytest.mark.parametrize("condition", ["while", "until"])
def test_one_that_is_redriven_has_its_time_anew(play: Play, condition: str, away: str) -> None:
    asked = {condition: "$.input.missing"}
    run = Blocks(play, repeat("r", task("a"), timeout="3h", **asked), on_failure="suspend")
    if condition == "until":
        run.done("r[0]/a")
    run.wait(away)
    assert run.state("r") == "DEAD_LETTER"
    assert redrive(run, "r", condition == "while")[0] == "done"
    run.wait("2 hours")
    assert run.state("r") == "WAITING"
    run.wait("2 hours")
    assert run.state("r") == "DEAD_LETTER"


@pytest.mark.parametrize("given", [None, True])
def test_a_limit_is_not_redriven_but_skipped(play: Play, given: Json) -> None:
    run = Blocks(play, repeat("r", task("a"), until=False, limit=1), on_failure="suspend")
    run.done("r[0]/a")
    assert redrive(run, "r", given)[0] == "refused"
    (skipped,) = calls.skip_dead_letters(play.conn, [run.key("r")], [5])
    assert (skipped.outcome, run.state()) == ("done", "SUCCEEDED")


def test_where_its_scope_closes_while_it_waits_no_round_begins(play: Play) -> None:
    waiting = repeat("r", task("a"), until=False, delay="1h")
    run = Blocks(play, {"id": "x", "race": {"l": [waiting], "w": [task("w")]}}, task("z"))
    run.done("x[0]/r[0]/a")
    run.done("x[1]/w")
    run.wait("2 hours")
    assert (run.state("x[0]/r"), run.due()) == ("CANCELLED", ["z"])
    assert calls.check_instances(play.conn) == []


def test_its_timeout_spans_rounds_and_waits(play: Play) -> None:
    run = Blocks(play, repeat("r", task("a"), until=False, delay="1h", timeout="90m"))
    run.done("r[0]/a")
    run.wait("1 hour")
    run.done("r[1]/a")
    run.wait("1 hour")
    assert run.state() == "COMPENSATED"
    assert play.value("select error ->> 'code' from onceflow.instances") == "timeout"


def test_under_an_operators_hold_the_wait_ends_and_the_next_round_is_held(play: Play) -> None:
    run = Blocks(play, repeat("r", task("a"), until="$.round == 1", delay="1h"))
    run.done("r[0]/a")
    calls.suspend_instances(play.conn, [run.id])
    run.wait("2 hours")
    assert run.state("r[1]/a") == "READY"
    calls.resume_instances(play.conn, [run.id])
    run.done("r[1]/a")
    assert run.state() == "SUCCEEDED"
