"""A try: what fails in it is undone, and tried again as a whole or caught."""

import pytest

from onceflow.engine import calls

from ...play import Play
from .support import Blocks, Json, each, task


def attempt(*steps: Json, catch: Json = None, retry: Json = None, **more: Json) -> Json:
    """Return a try `t`."""
    given = {"catch": catch} if catch is not None else {}
    return {"id": "t", "try": list(steps), **given, **({"retry": retry} if retry else {}), **more}


# guarantee: caught-kept
def test_what_was_done_is_undone_before_the_catch_begins(play: Play) -> None:
    run = Blocks(
        play,
        attempt(task("a", undo=True), task("b"), catch=[{"steps": [task("c", {"e": "$.error"})]}]),
        task("z", {"caught": "$.steps.t.caught", "gave": "$.steps.t.output"}),
    )
    run.done("t[0]/a")
    run.fails("t[0]/b", code="card.declined", message="no money")
    assert run.due() == ["t[0]/a.compensate"]
    run.done("t[0]/a.compensate")
    assert run.due() == ["t[1]/c"]
    run.take("t[1]/c")
    assert run.grants["t[1]/c"].input == {
        "e": {
            "code": "card.declined",
            "message": "no money",
            "detail": None,
            "task": "b/1",
            "attempts": 1,
        }
    }
    run.done("t[1]/c", output="invoice")
    assert (run.state("t"), run.state("t[0]/b")) == ("SUCCEEDED", "FAILED")
    run.take("z")
    assert run.grants["z"].input == {"caught": "card.declined", "gave": "invoice"}
    run.done("z")
    assert run.state() == "SUCCEEDED"
    assert calls.check_instances(play.conn) == []


@pytest.mark.parametrize(
    ("code", "taken"), [("card.declined", "one"), ("card.limit.day", "two"), ("net", None)]
)
def test_the_first_catch_for_the_code_is_taken(play: Play, code: str, taken: str | None) -> None:
    catches = [
        {"errors": ["card.declined"], "steps": [task("one")]},
        {"errors": ["card.limit*", "card.declined"], "steps": [task("two")]},
    ]
    run = Blocks(play, attempt(task("a"), catch=catches))
    run.fails("t[0]/a", code=code)
    if taken is None:
        assert run.state() == "COMPENSATED"
    else:
        assert run.due() == [f"t[1]/{taken}"]


# guarantee: catch-keeps
# guarantee: catch-sees-attempt
def test_with_undo_false_it_stays_done_and_is_undone_with_what_is_around(play: Play) -> None:
    catch = [{"undo": False, "steps": [task("c", {"a": "$.steps.a.output"})]}]
    run = Blocks(play, attempt(task("a", undo=True), task("b"), catch=catch), task("z"))
    run.done("t[0]/a", output=7)
    run.fails("t[0]/b")
    run.take("t[1]/c")
    assert run.grants["t[1]/c"].input == {"a": 7}
    run.done("t[1]/c")
    run.fails("z")
    run.done("t[0]/a.compensate")
    assert (run.state(), run.undone()) == ("COMPENSATED", ["t[0]/a"])


# guarantee: attempt-wait
# guarantee: retry-goes-first
def test_it_is_tried_again_once_all_is_undone_and_the_wait_is_over(play: Play) -> None:
    run = Blocks(
        play,
        attempt(
            task("a", undo=True),
            task("b"),
            retry={"attempts": 2, "backoff": "10m", "max": "10m", "jitter": 0},
            catch=[{"steps": []}],
        ),
        output={"gave": "$.steps.t.output", "caught": "$.steps.t.caught"},
    )
    run.done("t[0]/a")
    first = run.key("t[0]/a")
    run.fails("t[0]/b", code="net")
    run.wait("1 hour")
    assert run.due() == ["t[0]/a.compensate"]
    run.done("t[0]/a.compensate")
    run.wait("9 minutes")
    assert run.due() == []
    run.wait("2 minutes")
    assert run.due() == ["t[1]/a"]
    assert run.key("t[1]/a").task != first.task
    run.done("t[1]/a")
    run.fails("t[1]/b", code="net")
    run.done("t[1]/a.compensate")
    assert run.state() == "SUCCEEDED"
    assert run.output() == {"gave": None, "caught": "net"}
    assert calls.check_instances(play.conn) == []


def test_a_code_that_is_not_tried_again_is_caught_at_once(play: Play) -> None:
    retry = {"attempts": 9, "non_retryable": ["card.*"]}
    run = Blocks(play, attempt(task("a"), retry=retry, catch=[{"steps": [task("c")]}]))
    run.fails("t[0]/a", code="card.declined")
    assert run.due() == ["t[1]/c"]


# guarantee: catch-asks-no-catch
def test_what_fails_in_a_catch_asks_neither_retry_nor_catches(play: Play) -> None:
    run = Blocks(
        play, attempt(task("a"), catch=[{"steps": [task("c")]}], retry={"attempts": 1}), task("z")
    )
    run.fails("t[0]/a")
    run.fails("t[1]/c", code="worse")
    assert run.state() == "COMPENSATED"
    assert play.instance(run.id, "error")[0]["code"] == "worse"


def test_what_still_runs_is_awaited(play: Play) -> None:
    both = {"id": "p", "parallel": [task("a"), task("b")]}
    run = Blocks(play, attempt(both, catch=[{"steps": [task("c")]}]))
    run.take("t[0]/p[1]/b")
    run.fails("t[0]/p[0]/a")
    assert run.due() == []
    run.done("t[0]/p[1]/b")
    assert run.due() == ["t[1]/c"]


# guarantee: first-failure-plans
def test_of_several_failures_together_the_first_by_path_says_what_follows(play: Play) -> None:
    both = {"id": "p", "parallel": [task("a"), task("b")]}
    catches = [
        {"errors": ["two"], "steps": [task("of_two")]},
        {"errors": ["one"], "steps": [task("of_one")]},
    ]
    run = Blocks(play, attempt(both, catch=catches))
    run.take("t[0]/p[0]/a", "t[0]/p[1]/b")
    calls.fail_tasks(
        play.conn,
        [
            calls.Failure(run.id, grant.task, grant.fence, {"code": code}, False)
            for path, code in (("t[0]/p[1]/b", "two"), ("t[0]/p[0]/a", "one"))
            for grant in [run.grants.pop(path)]
        ],
    )
    assert run.due() == ["t[1]/of_one"]


# guarantee: closing-same-wave
def test_a_dead_letter_that_the_failure_beside_it_closes_is_told_no_more(play: Play) -> None:
    both = {"id": "p", "parallel": [task("a"), task("b")]}
    run = Blocks(
        play,
        attempt(both, catch=[{"errors": ["two"], "steps": [task("c")]}]),
        on_failure="suspend",
    )
    run.take("t[0]/p[0]/a", "t[0]/p[1]/b")
    calls.fail_tasks(
        play.conn,
        [
            calls.Failure(run.id, grant.task, grant.fence, {"code": code}, False)
            for path, code in (("t[0]/p[0]/a", "one"), ("t[0]/p[1]/b", "two"))
            for grant in [run.grants.pop(path)]
        ],
    )
    assert run.due() == ["t[1]/c"]
    assert play.instance(run.id, "suspended_by") == (None,)


def test_a_tolerance_within_is_asked_first(play: Play) -> None:
    inner = each("e", [1, 2], task("a"), tolerate=1)
    run = Blocks(play, attempt(inner, catch=[{"steps": [task("c")]}]))
    run.fails("t[0]/e[0]/a")
    assert run.due() == ["t[0]/e[1]/a"]
    run.fails("t[0]/e[1]/a")
    assert run.due() == ["t[1]/c"]


def test_a_way_back_that_waits_for_a_person_holds_the_catch(play: Play) -> None:
    run = Blocks(play, attempt(task("a", undo=True), task("b"), catch=[{"steps": [task("c")]}]))
    run.done("t[0]/a")
    run.fails("t[0]/b")
    run.fails("t[0]/a.compensate")
    assert run.due() == []
    calls.discard_dead_letters(play.conn, [run.key("t[0]/a.compensate")])
    assert run.due() == ["t[1]/c"]


def test_its_own_failure_asks_neither_its_retry_nor_its_catches(play: Play) -> None:
    run = Blocks(
        play,
        attempt(task("a"), catch=[{"steps": [task("c")]}], timeout="1h", on_failure="continue"),
        task("z"),
    )
    run.wait("2 hours")
    assert (run.state("t"), run.due()) == ("FAILED", ["z"])


# guarantee: unwinds-between-attempts
def test_a_timeout_between_two_attempts_ends_it_although_nothing_in_it_is_open(play: Play) -> None:
    retry = {"attempts": 3, "backoff": "2h", "max": "2h", "jitter": 0}
    run = Blocks(play, attempt(task("a"), retry=retry, timeout="1h", on_failure="continue"))
    run.fails("t[0]/a")
    run.wait("90 minutes")
    assert (run.state("t"), run.state()) == ("FAILED", "SUCCEEDED")
    assert calls.check_instances(play.conn) == []


def test_a_discarded_failure_within_goes_on_to_the_catch(play: Play) -> None:
    run = Blocks(play, attempt(task("a", on_failure="suspend"), catch=[{"steps": [task("c")]}]))
    run.fails("t[0]/a")
    assert run.state("t[0]/a") == "DEAD_LETTER"
    calls.discard_dead_letters(play.conn, [run.key("t[0]/a")])
    assert (run.due(), run.state("t[0]/a")) == (["t[1]/c"], "FAILED")
