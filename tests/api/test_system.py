"""Workers, queues, outbox, quarantine, health and version."""

import importlib.metadata
from typing import Any

import psycopg
from starlette.testclient import TestClient

from onceflow.engine.calls import BadMessage, quarantine_messages, stop_worker

from .conftest import Start
from .hand_worker import HandWorker


def test_workers_with_what_they_run(
    client: TestClient, start: Start, conn: psycopg.Connection[Any]
) -> None:
    one, two = HandWorker(conn, "one"), HandWorker(conn, "two")
    one.claim(start())
    stop_worker(conn, two.id)
    youngest, oldest = client.get("/workers").json()["items"]
    assert (youngest["name"], youngest["state"], youngest["running"]) == ("two", "stopped", 0)
    assert (oldest["name"], oldest["state"], oldest["running"]) == ("one", "live", 1)
    assert oldest["queues"] == ["default"]
    assert "shop.pay" in oldest["tasks"]
    live = client.get("/workers", params={"state": "live"}).json()["items"]
    assert [worker["id"] for worker in live] == [str(one.id)]
    first = client.get("/workers", params={"limit": 1}).json()
    rest = client.get("/workers", params={"limit": 1, "cursor": first["next"]}).json()
    assert [first["items"][0]["name"], rest["items"][0]["name"]] == ["two", "one"]
    assert rest["next"] is None


def test_queues_and_outbox(client: TestClient, start: Start, worker: HandWorker) -> None:
    start()
    start()
    assert client.get("/queues").json()["items"] == [
        {"name": "default", "queued": 2, "live_workers": 1}
    ]
    (backlog,) = client.get("/outbox").json()["items"]
    assert (backlog["kind"], backlog["topic"], backlog["rows"]) == ("task", "default", 2)


def test_quarantine(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    payloads = [b"\xff\x00 no json", b"", b"x" * 5000]
    messages = [BadMessage("t", 0, n, payload, "not JSON") for n, payload in enumerate(payloads)]
    quarantine_messages(conn, messages)
    first = client.get("/quarantine", params={"limit": 2}).json()
    assert [item["offset"] for item in first["items"]] == [2, 1]
    assert len(first["items"][0]["payload"]) == 4096
    rest = client.get("/quarantine", params={"limit": 2, "cursor": first["next"]}).json()
    assert rest["items"][0]["payload"] == r"\377\000 no json"
    ids = [item["id"] for item in first["items"]]
    assert client.post("/quarantine/release", json={"cell": 0, "ids": ids}).json() == {
        "released": 0
    }
    bodies: list[Any] = [
        {"cell": 0, "ids": []},
        {"cell": 0, "ids": [0]},
        {"cell": 0, "ids": [2**63]},
        {"cell": 4096, "ids": [1]},
        {"ids": [1]},
        {},
    ]
    for faulty in bodies:
        assert client.post("/quarantine/release", json=faulty).status_code == 422


def test_a_task_that_no_live_worker_has_is_told(
    client: TestClient, start: Start, conn: psycopg.Connection[Any]
) -> None:
    older = HandWorker(conn, tasks=["shop.pay"])
    assert older.claim_all(start()) == []
    told = "No live worker has the task shop.reserve, on queue default: 1 waits for it."
    assert client.get("/health/ready").json() == {"status": "ok", "warnings": [told]}
    assert told in client.get("/").text
    HandWorker(conn, "newer")
    assert client.get("/health/ready").json() == {"status": "ok"}


def test_health_and_version(client: TestClient) -> None:
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}
    version = importlib.metadata.version("onceflow")
    assert client.get("/version").json() == {"version": version}
