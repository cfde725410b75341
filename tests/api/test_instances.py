"""Reading and steering instances."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from psycopg.conninfo import make_conninfo
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.api.command import open_api_pool
from onceflow.engine.settings import Settings

from .conftest import OURS, Start, deploy
from .definitions import ITEM, ONE
from .hand_worker import HandWorker


def test_an_instance_with_its_tasks_and_log(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start()
    worker.complete(instance, {"reserved": 3})
    worker.complete(instance, {"amount": 12.5})
    read = client.get(f"/workflows/order/instances/{instance}").json()
    assert read["status"] == "SUCCEEDED"
    assert read["output"] == {"paid": 12.5}
    assert [task["task"] for task in read["tasks"]] == ["reserve", "pay"]
    reserve = read["tasks"][0]
    assert reserve["state"] == "SUCCEEDED"
    assert reserve["attempts"] == 1
    assert reserve["handler"] == "shop.reserve"
    assert reserve["input"] == {"customer": "ALFKI"}
    assert reserve["output"] == {"reserved": 3}
    moves = [(entry["task"], entry["state"]) for entry in read["log"]]
    assert moves[0] == (None, "RUNNING")
    assert moves.index(("reserve", "RUNNING")) < moves.index(("reserve", "SUCCEEDED"))
    assert moves[-1] == (None, "SUCCEEDED")
    assert read["truncated"] is False
    assert client.get(f"/instances/{instance}").json() == read


def test_steps_that_were_not_reached_are_told(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start()
    assert client.get(f"/instances/{instance}").json()["not_reached"] == ["pay"]
    assert "Not due yet: <code>pay</code>" in client.get(f"/ui/instances/{instance}").text
    worker.complete(instance, {"reserved": 3})
    assert client.get(f"/instances/{instance}").json()["not_reached"] == []
    failed = start()
    worker.fail(failed, "shop.closed")
    assert client.get(f"/instances/{failed}").json()["not_reached"] == ["pay"]
    assert "Never came due: <code>pay</code>" in client.get(f"/ui/instances/{failed}").text


def test_times_are_utc_whatever_the_session(settings: Settings) -> None:
    elsewhere = make_conninfo(settings.dsn, options="-c timezone=Asia/Kolkata")
    with (
        open_api_pool(replace(settings, dsn=elsewhere)) as pool,
        TestClient(create_app(pool, OURS)) as client,
    ):
        deploy(client, ONE)
        text = client.post("/workflows/one/start").json()["started_at"]
    assert text.endswith("Z")
    assert abs(datetime.now(UTC) - datetime.fromisoformat(text)) < timedelta(minutes=2)


def test_an_instance_of_another_workflow_is_not_found_there(
    client: TestClient, start: Start
) -> None:
    instance = start()
    deploy(client, ONE)
    assert client.get(f"/workflows/order/instances/{instance}").status_code == 200
    assert client.get(f"/workflows/one/instances/{instance}").status_code == 404
    assert client.get(f"/workflows/nobody/instances/{instance}").status_code == 404


@pytest.mark.parametrize("name", ["01a205de-4851-7852-a2f3-9df555da97c8", "x", "%00", "1"])
def test_unknown_instances(client: TestClient, start: Start, name: str) -> None:
    start()
    for path in (f"/instances/{name}", f"/instances/{name}/explain"):
        assert client.get(path).status_code == 404, path
    for verb in ("cancel", "suspend", "resume"):
        assert client.post(f"/instances/{name}/{verb}").status_code == 404, verb


def test_explain_says_what_it_waits_for(
    client: TestClient, start: Start, settings: Settings
) -> None:
    answer = client.get(f"/instances/{start()}/explain").json()
    assert {reason["task"] for reason in answer["because"]} == {None, "reserve"}
    missing = {"kafka": "no relay is running", "postgres": "has no live worker"}
    _, clock, task = answer["because"]
    assert clock["advice"] == {"verb": "relay", "args": {}}
    assert missing[settings.transport] in task["because"]


def test_suspend_and_resume(client: TestClient, start: Start, worker: HandWorker) -> None:
    instance = start()
    assert client.post(f"/instances/{instance}/suspend").json()["outcome"] == "done"
    assert client.get("/instances", params={"suspended": True}).json()["items"][0]["id"] == instance
    assert client.get("/instances", params={"suspended": False}).json()["items"] == []
    worker_sees = client.get(f"/instances/{instance}").json()
    assert worker_sees["suspended_by"] == "operator"
    assert client.post(f"/instances/{instance}/resume").status_code == 200
    worker.complete(instance)
    assert client.post(f"/instances/{instance}/resume").status_code == 409


def test_cancel_once(client: TestClient, start: Start) -> None:
    instance = start()
    assert client.post(f"/instances/{instance}/cancel").status_code == 200
    assert client.get(f"/instances/{instance}").json()["status"] == "CANCELLED"
    again = client.post(f"/instances/{instance}/cancel")
    assert again.status_code == 409
    assert "CANCELLED" in again.json()["detail"]


def test_filters(client: TestClient, start: Start) -> None:
    first, second = start("A"), start("B")
    deploy(client, ONE)
    third = client.post("/workflows/one/start").json()["id"]
    client.post(f"/instances/{second}/cancel")

    def listed(path: str = "/instances", **query: Any) -> list[str]:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert listed() == [third, second, first]
    assert listed(status="CANCELLED") == [second]
    assert listed(status="RUNNING") == [third, first]
    assert listed(workflow="order") == [second, first]
    assert listed(workflow="1", status="RUNNING") == [first]
    assert listed("/workflows/one/instances") == [third]
    started = client.get(f"/instances/{second}").json()["started_at"]
    assert listed(started_after=started) == [third]
    assert listed(started_before=started) == [first]
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00"):
        assert len(listed(started_after=time)) + len(listed(started_before=time)) == 3
    assert client.get("/instances", params={"workflow": "nobody"}).status_code == 404


def test_faulty_filters_are_all_named(client: TestClient) -> None:
    faulty = {"status": "BUSY", "limit": 201, "stated": "x", "started_after": "2026-01-01T00:00:00"}
    answer = client.get("/instances", params=faulty)
    assert answer.status_code == 422
    places = {fault["place"] for fault in answer.json()["faults"]}
    assert places == {"query.status", "query.limit", "query.stated", "query.started_after"}
    told = {fault["place"]: fault["message"] for fault in answer.json()["faults"]}
    assert "SUCCEEDED" in told["query.status"]
    for query in (
        "limit=1&limit=2",
        "suspended=null",
        "limit=1.5",
        "suspended=yes",
        "started_after=0.5",
    ):
        assert client.get(f"/instances?{query}").status_code == 422, query


def test_pages_neither_repeat_nor_leave_out(client: TestClient) -> None:
    deploy(client, ONE)
    # Started in one transaction: their times are all the same.
    body = {"instances": [ITEM] * 7}
    started = client.post("/workflows/one/instances", json=body).json()["instances"]
    seen: list[str] = []
    cursor: str | None = ""
    sizes: list[int] = []
    while cursor is not None:
        query = {"limit": 3, "cursor": cursor}
        page = client.get("/workflows/one/instances", params=query).json()
        sizes.append(len(page["items"]))
        seen += [item["id"] for item in page["items"]]
        cursor = page["next"]
    assert sizes == [3, 3, 1]
    ids = [UUID(item["id"]) for item in started]
    assert [UUID(text) for text in seen] == sorted(ids, reverse=True)


def test_a_page_that_is_just_full_is_the_last(client: TestClient) -> None:
    deploy(client, ONE)
    client.post("/workflows/one/instances", json={"instances": [ITEM] * 3})
    page = client.get("/instances", params={"limit": 3}).json()
    assert len(page["items"]) == 3
    assert page["next"] is None


@pytest.mark.parametrize("cursor", ["x", "WzFd", "%00", "bm90IGpzb24", "=", "é"])
def test_a_cursor_that_is_none_is_refused(client: TestClient, cursor: str) -> None:
    answer = client.get("/instances", params={"cursor": cursor})
    assert answer.status_code == 422
    assert answer.json()["faults"][0]["place"] == "query.cursor"


def test_payloads_are_erased_once_it_has_ended(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start()
    refused = client.post(f"/instances/{instance}/erase")
    assert refused.status_code == 409
    assert "it is RUNNING" in refused.json()["detail"]
    worker.complete(instance, {"reserved": 3})
    worker.complete(instance, {"amount": 12.5})
    answer = client.post(f"/instances/{instance}/erase", json={"by": "anna"})
    assert answer.json()["detail"].endswith(" by anna")
    read = client.get(f"/instances/{instance}").json()
    assert (read["input"], read["output"], read["erased_by"]) == (None, None, "anna")
    assert {(t["input"], t["output"]) for t in read["tasks"]} == {(None, None)}
    assert client.post(f"/instances/{instance}/erase", json={"by": ""}).status_code == 422


def test_instances_are_found_by_fields_of_their_input(client: TestClient, start: Start) -> None:
    mine = start("O-36 & Söhne")
    start("O-37")

    def found(path: str, **query: str) -> list[str]:
        answer = client.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert found("/instances", **{"input.customer": "O-36 & Söhne"}) == [mine]
    assert found("/workflows/order/instances", **{"input.customer": "O-36 & Söhne"}) == [mine]
    assert found("/instances", **{"input.customer": "O-36"}) == []
    text = client.get("/ui/instances?input=customer%3DO-36+%26+S%C3%B6hne").text
    assert mine in text
    assert text.count("/ui/instances/0") == 1
    assert client.get("/ui/instances?input=O-36").status_code == 422


def test_instances_have_labels_and_are_found_by_them(client: TestClient, start: Start) -> None:
    start("unlabelled")
    body = {"input": {"customer": "A", "total": 1}, "labels": {"customer": "O & Söhne", "n": 1.50}}
    mine = client.post("/workflows/order/start", json=body).json()
    assert mine["labels"] == {"customer": "O & Söhne", "n": "1.5"}
    other = {"input": body["input"], "labels": {"customer": "B"}}
    bad = {"input": body["input"], "labels": {"Customer": "B"}}
    batch = client.post("/workflows/order/instances", json={"instances": [other, bad, {**other}]})
    told = batch.json()["instances"]
    assert [each["outcome"] for each in told] == ["started", "invalid", "started"]
    assert told[1]["faults"][0]["place"] == "/instances/1/labels/Customer"
    single = client.post("/workflows/order/start", json=bad)
    assert single.json()["faults"][0]["place"] == "/labels/Customer"

    def found(**query: str) -> list[str]:
        answer = client.get("/instances", params=query)
        assert answer.status_code == 200, answer.text
        return [item["id"] for item in answer.json()["items"]]

    assert found(**{"label.customer": "O & Söhne"}) == [mine["id"]]
    assert found(**{"label.customer": "O & Söhne", "label.n": "1.5"}) == [mine["id"]]
    assert found(**{"label.customer": "O & Söhne", "status": "RUNNING"}) == [mine["id"]]
    assert len(found(**{"label.customer": "B", "input.customer": "A"})) == 2
    assert found(**{"label.never": "B"}) == []
    assert client.get("/instances?label.Customer=x").status_code == 422
    text = client.get("/ui/instances?label=customer%3DO+%26+S%C3%B6hne").text
    assert text.count("/ui/instances/0") == 1
    assert client.get("/ui/instances?label=x").status_code == 422


def test_labels_are_given_and_taken_away(client: TestClient, start: Start) -> None:
    instance = start()
    path = f"/instances/{instance}/labels"
    answer = client.post(path, json={"labels": {"team": "sales", "n": 1}})
    assert answer.json() == {
        "id": instance,
        "outcome": "done",
        "labels": {"team": "sales", "n": "1"},
    }
    assert client.post(path, json={"labels": {"n": None}}).json()["labels"] == {"team": "sales"}
    assert client.get(f"/instances/{instance}").json()["labels"] == {"team": "sales"}
    for body in ({"labels": {"Team": 1}}, {"labels": [1]}, {"labels": None}, {}):
        refused = client.post(path, json=body)
        assert refused.status_code == 422, body
    assert (
        "labels/Team: the name" in client.post(path, json={"labels": {"Team": 1}}).json()["detail"]
    )
    assert client.post(f"/instances/{UUID(int=7)}/labels", json={"labels": {}}).status_code == 404


@pytest.mark.parametrize(
    "name", ["input.total", "input.", "input.customer.name", "input", "input.a%00"]
)
def test_a_field_that_no_workflow_lists_is_refused(
    client: TestClient, start: Start, name: str
) -> None:
    start()
    answer = client.get(f"/instances?{name}=7")
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["place"].startswith("query.input")
    if name == "input.total":
        assert fault["message"].endswith("listed are: customer")
