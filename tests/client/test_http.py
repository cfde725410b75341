"""What only the clients over HTTP can meet."""

from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import httpcore2
import psycopg
import pytest

from onceflow.client import (
    AsyncHttpClient,
    BadArgument,
    Denied,
    HttpClient,
    NotFound,
    ServerError,
)
from onceflow.engine.accounts.keys import digest_of, make_key
from onceflow.engine.calls import create_api_key
from onceflow.engine.settings import Settings

from ..api.server import running_api


def test_an_api_that_is_not_there_is_told_without_the_password() -> None:
    said = r"the API at http://127\.0\.0\.1:1/flow/ does not answer"
    with (
        HttpClient("http://me:hidden@127.0.0.1:1/flow") as client,
        pytest.raises(ServerError, match=said) as caught,
    ):
        client.get(uuid4())
    assert "hidden" not in str(caught.value)


async def test_nor_does_it_answer_the_asynchronous_client() -> None:
    async with AsyncHttpClient("http://127.0.0.1:1") as client:
        with pytest.raises(ServerError, match="does not answer"):
            await client.get(uuid4())


class Stranger(BaseHTTPRequestHandler):
    """A server that is no Onceflow API."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers.get("Authorization", "")))
        self.send_response(502 if "explain" in self.path else 200)
        self.end_headers()
        self.wfile.write(b"Hello")

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def stranger() -> Iterator[str]:
    Stranger.asked = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Stranger) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/under"
        server.shutdown()
        thread.join()


def test_what_is_no_onceflow_is_told(stranger: str) -> None:
    instance = uuid4()
    with HttpClient(stranger, headers={"Authorization": "Bearer token"}) as client:
        with pytest.raises(ServerError, match="is no Onceflow API"):
            client.get(instance)
        with pytest.raises(ServerError, match="answered 502, and not as an Onceflow API does"):
            client.explain(instance)
    assert Stranger.asked[0] == (f"/under/instances/{instance}", "Bearer token")


@pytest.mark.parametrize(
    ("key", "variable", "headers", "sent"),
    [
        ("ofk_a\n", "ofk_b", {}, "Bearer ofk_a"),
        ("ofk_a", "", {"Authorization": "Bearer c"}, "Bearer ofk_a"),
        (None, "ofk_b", {}, "Bearer ofk_b"),
        (None, "ofk_b", {"authorization": "Bearer c"}, "Bearer c"),
        (None, "", {}, ""),
    ],
)
def test_a_key_goes_with_every_request(
    stranger: str,
    monkeypatch: pytest.MonkeyPatch,
    key: str | None,
    variable: str,
    headers: dict[str, str],
    sent: str,
) -> None:
    monkeypatch.setenv("ONCEFLOW_API_KEY", variable)
    with HttpClient(stranger, key=key, headers=headers) as client, pytest.raises(ServerError):
        client.get(uuid4())
    assert [authorization for _, authorization in Stranger.asked] == [sent]


@pytest.mark.parametrize("key", ["a\nX: y", "klucz-ł", "two words"])
def test_what_is_no_key_is_told_without_it(key: str) -> None:
    with pytest.raises(BadArgument, match="the key of the API is none") as caught:
        HttpClient("http://127.0.0.1:1", key=key)
    assert key not in str(caught.value)


async def test_who_is_not_known_or_may_not_is_denied(settings: Settings) -> None:
    with psycopg.connect(settings.dsn, autocommit=True) as conn:
        key = make_key()
        create_api_key(conn, "ci", digest_of(key), "viewer")
    with running_api(replace(settings, accounts="on")) as api:
        with HttpClient(api.url) as client, pytest.raises(Denied, match="has to be known"):
            client.signal(uuid4(), "go")
        async with AsyncHttpClient(api.url, key=key) as client:
            with pytest.raises(Denied, match="takes the role starter"):
                await client.signal(uuid4(), "go")
            with pytest.raises(NotFound):
                await client.get(uuid4())


def test_who_asks_a_server_without_tls_loads_no_authorities(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    loaded: list[None] = []

    def load(**_: object) -> None:
        loaded.append(None)

    monkeypatch.setattr(httpcore2, "default_ssl_context", load)
    HttpClient("http://127.0.0.1:1").close()
    assert loaded == []
    HttpClient("https://127.0.0.1:1").close()
    assert loaded == [None]
