"""The page by which a person starts an instance: its fields, its templates, its errors."""

import re
from typing import Any

import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.pages.fields import make_fields, read_answer, typed_as
from onceflow.api.problems import Fault

from .conftest import Start, deploy
from .definitions import ONE
from .test_form_pages import SCHEMA, TYPED
from .test_pages import SCRIPT, page, post

PAGE = "/ui/workflows/order/start"


def once(text: str) -> str:
    """Return what tells a form from others."""
    (found,) = re.findall(r'name="once" value="([^"]+)"', text)
    return found


def send(client: TestClient, text: str, **typed: str) -> httpx2.Response:
    """Send the form of a page."""
    return post(client, PAGE, once=once(text), **typed)


def test_an_instance_starts_once_however_often_its_form_is_sent(
    client: TestClient, start: Start
) -> None:
    start()
    shown = page(client, PAGE)
    typed = {"answer/customer": "BLAUS", "answer/total": "12.50"}
    sent = [send(client, shown, **typed) for _ in range(2)]
    assert [one.status_code for one in sent] == [303, 303]
    assert sent[0].headers["location"] == sent[1].headers["location"]
    instance = client.get(sent[0].headers["location"].removeprefix("/ui")).json()
    assert instance["input"] == {"customer": "BLAUS", "total": 12.5}
    changed = send(client, shown, **{**typed, "answer/total": "1"})
    assert (changed.status_code, "was sent before" in changed.text) == (409, True)


def test_errors_stand_at_their_fields_and_what_was_typed_stays(
    client: TestClient, start: Start
) -> None:
    start()
    refused = send(client, page(client, PAGE), **{"answer/customer": SCRIPT, "answer/total": "-1"})
    assert refused.status_code == 422
    field = refused.text.partition('name="answer/total"')[2].partition("</label>")[0]
    assert 'value="-1"' in field
    assert 'aria-invalid="true"' in field
    assert '<small class="error">must be at least 0</small>' in field
    assert "&lt;script&gt;" in refused.text
    assert refused.text.count("aria-invalid") == 1
    assert len(client.get("/instances").json()["items"]) == 1


def test_the_last_inputs_are_templates_and_those_that_were_erased_are_not(
    client: TestClient, start: Start, conn: psycopg.Connection[Any]
) -> None:
    kept, gone = start("KEPT"), start("GONE")
    client.post(f"/instances/{gone}/cancel")
    client.post(f"/instances/{gone}/erase", json={"by": "ann"})
    shown = page(client, PAGE)
    assert "GONE" not in shown
    assert f"?like={kept}" in shown
    assert f"?like={gone}" not in shown
    filled = page(client, f"{PAGE}?like={kept}")
    assert 'name="answer/customer" value="KEPT"' in filled
    assert 'name="answer/total" value="12.5"' in filled
    assert 'name="answer/customer" value=""' in page(client, f"{PAGE}?like={gone}")


def test_what_has_no_schema_is_typed_as_json(client: TestClient) -> None:
    deploy(client, ONE)
    path = "/ui/workflows/one/start"
    shown = page(client, path)
    assert '<textarea name="answer"' in shown
    wrong = post(client, path, once=once(shown), answer="{")
    assert wrong.status_code == 422
    done = post(client, path, once=once(shown), answer='{"a": [1.50]}')
    assert client.get(done.headers["location"].removeprefix("/ui")).text.count("1.50") == 1


def test_a_workflow_that_is_disabled_starts_nothing_from_its_page(
    client: TestClient, start: Start
) -> None:
    start()
    shown = page(client, PAGE)
    post(client, "/ui/workflows/order/disable")
    assert send(client, shown, **{"answer/customer": "a", "answer/total": "1"}).status_code == 409
    assert PAGE + '">Start an instance' not in page(client, "/ui/workflows/order")
    assert client.get("/ui/workflows/nobody/start").status_code == 404


def test_a_value_is_typed_as_it_is_read() -> None:
    value = read_answer(SCHEMA, TYPED)
    again = typed_as(SCHEMA, value)
    assert read_answer(SCHEMA, again) == value
    assert typed_as(SCHEMA, {"address": {}})["answer/address/city"] == ""
    assert typed_as(SCHEMA, "no object") == {}


@pytest.mark.parametrize(
    ("place", "name", "told"),
    [
        ("/address/city", "answer/address/city", "is wrong"),
        ("/address", "answer/address", "is wrong"),
        ("/lines/0/x", "answer/lines", "0/x is wrong"),
        ("/elsewhere", None, ""),
    ],
)
def test_a_fault_is_told_at_the_field_that_it_lies_in(
    place: str, name: str | None, told: str
) -> None:
    fields = make_fields(SCHEMA, {}, [Fault(place, "is wrong")])
    every = [*fields, *(inner for field in fields for inner in field.fields)]
    assert {one.name: one.faults for one in every if one.faults} == ({name: [told]} if name else {})
