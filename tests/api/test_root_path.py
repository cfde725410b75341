"""Behind a proxy that shows the api under a path, every link leads back through it."""

import re
from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import urljoin

import httpx2
import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.engine.calls import BadMessage, quarantine_messages
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings

from .conftest import OURS, deploy
from .definitions import ORDER
from .hand_worker import HandWorker
from .server import running_api, start_api

FORM = {"content-type": "application/x-www-form-urlencoded"}


@pytest.fixture
def client(pool: Pool) -> Iterator[TestClient]:
    app = create_app(pool, replace(OURS, root_path="/flows"))
    with TestClient(app, raise_server_exceptions=False) as opened:
        yield opened


@pytest.mark.parametrize("prefix", ["/flows", ""], ids=["path kept", "path taken off"])
def test_every_link_keeps_the_root_path(
    client: TestClient, worker: HandWorker, conn: psycopg.Connection, prefix: str
) -> None:
    deploy(client)
    body = {"input": {"customer": "ALFKI", "total": 1}}
    instances = [
        client.post(f"{prefix}/workflows/order/start", json=body).json()["id"] for _ in range(60)
    ]
    worker.complete(instances[0])
    worker.fail(instances[0])
    quarantine_messages(conn, [BadMessage("t", 0, 1, b"x", "no JSON")])
    seen: set[str] = set()
    waiting = ["/flows/"]
    while waiting:
        path = waiting.pop().partition("#")[0]
        if path in seen or len(seen) > 60:
            continue
        seen.add(path)
        answer = client.get(prefix + path.removeprefix("/flows"))
        assert answer.status_code == 200, path
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        links = re.findall(r'(?:href|src|action)="([^"]*)"', answer.text)
        assert links
        for link in links:
            assert urljoin(path, link).startswith("/flows/"), (path, link)
        gets = re.findall(r'(?:href|src)="([^"]*)"', answer.text)
        waiting += [urljoin(path, link.replace("&amp;", "&")) for link in gets]
    for expected in ("/flows/ui/workers", "/flows/api", "/flows/static/onceflow.css"):
        assert expected in seen
    assert f"/flows/ui/dead-letters?instance={instances[0]}" in seen


@pytest.mark.parametrize("prefix", ["/flows", ""], ids=["path kept", "path taken off"])
def test_redirects_and_locations_keep_the_root_path(client: TestClient, prefix: str) -> None:
    made = client.post(
        f"{prefix}/workflows", content=ORDER, headers={"content-type": "application/yaml"}
    )
    assert made.headers["location"] == "/flows/workflows/order/versions/1"
    body = {"input": {"customer": "ALFKI", "total": 1}}
    started = client.post(f"{prefix}/workflows/order/start", json=body)
    assert started.headers["location"].startswith("/flows/workflows/order/instances/")
    assert client.get(started.headers["location"]).status_code == 200
    sent = client.post(
        f"{prefix}/ui/instances/{started.json()['id']}/suspend",
        headers=FORM,
        follow_redirects=False,
    )
    assert sent.status_code == 303
    assert sent.headers["location"] == f"/flows/ui/instances/{started.json()['id']}"


def test_the_description_names_the_root_path(client: TestClient) -> None:
    assert client.get("/flows/openapi.json").json()["servers"] == [{"url": "/flows"}]
    assert "script-src" in client.get("/flows/api").headers["content-security-policy"]
    assert 'url: "openapi.json"' in client.get("/flows/static/swagger/start.js").text


def test_at_the_root_of_a_host_nothing_stands_before_a_path(pool: Pool) -> None:
    with TestClient(create_app(pool, OURS)) as client:
        assert client.get("/openapi.json").json()["servers"] == [{"url": "/"}]
        assert deploy(client)
        assert client.get("/flows/openapi.json").status_code == 404


def test_the_server_under_a_root_path(settings: Settings) -> None:
    with running_api(replace(settings, root_path="/flows")) as api:
        assert api.url.endswith("/flows")
        assert httpx2.get(f"{api.url}/health/ready").status_code == 200
        bare = api.url.removesuffix("/flows")
        assert httpx2.get(f"{bare}/health/ready").status_code == 200


def test_a_root_path_that_could_mean_two_things_is_refused(settings: Settings) -> None:
    process = start_api(replace(settings, root_path="/workflows"))
    _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "ONCEFLOW_ROOT_PATH is '/workflows'" in said
    assert "Traceback" not in said
