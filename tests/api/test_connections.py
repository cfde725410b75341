"""Connections that are slow, half open or ambiguous hold nothing and nobody."""

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx2
import pytest
import uvicorn

from onceflow.api import connection
from onceflow.api.app import create_app
from onceflow.api.connection import Connection
from onceflow.engine.pool import Pool
from onceflow.engine.settings import Settings

from .server import ApiServer, running_api

POST = (
    b"POST /workflows/one/start HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
)
GET = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n"


@pytest.fixture
def api(settings: Settings) -> Iterator[ApiServer]:
    with running_api(settings) as server:
        yield server


def connect(api: ApiServer) -> socket.socket:
    host, _, port = api.url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)), timeout=30)


def read_all(client: socket.socket) -> bytes:
    """Read until the server closes the connection; fail where it does not within 30 s."""
    answer = b""
    try:
        while chunk := client.recv(65536):
            answer += chunk
    except ConnectionResetError:
        pass
    return answer


def ask(api: ApiServer, *parts: bytes) -> bytes:
    """Send bytes and return all that comes back until the server closes."""
    with connect(api) as client:
        client.sendall(b"".join(parts))
        return read_all(client)


@pytest.mark.parametrize(
    "framing",
    [
        pytest.param(
            b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n", id="length and chunked"
        ),
        b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n",
        b"transfer-encoding: Chunked\r\nContent-Length: 0\r\n\r\n",
        b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n",
        b"Content-Length: +2\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n",
        b"Transfer-Encoding: xchunked\r\n\r\n",
        b"Transfer-Encoding : chunked\r\n\r\n",
    ],
)
def test_a_request_that_can_be_read_in_two_ways_is_refused(api: ApiServer, framing: bytes) -> None:
    smuggled = b"0\r\n\r\nGET /version HTTP/1.1\r\nHost: localhost\r\n\r\n"
    answer = ask(api, POST, framing, smuggled)
    assert answer.split()[1] in (b"400", b"501")
    assert answer.count(b"HTTP/1.1 ") == 1, "nothing after it is read"
    assert b"application/problem+json" in answer
    assert b"connection: close" in answer.lower()


def test_a_transfer_encoding_of_http_1_0_is_refused(api: ApiServer) -> None:
    head = POST.replace(b"HTTP/1.1", b"HTTP/1.0") + b"Transfer-Encoding: chunked\r\n\r\n"
    assert b" 400 " in ask(api, head, b"0\r\n\r\n").splitlines()[0]


def test_two_hosts_or_none_are_refused(api: ApiServer) -> None:
    two = ask(api, GET, b"Host: evil.example\r\n\r\n")
    none = ask(api, b"GET /health/live HTTP/1.1\r\n\r\n")
    old = ask(api, b"GET /health/live HTTP/1.0\r\n\r\n")
    assert [of.split()[1] for of in (two, none, old)] == [b"400", b"400", b"421"]


def test_a_head_that_is_too_large_is_refused_in_words(api: ApiServer) -> None:
    answer = ask(api, GET, b"X: ", b"x" * 40_000)
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert b"larger than 32,768 bytes" in answer
    endless = ask(api, GET, b"X: y\r\n" * 10_000)
    assert endless.startswith(b"HTTP/1.1 431 ")


def test_a_body_that_turns_bad_ends_its_connection_and_nothing_else(api: ApiServer) -> None:
    head = POST + b"Transfer-Encoding: chunked\r\n\r\n"
    assert ask(api, head, b"2\r\n{}\r\nzzz\r\n").startswith(b"HTTP/1.1 400 ")
    assert httpx2.get(f"{api.url}/health/live").status_code == 200
    assert api.stop() == 0
    assert api.process.stderr is not None
    assert "Traceback" not in api.process.stderr.read()


def test_a_hundred_half_requests_hold_nobody(api: ApiServer) -> None:
    """Slow loris against the real server: others are answered, and it does not wait for ever."""
    clients = [connect(api) for _ in range(100)]
    for n, client in enumerate(clients):
        client.sendall((GET, POST + b"Content-Length: 5\r\n\r\n{", GET[:9], b"")[n % 4])
    for path in ("live", "ready"):
        assert httpx2.get(f"{api.url}/health/{path}", timeout=5).status_code == 200
    stop = threading.Event()

    def trickle(client: socket.socket) -> bytes:
        with client:
            try:
                while not stop.wait(0.5):
                    client.sendall(b"X")
            except OSError:
                pass
            return b""

    with ThreadPoolExecutor(2) as pool:
        trickling = pool.submit(trickle, clients[0])
        answer = read_all(clients[4])
        assert b" 408 " in answer.splitlines()[0]
        trickling.result(30)
        stop.set()
    for client in clients:
        client.close()


# In this process, with shorter times ---------------------------------------------------


@pytest.fixture
async def quick(pool: Pool, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The port of a server whose patience is short."""
    for name in ("HEAD_TIME", "BODY_TIME", "PACE_TIME", "FLUSH_TIME"):
        monkeypatch.setattr(connection, name, 0.3)
    app = create_app(pool, Settings())
    config = uvicorn.Config(app, http=Connection, ws="none", log_config=None, timeout_keep_alive=1)
    server = uvicorn.Server(config)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        serving = asyncio.create_task(server._serve([listening]))  # pyright: ignore[reportPrivateUsage]  without its signals
        try:
            while not server.started:
                await asyncio.sleep(0)
            yield listening.getsockname()[1]
        finally:
            server.should_exit = True
            await serving


async def closed(*sent: bytes, port: int, trickle: bytes = b"") -> bytes:
    """Send, then trickle on until the server closes; return what it said. Fails after 20 s."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answer = b""
    try:
        async with asyncio.timeout(20):
            writer.write(b"".join(sent))
            while not reader.at_eof():
                if trickle:
                    writer.write(trickle)
                try:
                    async with asyncio.timeout(0.05):
                        answer += await reader.read(65536)
                except TimeoutError:
                    pass
    except ConnectionError:
        pass
    finally:
        writer.close()
    return answer


async def test_a_head_must_arrive_in_time(quick: int) -> None:
    assert await closed(port=quick) == b""
    answer = await closed(GET, port=quick, trickle=b"X")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"head of this request did not arrive" in answer
    # The second of a connection too,
    answer = await closed(GET, b"\r\n", GET, port=quick, trickle=b"X")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"HTTP/1.1 408 " in answer
    # which without one is closed later, in silence.
    answer = await closed(GET, b"\r\n", port=quick)
    assert answer.count(b"HTTP/1.1") == 1


async def test_a_body_must_arrive_in_time(quick: int) -> None:
    answer = await closed(POST, b"Content-Length: 999999\r\n\r\n", port=quick, trickle=b" ")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b"body of this request did not arrive" in answer
    chunked = await closed(POST, b"Transfer-Encoding: chunked\r\n\r\n", port=quick)
    assert chunked.startswith(b"HTTP/1.1 408 ")
    # Where the answer did not wait for it the connection is dropped.
    answer = await closed(GET, b"Content-Length: 999999\r\n\r\n", port=quick, trickle=b" ")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b" 408 " not in answer


async def test_an_answer_must_be_taken_in_time(quick: int) -> None:
    large = b"GET /static/swagger/swagger-ui-bundle.js HTTP/1.1\r\nHost: localhost\r\n\r\n"
    with closing(socket.socket()) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.sock_connect(client, ("127.0.0.1", quick))
        await loop.sock_sendall(client, large * 20)
        protocol = await _open_connection(client)
        async with asyncio.timeout(20):
            while not protocol.transport.is_closing():
                await asyncio.sleep(0.02)


async def _open_connection(client: socket.socket) -> Connection:
    """Return the server's side of a connection, once an answer of it has come to a halt."""
    name = client.getsockname()
    async with asyncio.timeout(20):
        while True:
            for found in OPEN:
                if found.client == name and found.flow.write_paused:
                    return found
            await asyncio.sleep(0.01)


OPEN: set[Connection] = set()


@pytest.fixture(autouse=True)
def remember_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the connections of servers of this process in OPEN."""
    OPEN.clear()
    made = Connection.connection_made

    def connection_made(self: Connection, transport: asyncio.Transport) -> None:
        OPEN.add(self)
        made(self, transport)

    monkeypatch.setattr(Connection, "connection_made", connection_made)


async def test_of_too_many_connections_the_longest_waiting_gives_way(
    quick: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "HEAD_TIME", 60)
    monkeypatch.setattr(Connection, "most", 5)
    waiting = [await asyncio.open_connection("127.0.0.1", quick) for _ in range(5)]
    answer = await closed(GET, b"Connection: close\r\n\r\n", port=quick)
    assert answer.startswith(b"HTTP/1.1 200 ")
    async with asyncio.timeout(20):
        try:
            assert await waiting[0][0].read() == b""
        except ConnectionResetError:
            pass
    assert not waiting[1][0].at_eof()
    for _, writer in waiting:
        writer.close()
