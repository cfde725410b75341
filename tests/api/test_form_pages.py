"""The pages of forms: a field for each thing that is asked, read and checked here."""

import json
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.pages.fields import Field, make_fields, read_answer

from .conftest import deploy
from .test_pages import page, post

SCHEMA = {
    "type": "object",
    "required": ["amount", "address"],
    "properties": {
        "amount": {"type": "number", "minimum": 1, "title": "How much"},
        "reason": {"enum": ["broken", "late", 3]},
        "urgent": {"type": "boolean", "default": False},
        "from": {"type": "string", "format": "date"},
        "note": {"type": "string", "maxLength": 1000, "description": "What <b>they</b> said"},
        "address": {
            "type": "object",
            "required": ["city"],
            "properties": {"city": {"type": "string"}, "zip/code": {"type": "string"}},
        },
        "lines": {"type": "array", "items": {"type": "integer"}},
    },
    "additionalProperties": False,
}
TYPED = {
    "answer/amount": "12.50",
    "answer/reason": "3",
    "answer/urgent": "true",
    "answer/from": "2026-11-26",
    "answer/note": "a\r\nb",
    "answer/address/city": "Lyon",
    "answer/address/zip~1code": " 69001",
    "answer/lines": "[1, 2]",
}


def kinds(fields: list[Field]) -> dict[str, str]:
    return {field.name: field.kind for field in fields}


def test_each_thing_has_the_field_that_a_browser_has_for_it() -> None:
    fields = make_fields(SCHEMA, {})
    assert kinds(fields) == {
        "answer/amount": "number", "answer/reason": "choice", "answer/urgent": "choice",
        "answer/from": "date", "answer/note": "long", "answer/address": "group",
        "answer/lines": "json",
    }  # fmt: skip
    (address,) = (field for field in fields if field.kind == "group")
    assert kinds(address.fields) == {
        "answer/address/city": "text",
        "answer/address/zip~1code": "text",
    }
    assert fields[0].label == "How much"
    assert fields[0].attributes == {"step": "any", "min": "1"}
    assert fields[2].value == "false"


def test_what_was_typed_is_read_as_its_schema_has_it() -> None:
    assert json.loads(json.dumps(read_answer(SCHEMA, TYPED), default=float)) == {
        "amount": 12.5, "reason": 3, "urgent": True, "from": "2026-11-26", "note": "a\nb",
        "address": {"city": "Lyon", "zip/code": " 69001"}, "lines": [1, 2],
    }  # fmt: skip


def test_what_was_left_empty_is_left_out() -> None:
    assert read_answer(SCHEMA, {"answer/urgent": ""}) == {"address": {}}
    assert read_answer({"type": "object"}, {}) == {}
    assert read_answer({"allOf": [{"type": "object"}]}, {"answer": '{"a": 1}'}) == {"a": 1}
    assert read_answer(SCHEMA, {"answer/amount": "much"})["amount"] == "much"


@pytest.fixture
def form(client: TestClient) -> str:
    """The path of the page of an open form."""
    approve = {"title": "Refund of <i>12</i>?", "to": ["managers"], "form": SCHEMA}
    definition = {"name": "refund", "steps": [{"id": "ask", "approve": approve}]}
    deploy(client, json.dumps(definition))
    started = client.post("/workflows/refund/start", json={}).json()
    return f"/ui/forms/{started['id']}"


def state(client: TestClient, form: str) -> Any:
    return client.get(f"/instances/{form.rpartition('/')[2]}").json()


def test_a_person_finds_a_form_claims_and_answers_it(
    client: TestClient, form: str, conn: psycopg.Connection[Any]
) -> None:
    listed = page(client, "/ui/forms?to=managers")
    assert f"{form}?task=ask&amp;by=managers" in listed
    assert "Refund of &lt;i&gt;12&lt;/i&gt;?" in listed
    assert "No open forms that match" in page(client, "/ui/forms?to=eve")
    shown = page(client, f"{form}?task=ask&by=ada")
    assert 'name="answer/address/city"' in shown
    assert "What &lt;b&gt;they&lt;/b&gt; said" in shown
    assert 'name="decision" value="approved"' in shown
    claimed = post(client, f"{form}/claim", task="ask", by="ada")
    assert claimed.headers["location"].endswith("task=ask&did=claim&by=ada")
    assert "Claimed by ada" in page(client, f"{form}?task=ask")
    assert post(client, f"{form}/claim", task="ask", by="bob").status_code == 409
    wrong = post(client, f"{form}/answer", task="ask", by="ada", decision="approved",
                 **{**TYPED, "answer/amount": "0"})  # fmt: skip
    assert (wrong.status_code, "amount must be at least 1" in wrong.text) == (422, True)
    assert 'value="Lyon"' in wrong.text
    done = post(client, f"{form}/answer", task="ask", by="ada", decision="approved", **TYPED)
    assert (done.status_code, done.headers["location"]) == (303, "/ui/forms?did=answer&by=ada")
    assert state(client, form)["tasks"][0]["output"]["answer"]["address"]["city"] == "Lyon"
    assert client.get(f"{form}?task=ask").status_code == 404
    assert "Answered." in page(client, "/ui/forms?did=answer")


def test_what_a_browser_lets_through_is_refused_here(client: TestClient) -> None:
    named = {"type": "object", "properties": {"who": {"type": "string", "pattern": "^[a-z]+$"}}}
    approve = {"title": "Who?", "to": "ada", "form": named}
    deploy(client, json.dumps({"name": "who", "steps": [{"id": "ask", "approve": approve}]}))
    form = f"/ui/forms/{client.post('/workflows/who/start', json={}).json()['id']}"
    said = {"task": "ask", "by": "ada", "decision": "approved", "answer/who": "B4"}
    refused = post(client, f"{form}/answer", **said)
    assert (refused.status_code, "who must match the pattern" in refused.text) == (422, True)
    assert 'value="B4"' in refused.text


def test_it_is_released_and_reassigned_and_who_is_missing_is_told(
    client: TestClient, form: str
) -> None:
    assert "by is missing" in post(client, f"{form}/claim", task="ask", by=" ").text
    assert "to is missing" in post(client, f"{form}/reassign", task="ask", by="ada", to=",").text
    assert post(client, f"{form}/claim", task="ask", by="ada").status_code == 303
    assert post(client, f"{form}/release", task="ask", by="ada").status_code == 303
    moved = post(client, f"{form}/reassign", task="ask", by="ada", to="eve, team")
    assert moved.status_code == 303
    assert client.get("/forms?to=team").json()["items"][0]["to"] == ["eve", "team"]
    assert post(client, f"{form}/erase", task="ask", by="ada").status_code == 404
    assert client.get("/ui/forms/none?task=ask").status_code == 404


def test_the_page_of_its_instance_leads_there(client: TestClient, form: str) -> None:
    instance = form.rpartition("/")[2]
    assert f'href="{form}?task=ask">answer it' in page(client, f"/ui/instances/{instance}")
