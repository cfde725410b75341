"""Only who calls this api by one of its names is let in; proxies are believed where trusted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import httpx2
import pytest
from starlette.testclient import TestClient

from onceflow.api.app import create_app
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings

from .conftest import Start, deploy
from .definitions import ONE
from .server import ApiServer, running_api

CLIENT = ("10.0.0.5", 50000)
"""The address that the test client calls from."""

Called = Callable[..., TestClient]


@pytest.fixture
def called(pool: Pool) -> Iterator[Called]:
    """A function that returns a client of an api with these settings."""
    with ExitStack() as stack:

        def client(**options: Any) -> TestClient:
            app = create_app(pool, Settings(**options))
            return stack.enter_context(TestClient(app, "http://localhost:3000", client=CLIENT))

        yield client


@pytest.fixture
def api(settings: Settings) -> Iterator[ApiServer]:
    with running_api(settings) as server:
        yield server


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:9", 200),
        ("flows.localhost.", 200),
        ("127.0.0.1:3000", 200),
        ("127.9.9.9", 200),
        ("[::1]:3000", 200),
        ("[::ffff:127.0.0.1]", 200),
        ("evil.example", 421),
        ("localhost.evil.example:3000", 421),
        ("127.0.0.1.evil.example", 421),
        ("0.0.0.0:3000", 421),
        ("192.0.2.1", 421),
        ("localhost@evil.example", 421),
        ("localhost:3000, evil.example", 421),
        ("", 421),
        ("flows.example.com", 200),
        ("flows.example.com:8443", 200),
        ("other.example.com", 421),
        ("a.example.org", 200),
        ("example.org", 421),
        ("evilexample.org", 421),
        ("only.example.net:81", 200),
        ("only.example.net", 421),
    ],
)
def test_a_request_for_another_host_is_refused(called: Called, host: str, status: int) -> None:
    client = called(hosts=("flows.example.com", "*.example.org", "only.example.net:81"))
    for path in ("/", "/health/live", "/instances", "/openapi.json", "/static/icon.svg"):
        answer = client.get(path, headers={"host": host})
        assert answer.status_code == status, path
    if status == 421:
        problem = answer.json()
        assert "ONCEFLOW_HOSTS" in problem["detail"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_a_page_whose_name_was_led_here_changes_nothing(api: ApiServer) -> None:
    """DNS rebinding: for the browser the page and this server are one origin."""
    headers = {
        "Host": "evil.example:3000",
        "Origin": "http://evil.example:3000",
        "Sec-Fetch-Site": "same-origin",
    }
    yaml = {"content-type": "application/yaml"}
    refused = httpx2.post(f"{api.url}/workflows", content=ONE, headers=headers | yaml)
    assert refused.status_code == 421
    assert httpx2.get(f"{api.url}/workflows", headers=headers).status_code == 421
    assert httpx2.get(f"{api.url}/workflows").json()["items"] == []


def test_the_address_at_which_a_connection_came_in_is_a_name(settings: Settings) -> None:
    """So a probe that calls by the address of a container needs no setting."""
    host = "127.0.0.2"
    with running_api(replace(settings, accounts="off"), "--host", "0.0.0.0") as api:  # noqa: S104
        port = api.url.rpartition(":")[2]
        assert httpx2.get(f"http://{host}:{port}/health/live").status_code == 200


def test_a_host_that_is_listened_on_by_name_is_one_of_ours(called: Called) -> None:
    client = called(host="10.1.2.3")
    assert client.get("/health/live", headers={"host": "10.1.2.3:3000"}).status_code == 200


JSON_POST: Mapping[str, Any] = {"url": "/workflows/one/start", "json": {}}
EMPTY_POST: Mapping[str, Any] = {"url": "/workflows/one/start"}
FORM_POST: Mapping[str, Any] = {"url": "/ui/quarantine/release", "data": {"id": "1"}}


@pytest.mark.parametrize("post", [JSON_POST, EMPTY_POST, FORM_POST], ids=["json", "empty", "form"])
@pytest.mark.parametrize(
    ("headers", "let_in"),
    [
        ({"Origin": "http://localhost:3000"}, True),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "http://localhost:8080"}, False),  # another program of this machine
        ({"Origin": "http://127.0.0.1:3000"}, False),
        ({"Origin": "http://evil.example"}, False),
        ({"Origin": "http://evil.example", "Sec-Fetch-Site": "same-origin"}, False),
        ({"Origin": "null"}, False),
        ({"Origin": ""}, False),
        ({"Origin": "http://localhost:3000", "Sec-Fetch-Site": "cross-site"}, False),
        # A proxy changed the header Host, and the browser was on a name that is listed.
        ({"Origin": "https://flows.example.com", "Sec-Fetch-Site": "same-origin"}, True),
        ({"Origin": "https://flows.example.com"}, False),
    ],
)
def test_a_request_that_changes_something_comes_from_us(
    called: Called, post: Mapping[str, Any], headers: Mapping[str, str], let_in: bool
) -> None:
    client = called(hosts=("flows.example.com",))
    deploy(client, ONE)
    answer = client.post(**post, headers=headers, follow_redirects=False)
    assert (answer.status_code != 403) == let_in, answer.text
    if not let_in:
        assert "another site" in answer.json()["detail"]
        assert client.get("/instances").json()["items"] == []


def test_what_a_proxy_says_counts_where_it_is_trusted(called: Called, start: Start) -> None:
    told = {
        "Host": "localhost:3000",
        "X-Forwarded-Host": "forged.example, flows.example.com",
        "X-Forwarded-Proto": "https",
        "Origin": "https://flows.example.com:443",
    }
    path = f"/instances/{start()}/suspend"
    options: dict[str, Any] = {"hosts": ("flows.example.com",)}
    trusting = called(**options, trusted_proxies=("10.0.0.0/24",))
    assert trusting.post(path, headers=told).status_code == 200
    another = {**told, "X-Forwarded-Host": "evil.example"}
    assert trusting.get("/", headers=another).status_code == 421
    # Not for one that is not: neither is the host believed,
    distrusting = called(**options, trusted_proxies=("10.0.1.0/24", "::1"))
    assert distrusting.post(path, headers=told).status_code == 403
    # nor does it open a door.
    forged = {"Host": "evil.example", "X-Forwarded-Host": "localhost"}
    assert distrusting.get("/", headers=forged).status_code == 421
    assert called().get("/", headers=forged).status_code == 421
