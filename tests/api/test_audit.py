"""/audit, /ui/audit and its export: who changed what, by the door that he used"""

import csv
import json
from typing import Any

import psycopg
import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp, Receive, Scope, Send

from onceflow.api.actor import Acting, note_actor
from onceflow.api.hosts import Hosts
from onceflow.engine import calls
from onceflow.engine.calls import reads
from onceflow.engine.settings import Settings

FORM = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}


def listed(client: TestClient, **query: Any) -> list[tuple[str, str]]:
    answer = client.get("/audit", params=query)
    assert answer.status_code == 200, answer.text
    return [(each["verb"], each["target"]) for each in answer.json()["items"]]


def set_values(conn: psycopg.Connection[Any], *names: str) -> None:
    for name in names:
        calls.set_config_values(conn, {name: 1})


def test_a_change_by_the_api_and_by_a_page_is_told_with_its_address(client: TestClient) -> None:
    client.put("/config/URL", json={"value": "secret"})
    client.post("/ui/config/unset", data={"name": "URL"}, headers=FORM)
    answer = client.get("/audit")
    page, api = answer.json()["items"]
    assert (api["verb"], api["kind"], api["target"]) == ("set_config_values", "config", "URL")
    assert (page["before"], page["after"]) == ({"version": 1}, {"version": 2, "unset": True})
    assert page["address"] == api["address"] == "testclient"
    assert api["who"] == api["login"]
    assert "secret" not in answer.text


def test_reading_and_starting_is_not_told(client: TestClient) -> None:
    client.post("/workflows", json={"name": "w", "steps": [{"id": "a", "set": 1}]})
    client.post("/workflows/w/start", json={})
    client.get("/instances")
    assert listed(client) == [("register_workflow", "w")]


def test_who_the_guards_found_is_the_actor(conn: psycopg.Connection[Any]) -> None:
    """He is asked for when something is changed: what finds him stands further in."""

    async def app(scope: Scope, _: Receive, send: Send) -> None:
        note_actor(scope, "person ann")
        calls.set_config_values(conn, {"A": str(scope["client"])})
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    acting: ASGIApp = Acting(app, Hosts(Settings(trusted_proxies=("10.0.0.1",))))
    for nearest in ("10.0.0.1", "192.0.2.7"):
        client = TestClient(acting, client=(nearest, 1))
        client.post("/", headers={"x-forwarded-for": "evil, 192.0.2.1"})
    rows = conn.execute("select who, actor, address from onceflow.audit order by id").fetchall()
    assert rows == [("person ann", "person ann", at) for at in ("192.0.2.1", "192.0.2.7")]


def test_a_list_is_filtered_and_comes_in_pages(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    set_values(conn, "A", "B", "C")
    with calls.acting(lambda: calls.Actor("key ci", "192.0.2.9")):
        set_values(conn, "D")
        calls.register_workflow(
            conn, {"name": "w", "definition": {}, "steps": [], "edges": [], "on_failure": "fail"}
        )
    config = "set_config_values"
    assert listed(client, actor="key ci") == [("register_workflow", "w"), (config, "D")]
    assert listed(client, actor="key ci", kind="config") == [(config, "D")]
    assert listed(client, verb=config, target="B") == [(config, "B")]
    assert listed(client, target="B", until="2020-01-01T00:00:00Z") == []
    assert listed(client, target="B", after="2020-01-01T00:00:00Z") == [(config, "B")]
    first = client.get("/audit", params={"verb": config, "limit": 3}).json()
    assert [each["target"] for each in first["items"]] == ["D", "C", "B"]
    assert listed(client, verb=config, limit=3, cursor=first["next"]) == [(config, "A")]
    assert client.get("/audit", params={"cursor": "x"}).status_code == 422
    assert client.get("/audit", params={"after": "yesterday"}).status_code == 422


def test_what_no_index_serves_is_looked_for_among_so_many_and_the_answer_says_so(
    client: TestClient, conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    set_values(conn, "A", "B", "C", "D", "E")
    monkeypatch.setattr("onceflow.engine.calls.audit.LOOKED_AT", 2)
    monkeypatch.setattr(reads, "LOOKED_AT", 2)
    wanted = {"verb": "set_config_values", "target": "A", "kind": "config"}
    assert listed(client, **wanted) == [("set_config_values", "A")], "its target leads to it"
    wanted = {"verb": "set_config_values", "kind": "queue"}
    seen: list[int | None] = []
    cursor = ""
    while True:
        page = client.get("/audit", params={**wanted, "cursor": cursor}).json()
        assert page["items"] == []
        seen.append(page["looked_at"])
        if page["next"] is None:
            break
        cursor = page["next"]
    assert seen == [2, 2, None]
    shown = client.get("/ui/audit", params=wanted).text
    assert "Of the 2 looked at no more fit" in shown


def test_the_page_shows_filters_and_leads_to_instances(
    client: TestClient, conn: psycopg.Connection[Any], start: Any
) -> None:
    instance = start()
    with calls.acting(lambda: calls.Actor("<b>ann</b>")):
        client.post(f"/instances/{instance}/suspend")
        calls.resume_instances(conn, [instance])
    shown = client.get("/ui/audit").text
    assert f'href="/ui/instances/{instance}"' in shown
    assert "&lt;b&gt;ann&lt;/b&gt;" in shown
    assert "<b>ann" not in shown
    assert "suspend_instances" not in client.get("/ui/audit", params={"actor": "nobody"}).text
    wrong = client.get("/ui/audit", params={"after": "yesterday"})
    assert wrong.status_code == 422
    assert "yesterday" in wrong.text


def test_it_is_exported_as_csv_that_no_spreadsheet_runs_and_as_lines(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    with calls.acting(lambda: calls.Actor('=cmd|"x"')):
        set_values(conn, "A", "B")
    answer = client.get("/ui/audit/export", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(answer.text.splitlines()))
    assert [row["target"] for row in rows] == ["B", "A"]
    assert rows[0]["actor"] == '\'=cmd|"x"'
    assert rows[0]["after"] == '{"version":1}'
    lines = client.get("/ui/audit/export", params={"format": "ndjson", "target": "A"}).text
    (line,) = lines.splitlines()
    assert json.loads(line)["target"] == "A"
    assert client.get("/ui/audit/export", params={"format": "xml"}).status_code == 422
