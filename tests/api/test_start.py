"""Starting instances: input, version, idempotency key, sets."""

from typing import Any

from starlette.testclient import TestClient

from .conftest import deploy
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


def test_one_wrong_input_of_a_set_starts_none(client: TestClient) -> None:
    deploy(client)
    items = [{"input": ALFKI}, {"input": {"customer": "B"}}, {"input": {"total": "x"}}]
    answer = client.post("/workflows/order/instances", json={"instances": items})
    assert answer.status_code == 422
    places = [fault["place"] for fault in answer.json()["faults"]]
    assert places == [
        "/instances/1/input/total",
        "/instances/2/input/customer",
        "/instances/2/input/total",
    ]
    assert client.get("/instances").json()["items"] == []


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
