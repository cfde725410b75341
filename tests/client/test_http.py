"""What only the clients over HTTP can meet."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from uuid import uuid4

import pytest

from onceflow.client import AsyncHttpClient, HttpClient, ServerError


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
