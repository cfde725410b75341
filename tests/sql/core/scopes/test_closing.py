"""What a scope that closes does to its tasks, in whichever state: nothing in it starts again."""

import uuid

from onceflow.engine import calls

from ...play import Play, tick
from .support import Blocks, Json, each, task

ITEMS = "$.input.items"
TOKEN = uuid.UUID("00000000-0000-4000-8000-000000000007")


def race(*losers: Json, **more: Json) -> Json:
    """Return a race of a task `win` against a list."""
    return {"id": "r", "race": {"x": [task("win")], "y": list(losers)}, **more}


# guarantee: closing-tries-again
def test_a_loser_whose_worker_dies_is_not_tried_again(play: Play) -> None:
    run = Blocks(play, race(task("b", retry={"attempts": 5})))
    run.take("r[1]/b")
    run.done("r[0]/win")
    play.worker.vanish()
    tick(play.conn)
    assert (run.state("r[1]/b"), run.state()) == ("CANCELLED", "SUCCEEDED")


def test_the_outcome_of_a_loser_whose_worker_dies_is_unknown_and_it_is_undone(play: Play) -> None:
    run = Blocks(play, race(task("b", undo=True)), task("z"))
    run.take("r[1]/b")
    run.done("r[0]/win")
    play.worker.vanish()
    tick(play.conn)
    assert run.state("r[1]/b") == "CANCELLED"
    assert run.due() == ["r[1]/b.compensate", "z"]


# guarantee: closing-leaves-waiting
def test_a_loser_that_waits_for_its_next_attempt_is_cancelled(play: Play) -> None:
    run = Blocks(play, race(task("b", retry={"attempts": 5, "backoff": "1m"})))
    run.take("r[1]/b")
    play.worker.fail(run.grants.pop("r[1]/b"))
    assert run.state("r[1]/b") == "RETRYING"
    run.done("r[0]/win")
    assert (run.state("r[1]/b"), run.state()) == ("CANCELLED", "SUCCEEDED")
    run.wait("1 hour")
    assert run.due() == []


def test_a_loser_that_an_operator_holds_is_cancelled_and_no_resume_starts_it(play: Play) -> None:
    run = Blocks(play, race(task("b")), task("z"))
    run.take("r[0]/win")
    calls.suspend_instances(play.conn, [run.id])
    assert run.state("r[1]/b") == "READY"
    run.done("r[0]/win")
    assert run.states() == {
        "r": "SUCCEEDED",
        "r[0]/win": "SUCCEEDED",
        "r[1]/b": "CANCELLED",
        "z": "READY",
    }
    calls.resume_instances(play.conn, [run.id])
    assert run.due() == ["z"]


# guarantee: closing-dead-letter
def test_an_open_dead_letter_of_a_loser_is_a_record_and_not_redriven(play: Play) -> None:
    run = Blocks(play, race(task("b", on_failure="suspend")), task("z"))
    run.fails("r[1]/b")
    assert play.instance(run.id, "suspended_by") == ("dead_letter",)
    run.done("r[0]/win")
    assert play.instance(run.id, "suspended_by") == (None,)
    (answer,) = calls.redrive_dead_letters(play.conn, [run.key("r[1]/b")], [None])
    assert answer.outcome == "refused"
    assert "only a record" in (answer.detail or "")
    run.done("z")
    assert (run.state(), run.state("r[1]/b")) == ("SUCCEEDED", "DEAD_LETTER")


# guarantee: closing-gives-back
def test_a_loser_given_back_is_not_due_again(play: Play) -> None:
    run = Blocks(play, race(task("b")), task("z"))
    run.take("r[1]/b")
    run.done("r[0]/win")
    play.worker.give_back(run.grants.pop("r[1]/b"), started=False)
    assert (run.state("r[1]/b"), run.due()) == ("CANCELLED", ["z"])
    assert run.scopes()["r[1]"] == "CANCELLED"


# guarantee: closing-goes-on
def test_nothing_follows_a_loser_that_succeeds(play: Play) -> None:
    run = Blocks(play, race(task("b"), task("c")))
    run.take("r[1]/b")
    run.done("r[0]/win")
    run.done("r[1]/b")
    assert "r[1]/c" not in run.states()
    assert run.state() == "SUCCEEDED"


# guarantee: granted-then-closed
def test_what_is_handed_off_into_a_scope_that_a_later_wave_closes_is_told_to_nobody(
    play: Play,
) -> None:
    branches = {"x": [task("a"), task("a2")], "y": [task("b"), {"id": "s", "set": 7}]}
    run = Blocks(play, {"id": "r", "race": branches}, output="$.steps.r.output")
    run.take("r[0]/a", "r[1]/b")
    answers = calls.complete_tasks(
        play.conn,
        play.worker.id,
        [calls.Completion(run.id, g.task, g.fence, None) for g in run.grants.values()],
        TOKEN,
        2,
        10,
    )
    assert [answer.answer for answer in answers] == ["accepted", "accepted"]
    assert run.state("r[0]/a2") == "CANCELLED"
    task_name = run.key("r[0]/a2").task
    assert play.task(run.id, task_name, "attempts", "worker_id") == (0, None)
    assert play.worker.grants(TOKEN) == []
    assert (run.state(), run.output()) == ("SUCCEEDED", {"winner": "y", "output": 7})


# guarantee: race-two-winners
def test_of_two_that_succeed_in_one_call_one_wins_and_the_other_is_undone(play: Play) -> None:
    run = Blocks(play, race(task("b", undo=True)), task("z"), output="$.steps.r.output.winner")
    run.done("r[0]/win", "r[1]/b")
    assert run.scopes() == {"r[0]": "SUCCEEDED", "r[1]": "COMPENSATING"}
    run.done("z", "r[1]/b.compensate")
    assert (run.state(), run.output()) == ("SUCCEEDED", "x")


# guarantee: drains-behind
def test_the_instance_ends_only_when_a_loser_has_drained(play: Play) -> None:
    run = Blocks(play, race(task("b", undo=True)), task("z"))
    run.take("r[1]/b")
    run.done("r[0]/win")
    run.done("z")
    assert (run.state("r"), run.state()) == ("SUCCEEDED", "RUNNING")
    run.done("r[1]/b")
    assert run.state() == "RUNNING"
    run.done("r[1]/b.compensate")
    assert run.state() == "SUCCEEDED"


# guarantee: closing-beneath
def test_all_beneath_closes_in_the_same_transition(play: Play) -> None:
    inner = each("e", ITEMS, {"id": "g", "steps": [task("b"), task("c")]}, max_parallel=2)
    run = Blocks(play, race(inner), given={"items": [1, 2, 3]})
    run.take("r[1]/e[0]/g[0]/b")
    run.done("r[0]/win")
    assert run.scopes() == {
        "r[0]": "SUCCEEDED",
        "r[1]": "CLOSING",
        "r[1]/e[0]": "CLOSING",
        "r[1]/e[0]/g[0]": "CLOSING",
        "r[1]/e[1]": "CANCELLED",
        "r[1]/e[1]/g[0]": "CANCELLED",
        "r[1]/e[2]": "CANCELLED",
    }
    run.done("r[1]/e[0]/g[0]/b")
    assert run.state() == "SUCCEEDED"
    assert "r[1]/e[0]/g[0]/c" not in run.states()


# guarantee: undo-in-running
def test_a_compensation_of_an_item_is_claimed_in_an_instance_that_runs(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given={"items": [1, 2]}
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    assert run.state() == "RUNNING"
    run.take("e[0]/a.compensate")
    play.worker.fail(run.grants.pop("e[0]/a.compensate"))
    run.wait("1 min")
    run.take("e[0]/a.compensate")
    play.worker.give_back(run.grants.pop("e[0]/a.compensate"))
    run.done("e[0]/a.compensate")
    assert run.scopes()["e[0]"] == "FAILED"


# guarantee: undo-not-stopped
def test_a_worker_is_not_told_to_stop_a_compensation_of_a_scope_that_closes(play: Play) -> None:
    run = Blocks(
        play, each("e", ITEMS, task("a", undo=True), task("b"), tolerate=1), given={"items": [1, 2]}
    )
    run.done("e[0]/a")
    run.fails("e[0]/b")
    run.take("e[0]/a.compensate")
    assert play.worker.renew(run.grants["e[0]/a.compensate"].fence) == []


# guarantee: closing-begun-chain
def test_a_repeat_that_begins_as_its_instance_closes_begins_nothing(play: Play) -> None:
    again = {"id": "r", "repeat": [task("a")], "until": "$.round > 0", "needs": []}
    fails: dict[str, Json] = {"id": "f", "fail": {"code": "no", "message": "no"}, "needs": []}
    run = Blocks(play, again, fails)
    assert run.state() == "COMPENSATED"
    assert run.states() == {"f": "DEAD_LETTER", "r": "CANCELLED"}
    assert run.scopes() == {"r[0]": "CANCELLED"}
    assert calls.check_instances(play.conn) == []
