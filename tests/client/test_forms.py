"""Forms, in which people are asked to decide: the same through every door."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from onceflow.client import BadArgument, NotFound, Refused

from .conftest import Door

ASK = """
name: {name}
steps:
  - id: ask
    approve:
      title: Refund of ${{ $.input.sum }}
      to: $.input.to
      form:
        type: object
        required: [reason]
        properties: {{reason: {{type: string, pattern: "^[a-zż ]+$"}}}}
output: $.steps.ask.output.decision
"""


@pytest.fixture
def refund(door: Door) -> str:
    """The name of a workflow that asks people."""
    name = f"refund-{uuid4().hex[:12]}"
    door.deploy(ASK.format(name=name))
    return name


def ask(door: Door, refund: str, *to: str) -> UUID:
    return door.start(refund, {"sum": 12, "to": list(to)}).id


def test_open_forms_are_listed_the_oldest_first_by_who_is_asked(door: Door, refund: str) -> None:
    one = ask(door, refund, "ada")
    two = ask(door, refund, "bob", "managers")
    three = ask(door, refund, "ada", "managers")

    def found(*to: Any, **more: Any) -> list[UUID]:
        return [form.instance for form in door.forms(*to, workflow=refund, **more)]

    assert found() == [one, two, three]
    assert found("ada") == [one, three]
    assert found(["managers", "ada"], limit=2) == [one, two]
    assert found(claimed_by="ada") == []
    (form,) = door.forms(instance=two, task="ask")
    assert (form.title, form.to, form.step) == ("Refund of 12", ["bob", "managers"], "ask")
    assert form.decisions == ["approved", "rejected"]
    assert form.schema["required"] == ["reason"]
    assert (form.claimed_by, form.due_at) == (None, None)
    with pytest.raises(NotFound, match="no-such-workflow"):
        next(iter(door.forms(workflow="no-such-workflow")))


def test_more_forms_than_a_page_has_are_gone_through(
    door: Door, refund: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("onceflow.client.interface.PAGE", 2)
    monkeypatch.setattr("onceflow.client.interface_async.PAGE", 2)
    asked = [ask(door, refund, "ada") for _ in range(5)]
    assert [form.instance for form in door.forms(workflow=refund)] == asked
    assert [form.instance for form in door.forms(workflow=refund, limit=3)] == asked[:3]


def test_forms_are_claimed_released_reassigned_and_answered(door: Door, refund: str) -> None:
    instance = ask(door, refund, "managers")
    (form,) = door.forms(instance=instance)
    nobody = (uuid4(), "ask")

    def outcomes(decided: Any) -> list[str]:
        return [each.outcome for each in decided]

    assert outcomes(door.claim_forms(form, nobody, by="ada")) == ["done", "unknown"]
    (refused,) = door.claim_forms((instance, "ask"), by="bob")
    assert (refused.outcome, "ada has taken it" in refused.detail) == ("refused", True)
    with pytest.raises(Refused, match="ada"):
        door.answer_form(form, "approved", by="bob", answer={"reason": "x"})
    assert outcomes(door.release_forms(form, by="ada")) == ["done"]
    assert outcomes(door.reassign_forms(form, by="ada", to="eve")) == ["done"]
    assert [each.to for each in door.forms(instance=instance)] == [["eve"]]
    assert door.claim_forms(by="ada") == door.release_forms(by="ada") == []
    with pytest.raises(BadArgument):
        door.reassign_forms(form, by="ada", to=[])

    given = {"reason": "że it"}
    assert door.answer_form(form, "approved", by="eve", answer=given, key="k") == "accepted"
    assert door.answer_form(form, "approved", by="eve", answer=given, key="k") == "repeated"
    assert door.result(instance, str) == "approved"
    with pytest.raises(Refused, match="eve has answered it"):
        door.answer_form(form, "rejected", by="bob", answer=given)


def test_an_answer_that_does_not_fit_is_refused_with_its_place(door: Door, refund: str) -> None:
    form = (ask(door, refund, "ada"), "ask")
    wrong: list[tuple[dict[str, Any], str]] = [
        ({"answer": {"reason": "NO 1"}}, "/answer/reason"),  # by what Postgres does not check
        ({}, "/answer"),
        ({"answer": 3}, "/answer"),
        ({"answer": {"reason": "it broke"}, "decision": "maybe"}, "/decision"),
    ]
    for given, place in wrong:
        with pytest.raises(BadArgument, match=place):
            door.answer_form(form, **{"decision": "approved", "by": "ada", **given})
    with pytest.raises(NotFound, match="here is no form"):
        door.answer_form((uuid4(), "ask"), "approved", by="ada", answer={"reason": "x"})
