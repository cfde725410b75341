"""What fails for good in a block, who handles it, and what closes for that."""

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, each, task

ITEMS = "$.input.items"
THREE = {"items": [1, 2, 3]}


def test_a_tolerated_item_is_undone_before_its_block_goes_on(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1),
        given=THREE,
        output={"output": "$.steps.e.output", "errors": "$.steps.e.errors"},
    )
    run.done("e[0]/a", "e[1]/a", "e[2]/a")
    run.fails("e[1]/b")
    assert run.scopes()["e[1]"] == "COMPENSATING"
    assert run.state("e[1]/b") == "FAILED"
    run.done("e[0]/b", "e[2]/b", output=1)
    assert run.state("e") == "WAITING"
    run.done("e[1]/a.compensate")
    assert run.scopes() == {"e[0]": "SUCCEEDED", "e[1]": "FAILED", "e[2]": "SUCCEEDED"}
    assert run.state() == "SUCCEEDED"
    assert run.output()["output"] == [1, None, 1]
    (error,) = run.output()["errors"]
    assert (error["index"], error["error"]["code"]) == (1, "bad")
    assert "DEAD_LETTER" not in play.log(run.id, "b/2")


def test_more_failures_than_are_tolerated_close_the_instance(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given=THREE)
    run.done("e[0]/a", "e[1]/a")
    run.take("e[2]/a")
    run.fails("e[0]/b", "e[1]/b")
    assert run.state() == "CLOSING"
    assert run.scopes() == {"e[0]": "FAILED", "e[1]": "FAILED", "e[2]": "CLOSING"}
    run.done("e[2]/a")
    assert run.state() == "COMPENSATING"
    run.done("e[0]/a.compensate", "e[1]/a.compensate", "e[2]/a.compensate")
    assert run.state() == "COMPENSATED"
    assert set(run.undone()) == {"e[0]/a", "e[1]/a", "e[2]/a"}


def test_a_race_goes_on_while_one_can_still_win(play: Play) -> None:
    run = Blocks(
        play, {"id": "r", "race": {"x": [task("a")], "y": [task("b")]}}, output="$.steps.r.output"
    )
    run.fails("r[0]/a")
    assert run.state() == "RUNNING"
    run.done("r[1]/b", output=2)
    assert (run.state(), run.output()) == ("SUCCEEDED", {"winner": "y", "output": 2})


def test_a_block_that_continues_is_undone_and_gives_its_default(play: Play) -> None:
    group = {
        "id": "g",
        "parallel": {"x": [task("a", undo=True), task("b")], "y": [task("c")]},
        "on_failure": "continue",
        "default": "none",
    }
    run = Blocks(play, group, task("z"), output="$.steps.g.output")
    run.done("g[0]/a")
    run.take("g[1]/c")
    run.fails("g[0]/b")
    assert run.scopes() == {"g[0]": "FAILED", "g[1]": "CLOSING"}
    assert run.due() == []
    run.done("g[1]/c")
    assert run.due() == ["g[0]/a.compensate"]
    run.done("g[0]/a.compensate")
    assert run.state("g") == "FAILED"
    run.done("z")
    assert (run.state(), run.output()) == ("SUCCEEDED", "none")


def test_a_dead_letter_in_an_item_holds_no_other(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", on_failure="suspend"), task("b")),
        given=THREE,
        output="$.steps.e.output",
    )
    run.fails("e[1]/a")
    run.done("e[0]/a", "e[2]/a")
    run.done("e[0]/b", "e[2]/b", output=1)
    assert (run.state(), run.state("e[1]/a")) == ("RUNNING", "DEAD_LETTER")
    calls.redrive_dead_letters(play.conn, [run.key("e[1]/a")], [None])
    run.done("e[1]/a")
    run.done("e[1]/b", output=2)
    assert (run.state(), run.output()) == ("SUCCEEDED", [1, 2, 1])


def test_a_discarded_dead_letter_goes_on_outwards(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a", on_failure="suspend"), tolerate=1), given=THREE)
    run.fails("e[1]/a")
    run.done("e[0]/a", "e[2]/a")
    calls.discard_dead_letters(play.conn, [run.key("e[1]/a")])
    assert (run.state(), run.state("e[1]/a"), run.scopes()["e[1]"]) == (
        "SUCCEEDED",
        "FAILED",
        "FAILED",
    )


def test_a_block_that_takes_too_long_fails(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), timeout="1m"), given={"items": [1]}
    )
    run.done("e[0]/a")
    run.wait("61 s")
    assert run.states() == {
        "e": "DEAD_LETTER",
        "e[0]/a": "SUCCEEDED",
        "e[0]/a.compensate": "QUEUED",
        "e[0]/b": "CANCELLED",
        "e.compensate": "WAITING",
    }
    run.done("e[0]/a.compensate")
    assert run.state() == "COMPENSATED"


def test_what_a_step_itself_handles_is_no_failure_of_its_scope(play: Play) -> None:
    step = task("a", on_failure="continue", default=0)
    run = Blocks(play, each("e", ITEMS, step, task("b")), given={"items": [1]})
    run.fails("e[0]/a")
    assert run.due() == ["e[0]/b"]
    run.done("e[0]/b")
    assert run.state() == "SUCCEEDED"


def test_a_failed_attempt_in_a_closing_scope_is_not_tried_again(play: Play) -> None:
    run = Blocks(play, {"id": "r", "race": {"x": [task("a")], "y": [task("b")]}})
    run.take("r[1]/b")
    run.done("r[0]/a")
    grant = run.grants.pop("r[1]/b")
    play.worker.fail(grant)
    assert (run.state("r[1]/b"), run.state()) == ("CANCELLED", "SUCCEEDED")


def test_a_worker_is_told_what_runs_in_a_closing_scope(play: Play) -> None:
    run = Blocks(play, {"id": "r", "race": {"x": [task("a")], "y": [task("b")]}})
    run.take("r[1]/b")
    run.done("r[0]/a")
    (told,) = play.worker.renew(run.grants["r[1]/b"].fence)
    assert told == run.key("r[1]/b")
    run.done("r[1]/b")
    assert run.state() == "SUCCEEDED"


def test_a_task_given_back_in_a_closing_scope_moves_it_on(play: Play) -> None:
    steps = [task("a", undo=True), task("b", needs=[])]
    run = Blocks(play, {"id": "g", "steps": steps, "on_failure": "continue"})
    run.take("g[0]/a", "g[0]/b")
    run.fails("g[0]/b")
    play.worker.give_back(run.grants.pop("g[0]/a"))
    assert run.state("g[0]/a") == "CANCELLED"
    run.done("g[0]/a.compensate")
    assert run.state() == "SUCCEEDED"


def test_an_item_in_which_two_fail_is_tolerated_once(play: Play) -> None:
    both = {"id": "p", "parallel": {"x": [task("a")], "y": [task("b")]}, "tolerate": 0}
    run = Blocks(play, each("e", ITEMS, both, tolerate=2), given=THREE)
    run.fails("e[0]/p[0]/a", "e[0]/p[1]/b", "e[1]/p[0]/a")
    run.done("e[2]/p[0]/a", "e[2]/p[1]/b")
    assert run.state() == "SUCCEEDED"
    assert run.scopes()["e[1]"] == "FAILED"
