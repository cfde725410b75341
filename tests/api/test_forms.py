"""Forms: listing what people are asked, claiming, reassigning, answering."""

from typing import Any
from uuid import uuid4

import pytest
from starlette.testclient import TestClient

from .conftest import deploy

ASK = """
name: refund
steps:
  - id: ask
    approve:
      title: Refund of ${ $.input.sum }
      to: $.input.to
      form:
        type: object
        required: [reason]
        properties: {reason: {type: string, pattern: "^[a-z ]+$"}}
output: $.steps.ask.output.decision
"""


@pytest.fixture
def ask(client: TestClient) -> Any:
    deploy(client, ASK)

    def started(*to: str) -> str:
        body = {"input": {"sum": 12, "to": list(to)}}
        answer = client.post("/workflows/refund/start", json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()["id"]

    return started


def answer(client: TestClient, instance: str, **body: Any) -> Any:
    given = {"instance": instance, "task": "ask", "decision": "approved", "by": "ada"}
    return client.post("/forms/answer", json={**given, **body})


def test_forms_are_listed_by_who_is_asked(client: TestClient, ask: Any) -> None:
    one, two, three = ask("ada"), ask("bob", "managers"), ask("ada", "managers")
    page = client.get("/forms", params={"to": "ada"}).json()
    assert [form["instance"] for form in page["items"]] == [one, three]
    first = client.get("/forms", params={"to": "managers, ada", "limit": 2}).json()
    assert [form["instance"] for form in first["items"]] == [one, two]
    rest = client.get("/forms", params={"to": "managers,ada", "cursor": first["next"]}).json()
    assert [form["instance"] for form in rest["items"]] == [three]
    (form,) = client.get("/forms", params={"instance": two, "workflow": "refund"}).json()["items"]
    assert (form["title"], form["to"]) == ("Refund of 12", ["bob", "managers"])
    assert form["decisions"] == ["approved", "rejected"]
    assert form["schema"]["required"] == ["reason"]
    assert client.get("/forms", params={"workflow": "none"}).status_code == 404


def test_an_answer_is_checked_by_all_of_the_schema_and_taken_once(
    client: TestClient, ask: Any
) -> None:
    instance = ask("ada")
    wrong = answer(client, instance, answer={"reason": "NO 1"})
    assert wrong.status_code == 422
    assert [fault["place"] for fault in wrong.json()["faults"]] == ["/answer/reason"]
    wrong = answer(client, instance, answer={"reason": "it broke"}, decision="maybe")
    assert [fault["place"] for fault in wrong.json()["faults"]] == ["/decision"]
    given = {"reason": "it broke"}
    assert answer(client, instance, answer=given, key="k").json()["outcome"] == "accepted"
    assert answer(client, instance, answer=given, key="k").json()["outcome"] == "repeated"
    late = answer(client, instance, answer=given, by="bob")
    assert (late.status_code, "ada has answered it" in late.json()["detail"]) == (409, True)
    assert client.get(f"/instances/{instance}").json()["output"] == "approved"
    assert answer(client, str(uuid4()), answer=given).status_code == 404


def test_claimed_released_reassigned_and_told_of(client: TestClient, ask: Any) -> None:
    instance = ask("managers")
    forms = [{"instance": instance, "task": "ask"}, {"instance": str(uuid4()), "task": "ask"}]

    def do(verb: str, **body: Any) -> list[str]:
        decided = client.post(f"/forms/{verb}", json={"forms": forms, **body}).json()["decided"]
        return [one["outcome"] for one in decided]

    assert do("claim", by="ada") == ["done", "unknown"]
    assert do("claim", by="bob") == ["refused", "unknown"]
    (mine,) = client.get("/forms", params={"claimed_by": "ada"}).json()["items"]
    assert mine["claimed_by"] == "ada"
    assert answer(client, instance, by="bob", answer={"reason": "x"}).status_code == 409
    assert do("release", by="ada") == ["done", "unknown"]
    assert do("reassign", by="ada", to=["eve"]) == ["done", "unknown"]
    assert answer(client, instance, by="eve", answer={"reason": "x"}).status_code == 200
    log = client.get(f"/instances/{instance}/forms").json()["items"]
    assert [(entry["what"], entry["by"]) for entry in log] == [
        ("claim", "ada"), ("release", "ada"), ("reassign", "ada"), ("answer", "eve"),
    ]  # fmt: skip
    assert log[-1]["payload"]["answer"] == {"reason": "x"}
    assert client.get(f"/instances/{uuid4()}/forms").status_code == 404
