"""What http.request may reach, what follows a redirect, and what nobody else is told."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from onceflow.engine.dev.postgres import free_port
from onceflow.worker.integrations import http_transport

from .support import call, failure
from .web import Site, reply

ALLOW = "ONCEFLOW_HTTP_ALLOW"


@contextmanager
def another_site() -> Generator[Site]:
    with Site() as made:
        thread = threading.Thread(target=made.serve_forever, args=(0.01,))
        thread.start()
        yield made
        made.shutdown()
        thread.join()


@pytest.fixture
def other() -> Iterator[Site]:
    with another_site() as made:
        yield made


def say(text: str, **headers: str) -> Any:
    return reply(200, text.encode(), Content_Type="text/plain", **headers)


async def test_a_cookie_of_one_request_is_in_no_other(site: Site) -> None:
    site.answer = say("welcome", Set_Cookie="session=alice; Path=/")
    output = await call("http.request", url=site.url)
    assert output["headers"]["set-cookie"] == "session=alice; Path=/"
    await call("http.request", url=site.url)
    site.answer = reply(302, Location="/", Set_Cookie="a=1")
    await failure("http.request", url=site.url, follow_redirects=True)
    assert all("cookie" not in headers for _, _, headers, _ in site.requests)


SECRETS = {
    "Authorization": "Bearer secret",
    "Cookie": "session=secret",
    "X-Api-Key": "secret",
    "X-Custom": "secret",
}


async def test_what_is_given_for_one_server_does_not_follow_a_redirect_to_another(
    site: Site, other: Site
) -> None:
    port = site.url.rpartition(":")[2]
    for elsewhere in (other.url, f"http://localhost:{port}/b"):
        site.requests.clear()
        other.requests.clear()
        site.answer = lambda h, to=elsewhere: (
            reply(307, Location=to) if h.path == "/a" else reply(200)
        )(h)
        await call(
            "http.request",
            method="POST",
            url=f"{site.url}/a",
            headers=SECRETS | {"Accept": "text/x"},
            json={"n": 1},
            follow_redirects=True,
        )
        method, _, headers, body = (other.requests or site.requests)[-1]
        assert (method, body) == ("POST", b'{"n":1}')
        assert "secret" not in str(headers)
        assert (headers["accept"], headers["host"]) == ("text/x", elsewhere.split("/")[2])
        assert "idempotency-key" in headers


async def test_at_the_same_server_all_headers_follow(site: Site) -> None:
    site.answer = lambda h: (reply(307, Location="/b") if h.path == "/a" else reply(200))(h)
    url = f"{site.url}/a".replace("//", "//us%40er:p%2Fw@")
    await call("http.request", url=url, headers={"X-Api-Key": "k"}, follow_redirects=True)
    first, second = (headers for _, _, headers, _ in site.requests)
    assert first["authorization"] == second["authorization"] == "Basic dXNAZXI6cC93"
    assert (second["x-api-key"], site.requests[1][1]) == ("k", "/b")


@pytest.mark.parametrize(
    ("status", "method", "then"),
    [
        (301, "POST", "GET"),
        (302, "POST", "GET"),
        (303, "PUT", "GET"),
        (303, "HEAD", "HEAD"),
        (302, "PUT", "PUT"),
        (308, "POST", "POST"),
    ],
)
async def test_the_method_after_a_redirect(site: Site, status: int, method: str, then: str) -> None:
    site.answer = lambda h: (reply(status, Location="/b") if h.path == "/a" else reply(200))(h)
    content = {} if method == "HEAD" else {"body": "x"}
    await call("http.request", method=method, url=f"{site.url}/a", follow_redirects=True, **content)
    assert (site.requests[-1][0], site.requests[-1][1]) == (then, "/b")
    assert site.requests[-1][3] == (b"x" if then in ("PUT", "POST") else b"")


async def test_redirects_have_an_end_and_what_stood_before_it_is_not_forgotten(site: Site) -> None:
    site.answer = reply(307, Location="/")
    error = await failure("http.request", method="POST", url=site.url, follow_redirects=True)
    assert (error.code, error.retryable, error.unknown) == ("http.redirects", False, False)
    assert len(site.requests) == 11
    gone = f"http://127.0.0.1:{free_port()}/"
    for status, unknown in ((303, True), (307, False)):
        site.answer = reply(status, Location=gone)
        error = await failure("http.request", method="POST", url=site.url, follow_redirects=True)
        assert (error.code, error.unknown) == ("http.unreachable", unknown)


@pytest.mark.parametrize(
    "location", ["ftp://127.0.0.1/", "http://[", "http://a:99999/", "file:///"]
)
async def test_a_redirect_to_nowhere_is_the_answer_itself(site: Site, location: str) -> None:
    site.answer = reply(302, Location=location)
    error = await failure("http.request", url=site.url, follow_redirects=True)
    assert (error.code, error.retryable) == ("http.302", False)


# Egress.


@pytest.mark.parametrize(
    "host",
    [
        "169.254.169.254",
        "[fe80::1]",
        "[::ffff:169.254.169.254]",
        "[::ffff:a9fe:a9fe]",
        "[64:ff9b::a9fe:a9fe]",
        "[2002:a9fe:a9fe::1]",
        "[fd00:ec2::254]",
        "100.100.100.200",
        "2852039166",
        "0xa9fea9fe",
        "169.16689662",
        "0251.0376.0251.0376",
    ],
)
async def test_link_local_addresses_and_metadata_are_out_of_reach(host: str) -> None:
    error = await failure("http.request", method="POST", url=f"http://{host}/latest", timeout=5)
    assert (error.retryable, error.unknown) == (False, False)
    assert error.code == ("http.invalid" if host.startswith("0251") else "http.not_allowed")


async def test_the_list_is_asked_again_at_each_redirect(site: Site) -> None:
    site.answer = reply(302, Location="http://169.254.169.254/latest/meta-data/")
    error = await failure("http.request", url=site.url, follow_redirects=True)
    assert (error.code, error.unknown) == ("http.not_allowed", False)
    assert ALLOW in str(error)


@pytest.mark.parametrize(
    ("allow", "reached"),
    [
        ("*", True),
        ("127.0.0.1", True),
        ("127.0.0.0/8:{port}", True),
        ("*:{port}", True),
        ("::ffff:127.0.0.1/128 example.com,127.0.0.1:{port}", True),
        ("localhost", False),
        ("*:443", False),
        ("10.0.0.0/8,example.com:{port}", False),
        ("*.0.0.1", True),
    ],
)
async def test_an_operator_lists_hosts_ports_and_networks(
    site: Site, monkeypatch: pytest.MonkeyPatch, allow: str, reached: bool
) -> None:
    monkeypatch.setenv(ALLOW, allow.format(port=site.url.rpartition(":")[2]))
    if reached:
        await call("http.request", url=site.url)
    else:
        assert (await failure("http.request", url=site.url)).code == "http.not_allowed"
        assert site.requests == []


async def test_an_address_is_asked_and_reached_by_one_and_the_same_resolution(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter(["127.0.0.1", "169.254.169.254", "127.0.0.1"])
    system, asked = socket.getaddrinfo, list[str]()

    def rebinding(host: Any, *more: Any, **named: Any) -> Any:
        if host != "rebinding.test":
            return system(host, *more, **named)
        asked.append(next(answers))
        return system(asked[-1], *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = site.url.replace("127.0.0.1", "rebinding.test")
    site.answer = lambda h: (say("in"))(h)
    assert (await call("http.request", url=url))["body"] == "in"
    assert asked == ["127.0.0.1"]
    assert site.requests[0][2]["host"] == url.removeprefix("http://")
    monkeypatch.setenv(ALLOW, "rebinding.test,127.0.0.1")
    await http_transport.connections().aclose()
    error = await failure("http.request", url=url)
    assert (error.code, asked) == ("http.not_allowed", ["127.0.0.1", "169.254.169.254"])


async def test_a_name_that_no_entry_can_mean_is_not_even_resolved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def resolve(_host: str, _port: int) -> list[str]:
        raise AssertionError("asked")

    monkeypatch.setattr(http_transport, "resolve", resolve)
    monkeypatch.setenv(ALLOW, "*.example.com:443")
    error = await failure("http.request", url="https://secret.attacker.test/")
    assert error.code == "http.not_allowed"


async def test_proxies_of_the_environment_are_not_used(
    site: Site, other: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, other.url)
    await call("http.request", url=site.url)
    assert (len(site.requests), len(other.requests)) == (1, 0)


async def test_tls_verifies_the_name_though_the_connection_goes_to_an_address(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    certificate = Path(__file__).with_name("localhost.pem")
    trusting = ssl.create_default_context(cafile=str(certificate))
    monkeypatch.setattr(http_transport, "authorities", lambda: trusting)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    with another_site() as secure:
        secure.socket = context.wrap_socket(secure.socket, server_side=True)
        url = secure.url.replace("http://127.0.0.1", "https://localhost")
        assert (await call("http.request", url=url))["status"] == 200
        error = await failure("http.request", url=url.replace("localhost", "127.0.0.1"))
        assert (error.code, error.retryable, error.unknown) == ("http.unreachable", True, False)
        assert "certificate" in str(error)


# Limits of time, and own mistakes.


async def test_a_server_that_trickles_is_left_when_the_time_is_over(site: Site) -> None:
    done = threading.Event()

    def trickle(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(b"HTTP/1.1 %d X\r\n\r\n" % (200 if handler.path == "/" else 403))
        while not done.wait(0.02):
            handler.wfile.write(b"x")

    site.answer = trickle
    try:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        error = await failure("http.request", method="POST", url=site.url, timeout=1)
        assert loop.time() - begin < 5
        assert (error.code, error.retryable, error.unknown) == ("http.no_answer", True, True)
        error = await failure("http.request", method="POST", url=f"{site.url}/no", timeout=1)
        assert (error.code, error.retryable, error.unknown) == ("http.403", False, False)
    finally:
        done.set()


@pytest.mark.parametrize(
    "given",
    [
        {"url": "example.com/x"},
        {"url": "http:///x"},
        {"url": "http://127.0.0.1:0/"},
        {"url": "http://127.0.0.1:65536/"},
        {"url": "http://127.0.0.1:-1/"},
        {"url": "http://127.0.0.1:http/"},
        {"url": "http://.example.com/"},
        {"url": "http://a..b/"},
        {"url": f"http://{'a' * 64}.example.com/"},
        {"url": f"http://{'a.' * 150}com/"},
        {"url": "http://1.2.3.4.5/"},
        {"url": "http://shop.0x/"},
        {"url": "http://224.0.0.1/"},
        {"url": "http://255.255.255.255/"},
        {"url": "http://4294967295/"},
        {"url": "http://[ff02::1]/"},
        {"url": "http://a b/"},
        {"url": "http://127.0.0.1/\r\nX: y"},
        {"url": "http://127.0.0.1\\@example.com/"},
        {"url": "http://[::1/"},
        {"url": "http://\ud7ff.example/"},
        {"url": "http://x/" + "a" * 70_000},
        {"url": ""},
        {"method": "GE T"},
        {"method": "CONNECT"},
        {"method": ""},
        {"headers": {"X-A": "a\r\nX-B: b"}},
        {"headers": {"X A": "a"}},
        {"headers": {"": "a"}},
        {"headers": {"X-A": "a\0"}},
        {"headers": {"Content-Length": "5"}},
        {"headers": {"Transfer-Encoding": "chunked"}},
        {"headers": {"Host": "other.example"}},
        {"headers": {"X-A": "1", "x-a": "2"}},
        {"json": 1, "body": "x"},
    ],
)
async def test_ones_own_mistakes_are_permanent_and_send_nothing(
    site: Site, given: dict[str, Any]
) -> None:
    error = await failure("http.request", **{"method": "POST", "url": site.url} | given)
    assert (error.code, error.retryable, error.unknown) == ("http.invalid", False, False)
    assert site.requests == []


@pytest.mark.parametrize(
    "url",
    [
        "http://user:secret@127.0.0.1:{port}/a?token=secret#secret",
        "http://user:se/cret:secret@127.0.0.1:{port}/",
        "http://user:secret@127.0.0.1:99999/",
        "http://user:secret@169.254.1.1/",
        "ftp://user:secret@127.0.0.1/",
        "user:secret@127.0.0.1/",
        "http://user:secret@/",
        "http://u\x07ser:secret@x/",
    ],
)
async def test_no_error_tells_a_credential_of_a_url(url: str) -> None:
    error = await failure("http.request", url=url.format(port=free_port()), timeout=5)
    assert "cret" not in f"{error} {error.detail}"
    assert "\x07" not in str(error)
