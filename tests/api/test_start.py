"""Starting instances: input, version, idempotency key, sets."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.engine import calls
from onceflow.engine.ids import make_ids

from .conftest import Start, deploy
from .definitions import ITEM, ONE, ORDER

ALFKI = {"customer": "ALFKI", "total": 12.5}


def test_a_start_answers_with_the_instance(client: TestClient) -> None:
    workflow = deploy(client)
    answer = client.post(f"/workflows/{workflow['id']}/start", json={"input": ALFKI})
    assert answer.status_code == 201
    started = answer.json()
    assert started["status"] == "RUNNING"
    assert started["workflow"] == "order"
    assert started["version"] == 1
    assert answer.headers["location"] == f"/workflows/order/instances/{started['id']}"
    assert client.get(answer.headers["location"]).json()["input"] == ALFKI


def test_a_workflow_without_schema_needs_no_body(client: TestClient) -> None:
    deploy(client, ONE)
    answer = client.post("/workflows/one/start")
    assert answer.status_code == 201
    assert answer.json()["input"] == {}


def test_every_fault_of_an_input_is_listed(client: TestClient) -> None:
    deploy(client)
    answer = client.post("/workflows/order/start", json={"input": {"customer": "", "total": -1}})
    assert answer.status_code == 422
    places = {fault["place"] for fault in answer.json()["faults"]}
    assert places == {"/input/customer", "/input/total"}
    assert client.get("/instances").json()["items"] == []


def test_an_input_is_an_object(client: TestClient) -> None:
    deploy(client, ONE)
    values: list[Any] = [[], 1, "text", None]
    for value in values:
        answer = client.post("/workflows/one/start", json={"input": value})
        assert answer.status_code == 422, value


def test_an_older_version_runs_when_asked_for(client: TestClient) -> None:
    deploy(client, ONE)
    deploy(client, ONE.replace("test.only", "test.other"))
    old = client.post("/workflows/one/start", json={"version": 1}).json()
    new = client.post("/workflows/one/start", json={}).json()
    assert (old["version"], new["version"]) == (1, 2)
    answer = client.post("/workflows/one/start", json={"version": 3})
    assert answer.status_code == 404
    assert "version 3" in answer.json()["detail"]


def test_the_same_key_is_the_same_instance(client: TestClient) -> None:
    deploy(client)
    headers = {"Idempotency-Key": "order 1"}
    first = client.post("/workflows/order/start", json={"input": ALFKI}, headers=headers)
    again = client.post("/workflows/order/start", json={"input": ALFKI}, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]


def test_the_same_key_with_another_input_is_refused(client: TestClient) -> None:
    deploy(client)
    headers = {"Idempotency-Key": "order 1"}
    first = client.post("/workflows/order/start", json={"input": ALFKI}, headers=headers)
    other = {**ALFKI, "total": 13}
    answer = client.post("/workflows/order/start", json={"input": other}, headers=headers)
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["place"] == "header.Idempotency-Key"
    assert first.json()["id"] in fault["message"]
    assert len(client.get("/instances").json()["items"]) == 1


def test_a_key_has_1_to_255_characters(client: TestClient) -> None:
    deploy(client, ONE)
    for key in ("", "k" * 256):
        answer = client.post("/workflows/one/start", headers={"Idempotency-Key": key})
        assert answer.status_code == 422


def test_numbers_keep_every_digit(client: TestClient) -> None:
    deploy(client)
    text = '{"input": {"customer": "ALFKI", "total": 1265793.039500000000000000000001}}'
    headers = {"content-type": "application/json"}
    answer = client.post("/workflows/order/start", content=text, headers=headers)
    assert answer.status_code == 201
    assert "1265793.039500000000000000000001" in answer.text
    read = client.get(f"/instances/{answer.json()['id']}").text
    assert read.count("1265793.039500000000000000000001") == 1


def test_a_set_starts_at_once_and_answers_in_order(client: TestClient) -> None:
    deploy(client)
    inputs = [{"customer": f"C{n}", "total": n} for n in range(50)]
    items = [{"input": value, "key": f"key {n}"} for n, value in enumerate(inputs)]
    answer = client.post("/workflows/order/instances", json={"instances": items})
    assert answer.status_code == 200
    started = answer.json()["instances"]
    assert {item["outcome"] for item in started} == {"started"}
    for n in (0, 17, 49):
        assert client.get(f"/instances/{started[n]['id']}").json()["input"] == inputs[n]

    items[3]["input"] = {"customer": "other", "total": 3}
    again = client.post("/workflows/order/instances", json={"instances": items}).json()["instances"]
    assert [item["id"] for item in again] == [item["id"] for item in started]
    assert [item["outcome"] for item in again].count("exists") == 49
    assert again[3]["outcome"] == "conflict"


def test_a_wrong_input_of_a_set_is_invalid_and_the_others_start(client: TestClient) -> None:
    deploy(client)
    wrong: list[Any] = [{"customer": "B"}, {"total": "x"}, [], None]
    items: list[Any] = [{"input": ALFKI}, *({"input": value} for value in wrong), {"input": ALFKI}]
    answer = client.post("/workflows/order/instances", json={"instances": items})
    assert answer.status_code == 200
    answers = answer.json()["instances"]
    assert [item["outcome"] for item in answers] == ["started", *["invalid"] * 4, "started"]
    assert [fault["place"] for item in answers for fault in item["faults"]] == [
        "/instances/1/input/total",
        "/instances/2/input/customer",
        "/instances/2/input/total",
        "/instances/3/input",
        "/instances/4/input",
    ]
    assert {(item["id"], item["status"]) for item in answers[1:5]} == {(None, None)}
    assert len(client.get("/instances").json()["items"]) == 2


def test_an_id_of_the_clients_own_starts_one_instance(client: TestClient) -> None:
    deploy(client)
    made = str(make_ids(1)[0])
    body = {"input": ALFKI, "id": made}
    first = client.post("/workflows/order/start", json=body)
    again = client.post("/workflows/order/start", json=body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"] == made
    other = client.post("/workflows/order/start", json={**body, "input": {**ALFKI, "total": 1}})
    assert other.status_code == 422
    assert other.json()["faults"][0]["place"] == "/id"
    items = [{"input": ALFKI, "id": made}, {"input": ALFKI, "id": str(uuid4())}]
    (known, odd) = client.post("/workflows/order/instances", json={"instances": items}).json()[
        "instances"
    ]
    assert (known["outcome"], known["id"]) == ("exists", made)
    assert (odd["outcome"], odd["faults"][0]["place"]) == ("invalid", "/instances/1/id")


def test_an_id_that_was_made_long_ago_is_refused(client: TestClient) -> None:
    deploy(client, ONE)
    old = "018f0000-0000-7000-8000-000000000000"
    answer = client.post("/workflows/one/start", json={"id": old})
    assert answer.status_code == 422
    (fault,) = answer.json()["faults"]
    assert fault["place"] == "/id"
    assert "more than an hour" in fault["message"]


@pytest.mark.parametrize("count", [1, 2])
def test_a_start_whose_reply_was_lost_is_repeated_and_starts_one_instance(
    client: TestClient, conn: psycopg.Connection[Any], monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """The connection breaks when the call has been carried out: a real one, ended by Postgres."""
    deploy(client, ONE)
    start, broken = calls.start_instances, 0

    def start_and_break(of: calls.base.Connection, **arguments: Any) -> list[calls.Started]:
        nonlocal broken
        answer = start(of, **arguments)
        if not broken:
            broken = of.info.backend_pid
            conn.execute("select pg_terminate_backend(%s, 5000)", (broken,))
            of.execute("select")
        return answer

    monkeypatch.setattr(calls, "start_instances", start_and_break)
    body: Any = {"instances": [ITEM] * count}
    answer = client.post("/workflows/one/instances", json=body).json()
    assert [item["outcome"] for item in answer["instances"]] == ["started"] * count
    assert broken
    assert len(client.get("/instances").json()["items"]) == count


def test_a_set_has_1_to_1000_instances(client: TestClient) -> None:
    deploy(client, ONE)
    for count, status in ((0, 422), (1000, 200), (1001, 422)):
        body: Any = {"instances": [ITEM] * count}
        answer = client.post("/workflows/one/instances", json=body)
        assert answer.status_code == status


def test_a_repeat_after_a_new_version_is_still_the_same_instance(client: TestClient) -> None:
    deploy(client)
    headers = {"Idempotency-Key": "order 1"}
    first = client.post("/workflows/order/start", json={"input": ALFKI}, headers=headers).json()
    deploy(client, ORDER.replace("minimum: 0", "minimum: 1"))
    again = client.post("/workflows/order/start", json={"input": ALFKI}, headers=headers)
    assert again.status_code == 200
    assert again.json()["id"] == first["id"]
    assert again.json()["version"] == 1


def test_an_instance_starts_later(client: TestClient, start: Start) -> None:
    start()
    at = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    body = {"input": {"customer": "x", "total": 1}}
    started = client.post("/workflows/order/start", json={**body, "start_at": at})
    assert started.status_code == 201
    assert datetime.fromisoformat(started.json()["start_at"]) == datetime.fromisoformat(at)
    assert "First steps due" in client.get(f"/ui/instances/{started.json()['id']}").text
    naive = client.post("/workflows/order/start", json={**body, "start_at": at[:19]})
    assert naive.status_code == 422
    filtered = client.get("/instances", params={"started_after": at[:19]})
    for answer in (naive, filtered):
        (fault,) = answer.json()["faults"]
        assert "with its offset from UTC: write 2026-11-26T08:00:00+01:00 or" in fault["message"]
    far = {**body, "start_at": "2099-01-31T08:00:00Z"}
    batch = client.post("/workflows/order/instances", json={"instances": [far, body]}).json()
    assert [item["outcome"] for item in batch["instances"]] == ["invalid", "started"]
    assert batch["instances"][0]["faults"][0]["place"] == "/instances/0/start_at"
