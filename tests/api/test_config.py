"""/config, /ui/config, and what a version needs"""

from typing import Any

import psycopg
from starlette.testclient import TestClient

from onceflow.engine.calls import register_worker, renew_worker, set_config_values

FORM = {"sec-fetch-site": "same-origin", "content-type": "application/x-www-form-urlencoded"}
NEEDY = {
    "name": "needy",
    "steps": [
        {
            "id": "a",
            "task": "work",
            "with": {"url": "${ $config.URL }", "key": "${ $secrets.KEY }"},
        }
    ],
}


def test_a_value_is_set_read_and_taken_away(client: TestClient) -> None:
    assert client.get("/config").json() == {"items": []}
    made = client.put("/config/URL", json={"value": {"n": 1.5}, "by": "ann"})
    assert made.status_code == 200
    value: dict[str, Any] = client.get("/config/URL").json()
    assert (value["value"], value["version"], value["set_by"]) == ({"n": 1.5}, 1, "ann")
    assert client.put("/config/URL", json={"value": None}).json()["version"] == 2
    assert client.get("/config").json()["items"][0]["value"] is None
    gone = client.delete("/config/URL", params={"by": "bob"}).json()
    assert (gone["unset"], gone["version"], gone["set_by"]) == (True, 3, "bob")
    assert client.get("/config/URL").status_code == 404
    assert client.delete("/config/URL").status_code == 404
    versions = client.get("/config/URL/history", params={"limit": 2}).json()["items"]
    assert [one["version"] for one in versions] == [3, 2]
    assert client.get("/config/OTHER/history").status_code == 404


def test_what_cannot_be_a_value_is_refused(client: TestClient) -> None:
    refused = client.put("/config/my-url", json={"value": 1})
    assert refused.status_code == 422
    assert "a name is a letter or _" in refused.json()["detail"]
    assert client.put("/config/URL", json={}).status_code == 422
    assert client.put("/config/URL", json={"value": "x" * 70_000}).status_code == 422


def test_a_version_tells_what_it_needs(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    client.post("/workflows", json=NEEDY)
    worker = register_worker(conn, "w1", ["default"], ["work"], 60)
    renew_worker(conn, worker, [], 1, {}, {"secrets": []})
    set_config_values(conn, {"URL": "http://a"})
    assert client.get("/workflows/needy/versions/1/needs").json()["items"] == [
        {"kind": "config", "name": "URL", "steps": ["a"], "is_there": True, "lacking": []},
        {"kind": "secret", "name": "KEY", "steps": ["a"], "is_there": False, "lacking": ["w1"]},
    ]
    assert "missing at w1" in client.get("/ui/workflows/needy").text
    assert client.get("/workflows/needy/versions/9/needs").status_code == 404


def test_a_person_sets_and_unsets_a_value_on_the_page(client: TestClient) -> None:
    assert "No value is set." in client.get("/ui/config").text

    def send(decision: str, form: str) -> int:
        path = f"/ui/config/{decision}"
        sent = client.post(path, headers=FORM, content=form, follow_redirects=False)
        return sent.status_code

    assert send("set", "name=URL&value=%3Cb%3E&by=ann") == 303
    assert send("set", "name=MOST&value=5&typed=1") == 303
    page = client.get("/ui/config", params={"name": "URL"}).text
    assert "&lt;b&gt;" in page
    assert "<b>" not in page
    assert "History of URL" in page
    assert client.get("/config/MOST").json()["value"] == 5
    assert send("unset", "name=MOST") == 303
    assert client.get("/config/MOST").status_code == 404
    assert send("set", "name=a-b&value=x") == 422
    assert send("set", "name=A&value=%7B&typed=1") == 422
    assert send("nothing", "name=A") == 404
