"""answer_forms: one answer that fits ends the step, and who comes later is told."""

from typing import Any
from uuid import uuid4

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import FormAnswer, Key

from ...core.forms.support import FORM, answer, asking
from ...core.waiting.support import WORK, begin, whole
from ...play import Play, pass_time


def test_who_is_asked_answers_and_the_step_has_it(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(
        play,
        asking(title="Refund of ${ $.input.sum }", to="$.input.who", form=FORM),
        {"id": "b", **WORK, "with": {"sum": "$.steps.ask.output.answer.sum"}},
        given={"sum": 12, "who": ["ada", "managers"]},
        output="$.steps.ask.output",
    )
    (form,) = play.rows("select task, title, people, decisions, due_at from onceflow.forms")
    assert form == ("ask", "Refund of 12", ["ada", "managers"], ["approved", "rejected"], None)
    assert whole(play)
    assert answer(play, instance, "approved", {"sum": 10}).outcome == "accepted"
    assert play.rows("select from onceflow.forms") == []
    grant = play.take(instance, "b")
    assert grant.input == {"sum": 10}
    play.worker.complete(grant)
    assert play.instance(instance, "state", "output") == (
        "SUCCEEDED",
        {"decision": "approved", "by": "ada", "at": "2026-11-26T08:00:00.000Z",
         "answer": {"sum": 10}},
    )  # fmt: skip
    assert play.log(instance, "ask") == ["WAITING", "SUCCEEDED"]
    assert whole(play)


# guarantee: form-once
def test_one_answer_wins_and_who_comes_later_is_told(play: Play) -> None:
    instance = begin(play, asking())
    assert answer(play, instance, by="ada", key="k").outcome == "accepted"
    second = answer(play, instance, "rejected", by="bob")
    assert (second.outcome, second.detail.split(", at")[0]) == (
        "answered", "ada has answered it already, approved",
    )  # fmt: skip
    assert answer(play, instance, by="ada", key="k").outcome == "repeated"
    assert answer(play, instance, "rejected", by="ada", key="k").outcome == "conflict"
    assert play.task(instance, "ask", "output ->> 'decision'") == ("approved",)
    other = begin(play, asking())
    both = calls.answer_forms(
        play.conn,
        [
            FormAnswer(other, "ask", "maybe", "eve"),
            FormAnswer(other, "ask", "rejected", "bob", key="b"),
            FormAnswer(other, "ask", "approved", "ada"),
            FormAnswer(other, "ask", "rejected", "bob", key="b"),
        ],
    )
    assert [one.outcome for one in both] == ["invalid", "accepted", "answered", "repeated"]
    assert play.task(other, "ask", "output ->> 'by'") == ("bob",)
    calls.erase_instances(play.conn, [other])
    assert answer(play, other, "approved", key="b").outcome == "repeated"
    assert answer(play, other, "approved").outcome == "answered"


# guarantee: form-checked
@pytest.mark.parametrize(
    ("decision", "given", "place"),
    [
        ("maybe", {"sum": 1}, "/decision"),
        ("approved", None, "/answer/sum"),
        ("approved", {"sum": 0}, "/answer/sum"),
        ("approved", {"sum": 1, "more": 2}, "/answer/more"),
        ("approved", [1], "/answer"),
        ("approved", {"sum": 1, "note": "x" * 1_100_000}, "/answer"),
    ],
)
def test_what_does_not_fit_is_refused_with_its_place(
    play: Play, decision: str, given: Any, place: str
) -> None:
    instance = begin(play, asking(form=FORM))
    refused = answer(play, instance, decision, given)
    assert (refused.outcome, [fault["place"] for fault in refused.faults or []]) == (
        "invalid", [place],
    )  # fmt: skip
    assert play.states(instance) == {"ask": "WAITING"}
    assert answer(play, instance, "rejected", {"sum": 1}).outcome == "accepted"


def test_what_is_no_form_and_who_is_nobody(play: Play) -> None:
    instance = begin(play, asking(), {"id": "b", **WORK})
    assert answer(play, uuid4()).outcome == "unknown"
    assert answer(play, instance, task="b").outcome == "unknown"
    assert answer(play, instance, task="ask/0/1").outcome == "unknown"
    assert answer(play, instance, task="").outcome == "unknown"
    assert answer(play, instance, by="").outcome == "invalid"
    assert answer(play, instance, key="").outcome == "invalid"
    calls.cancel_instances(play.conn, [instance])
    assert (answer(play, instance).outcome, answer(play, instance).detail) == (
        "ended", "it is CANCELLED, and takes no answer any more",
    )  # fmt: skip
    assert whole(play)


# guarantee: form-due
def test_past_its_due_it_fails_with_timeout(play: Play) -> None:
    instance = begin(
        play,
        {
            "id": "t",
            "try": [asking(due="2d")],
            "catch": [{"errors": ["timeout"], "steps": [{**asking(to="boss"), "id": "up"}]}],
        },
        output="$.steps.t.output.by",
    )
    pass_time(play.conn, "2 days")
    play.tick()
    assert play.states(instance)["ask/1"] == "FAILED"
    assert answer(play, instance, task="ask/1").outcome == "ended"
    (form,) = play.rows("select task, people from onceflow.forms")
    assert form == ("up/2", ["boss"])
    assert answer(play, instance, task="up/2", by="boss").outcome == "accepted"
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", "boss")
    assert whole(play)


@pytest.mark.parametrize(
    "wrong",
    [{"title": 3}, {"title": ""}, {"to": []}, {"to": [1]}, {"to": None}, {"due": "soon"},
     {"due": None}, {"title": "x" * 501}],
)  # fmt: skip
def test_what_nobody_can_be_asked_fails_the_step_which_is_redriven(
    play: Play, wrong: dict[str, Any]
) -> None:
    given = {"title": "t", "to": "ada", "due": 60, **wrong}
    value = {name: f"$.input.{name}" for name in given}
    instance = begin(play, asking(**value), given=given, on_failure="suspend")
    assert play.task(instance, "ask", "state", "error ->> 'place'") == ("DEAD_LETTER", "value")
    mended = {"title": "t", "to": "ada"}
    calls.redrive_dead_letters(play.conn, [Key(instance, "ask")], [mended])
    assert play.states(instance) == {"ask": "WAITING"}
    assert answer(play, instance).outcome == "accepted"
    assert whole(play)
