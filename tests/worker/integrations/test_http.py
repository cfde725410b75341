"""http.request against a real server on this machine."""

import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler

import pytest

from onceflow.engine.dev.postgres import free_port

from .support import KEY, call, call_raw, failure
from .web import Site, hang_up, reply


async def test_the_request_bears_the_key_and_what_the_input_says(site: Site) -> None:
    await call(
        "http.request",
        method="post",
        url=f"{site.url}/a?x=1",
        query={"y": [2, 3], "z": "ż"},
        headers={"X-Shop": "north"},
        json={"n": None},
    )
    ((method, path, headers, body),) = site.requests
    assert (method, body) == ("POST", b'{"n":null}')
    assert headers["idempotency-key"] == KEY
    assert (headers["x-shop"], headers["content-type"]) == ("north", "application/json")
    assert "y=2&y=3&z=%C5%BC" in path
    await call("http.request", method="POST", url=site.url, body="plain")
    assert site.requests[-1][3] == b"plain"
    await call("http.request", url=site.url, headers={"idempotency-key": "mine"})
    assert site.requests[-1][2]["idempotency-key"] == "mine"


async def test_numbers_keep_their_digits_both_ways(site: Site) -> None:
    numbers = '{"total":1265793.0395,"zeros":1.500,"long":0.12345678901234567890123}'
    site.answer = reply(200, numbers.encode(), Content_Type="application/json; charset=utf-8")
    output = await call_raw(
        "http.request",
        f'{{"method": "POST", "url": "{site.url}", "json": {numbers}}}',
    )
    assert site.requests[0][3].decode() == numbers
    assert f'"body":{numbers}' in output.decode()


async def test_bodies_of_other_kinds(site: Site) -> None:
    site.answer = reply(
        200, "zażółć".encode("iso-8859-2"), Content_Type="text/plain; charset=iso-8859-2"
    )
    output = await call("http.request", url=site.url)
    assert (output["status"], output["body"]) == (200, "zażółć")
    assert output["headers"]["content-type"].startswith("text/plain")
    site.answer = reply(204)
    assert (await call("http.request", url=site.url))["body"] is None
    site.answer = reply(200, b"\0\1", Content_Type="image/png")
    output = await call("http.request", url=site.url)
    assert output["base64"] == "AAE="
    assert "body" not in output


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 504])
async def test_statuses_that_are_tried_again(site: Site, status: int) -> None:
    site.answer = reply(status, b"busy", Retry_After="7")
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.retryable, error.retry_after) == (f"http.{status}", True, 7.0)
    assert error.detail == {"status": status, "body": "busy"}
    assert error.unknown is (status not in (425, 429, 503))
    safe = await failure("http.request", url=site.url)
    assert safe.unknown is False


async def test_retry_after_may_be_a_date_or_nonsense(site: Site) -> None:
    site.answer = reply(503, Retry_After=formatdate(time.time() + 60, usegmt=True))
    error = await failure("http.request", url=site.url)
    assert error.retry_after is not None
    assert 50 < error.retry_after <= 60
    site.answer = reply(503, Retry_After="soon")
    assert (await failure("http.request", url=site.url)).retry_after is None


@pytest.mark.parametrize("status", [301, 400, 404, 409, 422])
async def test_other_statuses_are_permanent(site: Site, status: int) -> None:
    site.answer = reply(status)
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.retryable, error.unknown) == (f"http.{status}", False, False)


async def test_the_input_says_what_is_a_success(site: Site) -> None:
    site.answer = reply(404)
    for expect in (404, [200, 404]):
        assert (await call("http.request", url=site.url, expect=expect))["status"] == 404
    site.answer = reply(200)
    assert (await failure("http.request", url=site.url, expect=404)).code == "http.200"


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    url = f"http://127.0.0.1:{free_port()}"
    error = await failure("http.request", method="POST", url=url)
    assert (error.code, error.retryable, error.unknown) == ("http.unreachable", True, False)


@pytest.mark.parametrize("how", ["hang up", "silence"])
async def test_no_answer_is_an_unknown_outcome(site: Site, how: str) -> None:
    silence = threading.Event()

    def say_nothing(_handler: BaseHTTPRequestHandler) -> None:
        silence.wait(20)

    site.answer = hang_up if how == "hang up" else say_nothing
    try:
        error = await failure("http.request", method="POST", url=site.url, timeout=0.5)
        assert (error.code, error.retryable, error.unknown) == ("http.no_answer", True, True)
        safe = await failure("http.request", url=site.url, timeout=0.5)
        assert (safe.code, safe.retryable, safe.unknown) == ("http.no_answer", True, False)
    finally:
        silence.set()


@pytest.mark.parametrize("url", ["ftp://127.0.0.1/", "no url", "http://"])
async def test_what_is_no_url_is_permanent(url: str) -> None:
    error = await failure("http.request", url=url)
    assert (error.code, error.retryable) == ("http.invalid", False)


async def test_an_answer_too_large_is_not_read_to_its_end(site: Site) -> None:
    site.answer = reply(200, b"x" * 2_000_000, Content_Type="text/plain")
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.retryable, error.unknown) == ("http.too_large", False, True)


async def test_a_body_that_is_not_the_json_it_says(site: Site) -> None:
    site.answer = reply(200, b"<html>", Content_Type="application/json")
    output = await call("http.request", method="POST", url=site.url)
    assert (output["status"], output["body"]) == (200, "<html>")
    assert "not JSON" in output["problem"]


async def test_redirects_are_followed_if_told(site: Site) -> None:
    site.answer = lambda h: (
        reply(302, Location="/there")
        if h.path == "/"
        else reply(200, b"here", Content_Type="text/x")
    )(h)
    assert (await failure("http.request", url=site.url + "/")).code == "http.302"
    output = await call("http.request", url=site.url + "/", follow_redirects=True)
    assert output["body"] == "here"
