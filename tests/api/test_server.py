"""The server as a process: clients at once, waiting, ports and signals."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import httpx2
import psycopg
import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.engine.settings import Settings

from ..support import wait_until
from .definitions import ONE
from .hand_worker import HandWorker
from .server import ApiServer, running_api, start_api

YAML = {"content-type": "application/yaml"}


@pytest.fixture
def api(settings: Settings) -> Iterator[ApiServer]:
    with running_api(settings) as server:
        answer = httpx2.post(f"{server.url}/workflows", content=ONE, headers=YAML)
        assert answer.status_code == 201
        yield server


def test_twenty_clients_with_one_key_start_one_instance(
    api: ApiServer, conn: psycopg.Connection[Any]
) -> None:
    def start(_: int) -> httpx2.Response:
        headers = {"Idempotency-Key": "the key"}
        return httpx2.post(f"{api.url}/workflows/one/start", headers=headers, timeout=30)

    with ThreadPoolExecutor(20) as clients:
        answers = list(clients.map(start, range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] * 19 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert conn.execute("select count(*) from onceflow.instances").fetchone() == (1,)


def test_a_start_that_waits_answers_when_the_instance_has_ended(
    api: ApiServer, conn: psycopg.Connection[Any], worker: HandWorker
) -> None:
    with ThreadPoolExecutor(1) as client:
        began = time.monotonic()
        future = client.submit(
            httpx2.post, f"{api.url}/workflows/one/start", params={"wait": 60}, timeout=90
        )
        row = wait_until(
            lambda: conn.execute("select id from onceflow.instances").fetchone(), "the instance"
        )
        worker.complete(row[0])
        answer = future.result()
    assert answer.status_code == 201
    assert answer.json()["status"] == "SUCCEEDED"
    assert time.monotonic() - began < 30


def test_a_wait_that_is_over_answers_as_it_stands(api: ApiServer) -> None:
    answer = httpx2.post(f"{api.url}/workflows/one/start", params={"wait": 0.3})
    assert answer.status_code == 201
    assert answer.json()["status"] == "RUNNING"
    assert httpx2.post(f"{api.url}/workflows/one/start", params={"wait": 61}).status_code == 422


def test_waiting_holds_neither_threads_nor_connections(
    api: ApiServer, conn: psycopg.Connection[Any], worker: HandWorker
) -> None:
    def start(n: int) -> httpx2.Response:
        headers = {"Idempotency-Key": f"key {n}"}
        url = f"{api.url}/workflows/one/start"
        return httpx2.post(url, params={"wait": 60}, headers=headers, timeout=90)

    def ids() -> list[Any]:
        return [row[0] for row in conn.execute("select id from onceflow.instances")]

    with ThreadPoolExecutor(60) as clients:  # more than the server has threads or connections
        futures = [clients.submit(start, n) for n in range(60)]
        wait_until(lambda: len(ids()) == 60, "all instances")
        # Others are answered meanwhile.
        assert httpx2.get(f"{api.url}/instances", timeout=5).status_code == 200
        for instance in ids():
            worker.complete(instance)
        answers = [future.result() for future in futures]
    assert {answer.json()["status"] for answer in answers} == {"SUCCEEDED"}


def test_sigterm_lets_those_go_who_wait_and_ends_with_0(
    api: ApiServer, conn: psycopg.Connection[Any]
) -> None:
    with ThreadPoolExecutor(1) as client:
        future = client.submit(
            httpx2.post, f"{api.url}/workflows/one/start", params={"wait": 60}, timeout=90
        )
        wait_until(
            lambda: conn.execute("select id from onceflow.instances").fetchone(), "the instance"
        )
        began = time.monotonic()
        assert api.stop() == 0
        assert time.monotonic() - began < 8
        assert future.result().json()["status"] == "RUNNING"


def test_a_client_that_goes_away_in_the_middle_is_no_fault_of_ours(api: ApiServer) -> None:
    host, _, port = api.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port))) as client:
        client.sendall(
            b"POST /workflows/one/start HTTP/1.1\r\nHost: localhost\r\n"
            b"Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"
        )
    assert httpx2.get(f"{api.url}/instances").json()["items"] == []
    assert api.stop() == 0
    assert api.process.stderr is not None
    assert "unexpected" not in api.process.stderr.read()


def test_a_taken_port_is_a_clear_error(settings: Settings) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        process = start_api(replace(settings, port=port))
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert f"port {port} on 127.0.0.1 is taken" in said
    assert "ONCEFLOW_PORT" in said
    assert "Traceback" not in said


def test_it_waits_for_postgres_and_says_so(settings: Settings) -> None:
    port = free_port()
    process = start_api(replace(settings, dsn=f"host=127.0.0.1 port={port} dbname=none"))
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        assert f"waiting for Postgres at 127.0.0.1:{port}" in line
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate()
