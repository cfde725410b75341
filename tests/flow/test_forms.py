"""Forms, and notices of failure: what people are asked, and told."""

from typing import Any

import pytest

from .model import Answer
from .support import Case, Json, caught, given, task

ASK: Json = {"title": "pay?", "to": ["ada", "bob"]}
TELL: Json = {"task": "work", "with": "$.error.code"}
NOTICE = "workflow.on_failed"


def ask(name: str = "a", **more: Json) -> Json:
    return {"id": name, "approve": {**ASK, **more}}


def answer(case: Case, decision: str = "approved", by: str = "ada", **more: Any) -> str:
    given: dict[str, Any] = {"path": "a", "answer": {}, **more}
    (told,) = case.answer_forms([Answer(decision=decision, by=by, **given)])
    return told


# Forms


def test_the_first_answer_that_fits_gives_the_output() -> None:
    case = Case(ask(), task("b"))
    assert case.forms() == {"a": (["ada", "bob"], None, None)}
    assert answer(case, "perhaps") == "invalid"
    assert answer(case, answer=[1]) == "invalid"
    assert answer(case) == "accepted"
    assert answer(case, by="bob") == "answered"
    assert case.output("a") == {
        "decision": "approved", "by": "ada", "at": "2026-01-01T00:00:00.000Z", "answer": {},
    }  # fmt: skip
    assert (case.forms(), case.due()) == ({}, ["b"])


def test_what_a_form_requires_is_there() -> None:
    case = Case(ask(form={"type": "object", "required": ["why"]}, decisions=["yes", "no"]))
    assert answer(case, "yes") == "invalid"
    assert answer(case, "yes", answer={"why": 1}) == "accepted"


def test_under_its_key_an_answer_is_repeated_and_another_is_a_conflict() -> None:
    case = Case(ask())
    assert answer(case, key="k") == "accepted"
    assert answer(case, key="k") == "repeated"
    assert answer(case, "rejected", key="k") == "conflict"


def test_of_one_call_the_first_wins_and_all_are_judged_on_what_was_before() -> None:
    case = Case(ask())
    rejected = Answer("a", "rejected", {}, "bob")
    told = case.answer_forms([Answer("a", "perhaps", {}, "bob"), rejected, rejected])
    assert told == ["invalid", "accepted", "answered"]


def test_who_has_claimed_it_alone_answers_until_it_is_released_or_reassigned() -> None:
    case = Case(ask())
    assert case.change_form("claim", "a", "ada") == "done"
    assert case.change_form("claim", "a", "bob") == "refused"
    assert answer(case, by="bob") == "claimed"
    assert case.change_form("release", "a", "bob") == "refused"
    assert case.change_form("release", "a", "ada") == "done"
    assert case.change_form("release", "a", "ada") == "refused"
    assert case.change_form("reassign", "a", "ada", ["boss"]) == "done"
    assert case.forms() == {"a": (["boss"], None, None)}
    assert answer(case, by="bob") == "accepted"
    assert case.change_form("claim", "a", "ada") == "refused"
    assert case.change_form("claim", "b", "ada") == "unknown"


def test_past_its_due_it_fails_and_takes_no_answer() -> None:
    case = Case(caught(ask(due=5)))
    case.tick(5)
    assert (case.forms(), case.due()) == ({}, ["x[1]/c"])
    assert answer(case, path="x[0]/a") == "ended"


def test_reminders_are_put_off_to_the_next_time_that_lies_ahead() -> None:
    case = Case(ask(remind=60))
    case.tick(200)
    assert case.forms()["a"][2] == 240
    answer(case)
    assert case.timers() == []


@pytest.mark.parametrize("wrong", [{"to": []}, {"title": 5}, {"due": True}, {"to": "$.input.x"}])
def test_one_that_cannot_be_opened_fails_and_is_redriven_with_what_is_asked(wrong: Json) -> None:
    case = Case(ask(**wrong), on_failure="suspend")
    assert case.dead_letters() == ["a"]
    assert case.redrive("a", None) == "refused"
    case.redrive("a", ASK)
    assert list(case.forms()) == ["a"]


# Notices


def test_a_failure_is_told_once_when_all_is_undone() -> None:
    case = Case(task("a", undo=True), task("b"), on_failed=TELL)
    case.done("a")
    case.fails("b")
    assert case.due() == ["a.compensate"]
    case.done("a.compensate")
    assert (case.due(), case.end().state) == ([NOTICE], "COMPENSATING")
    case.done(NOTICE)
    assert case.end().state == "COMPENSATED"


def test_one_that_cannot_be_told_waits_for_a_person_and_undoes_nothing() -> None:
    case = Case(task("a"), on_failed=TELL)
    case.fails("a")
    case.fails(NOTICE)
    assert case.dead_letters() == [NOTICE]
    case.redrive(NOTICE)
    case.fails(NOTICE)
    case.discard([NOTICE])
    assert case.end().state == "COMPENSATED"


def test_of_a_cancel_nothing_is_told() -> None:
    case = Case(task("a"), given("b", 1), on_failed=TELL)
    case.cancel()
    assert case.end().state == "CANCELLED"
