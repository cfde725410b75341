"""Workers, queues, outbox, quarantine, health and version."""

import importlib.metadata
from typing import Any

import psycopg
from starlette.testclient import TestClient

from onceflow.engine.calls import (
    BadMessage,
    expire_workers,
    quarantine_messages,
    renew_worker,
    stop_worker,
)
from onceflow.engine.json_text import Json

from ..sql.play import turn_clock
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
        {"name": "default", "queued": 2, "live_workers": 1, "paused_at": None}
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


def test_a_worker_without_partitions_is_told_once_it_is_longer_than_a_lease(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    turn_clock(conn)
    one, other = HandWorker(conn, "one", lease=60), HandWorker(conn, "other", lease=60)
    renew_worker(conn, one.id, [], 1, {}, {"without_partitions": 61})
    renew_worker(conn, other.id, [], 1, {}, {"without_partitions": 59})
    told = (
        "Worker one has had no partition in Kafka for 61 s: it joins its group anew by itself; "
        "is the broker well, or are there more workers than partitions?"
    )
    assert client.get("/health/ready").json() == {"status": "ok", "warnings": [told]}
    assert told in client.get("/").text
    strange: list[dict[str, Json]] = [{"without_partitions": "x"}, {"without_partitions": []}, {}]
    for stranger in strange:
        renew_worker(conn, one.id, [], 1, {}, stranger)
        assert client.get("/health/ready").json() == {"status": "ok"}


def test_a_task_that_no_live_worker_has_is_told(
    client: TestClient, start: Start, conn: psycopg.Connection[Any]
) -> None:
    older = HandWorker(conn, tasks=["shop.pay"])
    assert older.claim_all(start()) == []
    turn_clock(conn)
    told = "No live worker has the task shop.reserve, on queue default: 1 waits for it."
    assert client.get("/health/ready").json() == {"status": "ok", "warnings": [told]}
    assert told in client.get("/").text
    HandWorker(conn, "newer")
    assert client.get("/health/ready").json() == {"status": "ok"}


# guarantee: silence-untold
def test_a_clock_that_nobody_turns_is_told_and_the_api_is_ready(
    client: TestClient, conn: psycopg.Connection[Any]
) -> None:
    expire_workers(conn, 1, by="relay r:1")
    conn.execute("update onceflow.clock set last_tick_at = '2026-01-31 12:00+02'")
    ready = client.get("/health/ready")
    assert ready.status_code == 200
    assert ready.json()["warnings"] == [
        "No relay has turned the clock since 2026-01-31 10:00:00 UTC (it was relay r:1): "
        "start one with `onceflow relay`."
    ]


def test_a_worker_past_its_lease_is_silent(
    client: TestClient, worker: HandWorker, conn: psycopg.Connection[Any]
) -> None:
    conn.execute("update onceflow.worker set lease_until = clock_timestamp() - interval '1 s'")
    assert client.get("/workers", params={"state": "live"}).json()["items"] == []
    (silent,) = client.get("/workers", params={"state": "silent"}).json()["items"]
    assert silent["state"] == "silent"
    assert "by-hand" in client.get("/").text


def test_health_and_version(client: TestClient, conn: psycopg.Connection[Any]) -> None:
    turn_clock(conn)
    assert client.get("/health/live").json() == {"status": "ok"}
    assert client.get("/health/ready").json() == {"status": "ok"}
    version = importlib.metadata.version("onceflow")
    assert client.get("/version").json() == {"version": version}


def test_a_queue_is_paused_and_resumed(
    client: TestClient, start: Start, worker: HandWorker
) -> None:
    instance = start()
    assert client.post("/queues/default/pause").json()["paused_at"] is not None
    assert worker.claim_all(instance) == []
    assert "Queue default is paused." in client.get("/").text
    assert "/ui/queues/default/resume" in client.get("/ui/workers").text
    assert "Resume it" in client.get(f"/ui/instances/{instance}").text
    headers = {
        "sec-fetch-site": "same-origin",
        "content-type": "application/x-www-form-urlencoded",
    }
    resumed = client.post("/ui/queues/default/resume", headers=headers, follow_redirects=False)
    assert resumed.status_code == 303
    assert client.get("/queues").json()["items"][0]["paused_at"] is None
    assert client.post("/queues/nobody/pause").status_code == 404
    assert client.post("/queues/default/resume").status_code == 200
