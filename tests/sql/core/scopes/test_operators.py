"""What persons and the clock do to an instance with blocks: suspend, redrive, cancel, time out."""

from onceflow.engine import calls

from ...play import Play, tick
from .support import Blocks, each, task

ITEMS = "$.input.items"
THREE = {"items": [1, 2, 3]}


# guarantee: held-blocks-go-on
def test_under_an_operators_suspension_blocks_and_sets_go_on_and_tasks_wait_in_ready(
    play: Play,
) -> None:
    steps = [task("a"), {"id": "s", "set": "$.steps.a.output"}]
    run = Blocks(play, each("e", ITEMS, *steps, max_parallel=1), task("z"), given=THREE)
    run.take("e[0]/a")
    calls.suspend_instances(play.conn, [run.id])
    run.done("e[0]/a", output=1)
    assert run.scopes() == {"e[0]": "SUCCEEDED", "e[1]": "OPEN", "e[2]": "WAITING"}
    assert (run.state("e[0]/s"), run.state("e[1]/a")) == ("SUCCEEDED", "READY")
    calls.resume_instances(play.conn, [run.id])
    assert run.due() == ["e[1]/a"]


# guarantee: held-handles
def test_a_failure_is_handled_under_it_and_what_is_to_be_undone_waits(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given={"items": [1]}
    )
    run.done("e[0]/a")
    run.take("e[0]/b")
    calls.suspend_instances(play.conn, [run.id])
    run.fails("e[0]/b")
    assert (run.scopes()["e[0]"], run.state("e[0]/a.compensate")) == ("COMPENSATING", "READY")
    calls.resume_instances(play.conn, [run.id])
    run.done("e[0]/a.compensate")
    assert run.state() == "SUCCEEDED"


def test_a_suspension_holds_what_is_queued_in_all_scopes(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a")), task("z", needs=[]), given=THREE)
    calls.suspend_instances(play.conn, [run.id])
    assert run.due() == []
    assert run.state("e[2]/a") == "READY"
    calls.resume_instances(play.conn, [run.id])
    assert run.due() == ["e[0]/a", "e[1]/a", "e[2]/a", "z"]


def test_a_redrive_of_an_item_under_a_suspension_waits_for_the_resume(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a", on_failure="suspend")), given=THREE)
    run.fails("e[1]/a")
    calls.suspend_instances(play.conn, [run.id])
    calls.redrive_dead_letters(play.conn, [run.key("e[1]/a")], [{"n": 7}])
    assert run.state("e[1]/a") == "READY"
    calls.resume_instances(play.conn, [run.id])
    run.take("e[1]/a")
    assert run.grants["e[1]/a"].input == {"n": 7}


def test_a_skipped_item_passes_on_in_its_own_scope(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", on_failure="suspend"), task("b", {"of": "$.steps.a.output"})),
        given={"items": [1, 2]},
    )
    run.fails("e[1]/a")
    calls.skip_dead_letters(play.conn, [run.key("e[1]/a")], ["given"])
    run.take("e[1]/b")
    assert run.grants["e[1]/b"].input == {"of": "given"}
    assert "e[0]/b" not in run.states()


# guarantee: cancel-undoes-blocks
def test_a_cancel_ends_all_scopes_and_undoes_them(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), max_parallel=2),
        given=THREE,
    )
    run.done("e[0]/a")
    run.take("e[1]/a")
    calls.cancel_instances(play.conn, [run.id])
    assert run.scopes() == {"e[0]": "CANCELLED", "e[1]": "CLOSING", "e[2]": "CANCELLED"}
    assert (run.state("e[0]/b"), run.state("e")) == ("CANCELLED", "CANCELLED")
    run.done("e[1]/a")
    assert run.state() == "COMPENSATING"
    run.done("e[0]/a.compensate", "e[1]/a.compensate")
    assert (run.state(), set(run.undone())) == ("CANCELLED", {"e[0]/a", "e[1]/a"})


# guarantee: undo-row-there
def test_what_has_its_compensation_already_is_nothing_to_undo(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1),
        task("z"),
        given={"items": [1]},
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    run.done("e[0]/a.compensate")
    calls.cancel_instances(play.conn, [run.id])
    assert run.state() == "CANCELLED"
    assert "e.compensate" not in run.states()


def test_a_cancel_plans_only_what_has_no_compensation_yet(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("c", undo=True), task("b"), tolerate=1),
        given={"items": [1, 2]},
    )
    run.done("e[0]/a", "e[1]/a")
    run.done("e[0]/c", "e[1]/c")
    run.fails("e[0]/b")
    # c of the first item is being undone, and a of it waits for its turn.
    calls.cancel_instances(play.conn, [run.id])
    run.done("e[0]/c.compensate")
    run.done("e[0]/a.compensate")
    run.done("e[1]/c.compensate")
    run.done("e[1]/a.compensate")
    assert run.state() == "CANCELLED"
    assert run.undone() == ["e[0]/c", "e[0]/a", "e[1]/c", "e[1]/a"]


def test_a_cancel_lifts_a_suspension_so_that_items_are_undone(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a", undo=True), task("b")), given={"items": [1]})
    run.done("e[0]/a")
    calls.suspend_instances(play.conn, [run.id])
    calls.cancel_instances(play.conn, [run.id])
    assert run.due() == ["e[0]/a.compensate"]


def test_a_deadline_asks_no_handler(play: Play) -> None:
    block = each("e", ITEMS, task("a"), tolerate=3, on_failure="continue")
    run = Blocks(play, block, given=THREE, deadline="1m")
    run.fails("e[0]/a")
    run.wait("61 s")
    assert (run.state(), run.state("e[1]/a")) == ("COMPENSATED", "CANCELLED")
    assert run.scopes() == {"e[0]": "FAILED", "e[1]": "CANCELLED", "e[2]": "CANCELLED"}


def test_a_workflow_that_says_fail_undoes_nothing_in_its_blocks(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b")),
        given={"items": [1, 2]},
        on_failure="fail",
    )
    run.done("e[0]/a", "e[1]/a")
    run.fails("e[0]/b")
    assert run.state() == "FAILED"
    assert [path for path in run.states() if path.endswith(".compensate")] == []


# guarantee: fail-undoes-nothing
def test_a_workflow_that_says_fail_undoes_no_tolerated_item_and_no_loser(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1),
        {"id": "r", "race": {"x": [task("win")], "y": [task("c", undo=True), task("d")]}},
        given={"items": [1]},
        on_failure="fail",
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    run.done("r[1]/c")
    run.done("r[0]/win")
    assert run.state() == "SUCCEEDED"
    assert [path for path in run.states() if path.endswith(".compensate")] == []


# guarantee: block-timeout
def test_a_timeout_of_a_block_that_suspends_closes_its_scopes_and_skip_passes_on(
    play: Play,
) -> None:
    block = each("e", ITEMS, task("a"), timeout="1m", on_failure="suspend")
    run = Blocks(play, block, task("z", {"e": "$.steps.e.output"}), given=THREE)
    run.take("e[0]/a")
    run.wait("61 s")
    assert run.state("e") == "DEAD_LETTER"
    assert run.scopes() == {"e[0]": "CLOSING", "e[1]": "CANCELLED", "e[2]": "CANCELLED"}
    (answer,) = calls.redrive_dead_letters(play.conn, [run.key("e")], [None])
    assert answer.outcome == "refused"
    calls.skip_dead_letters(play.conn, [run.key("e")], ["given"])
    run.take("z")
    assert run.grants["z"].input == {"e": "given"}
    run.done("e[0]/a", "z")
    assert run.state() == "SUCCEEDED"


def test_a_discarded_timeout_goes_outwards(play: Play) -> None:
    inner = {"id": "g", "steps": [task("a")], "timeout": "1m", "on_failure": "suspend"}
    run = Blocks(play, each("e", ITEMS, inner, tolerate=1), given={"items": [1]})
    run.wait("61 s")
    assert run.state("e[0]/g") == "DEAD_LETTER"
    calls.discard_dead_letters(play.conn, [run.key("e[0]/g")])
    assert (run.state("e[0]/g"), run.scopes()["e[0]"], run.state()) == (
        "FAILED",
        "FAILED",
        "SUCCEEDED",
    )


# guarantee: block-timeout-own
def test_a_timeout_asks_the_blocks_on_failure_and_not_its_tolerance(play: Play) -> None:
    block = each("e", ITEMS, task("a"), tolerate=3, timeout="1m", on_failure="continue")
    run = Blocks(play, block, task("z", {"error": "$.steps.e.error.code"}), given=THREE)
    run.wait("61 s")
    assert run.state("e") == "FAILED"
    run.take("z")
    assert run.grants["z"].input == {"error": "timeout"}


# guarantee: block-timeout-over
def test_a_block_that_has_failed_does_not_time_out_while_it_is_undone(play: Play) -> None:
    steps = [task("a", undo=True), task("b")]
    block = {"id": "g", "steps": steps, "timeout": "1m", "on_failure": "continue"}
    run = Blocks(play, block, task("z", {"error": "$.steps.g.error.code"}))
    run.done("g[0]/a")
    run.fails("g[0]/b")
    run.wait("61 s")
    assert run.state("g") == "WAITING"
    run.done("g[0]/a.compensate")
    run.take("z")
    assert run.grants["z"].input == {"error": "bad"}


def test_a_block_that_has_ended_does_not_time_out(play: Play) -> None:
    run = Blocks(play, each("e", ITEMS, task("a"), timeout="1m"), task("z"), given={"items": [1]})
    run.done("e[0]/a")
    run.wait("1 hour")
    assert (run.state(), run.state("e")) == ("RUNNING", "SUCCEEDED")


def test_the_clock_finds_a_block_past_its_timeout_while_it_undoes_an_item(play: Play) -> None:
    run = Blocks(
        play,
        each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1, timeout="1m"),
        given={"items": [1]},
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    run.wait("61 s")
    tick(play.conn)
    assert run.state() == "CLOSING"
    run.done("e[0]/a.compensate")
    assert run.state() == "COMPENSATED"
