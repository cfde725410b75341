"""Whatever a server answers, a request that succeeded has succeeded, and its body is told."""

import gzip
import json
import zlib
from typing import Any

import pytest

from onceflow.worker.integrations.http_answer import LONGEST_PAUSE, retry_after

from .support import call, call_raw, failure
from .web import Site, raw, reply

MEGABYTE = 1024 * 1024


@pytest.mark.parametrize(
    ("charset", "content", "body"),
    [
        ("utf8mb4", b"ok", "ok"),
        ("base64", b"ok", "ok"),
        ("undefined", "żółw".encode(), "żółw"),
        ("punycode", b"ok", "ok"),
        ("unicode_escape", b"a\\x41", "a\\x41"),
        ("x" * 5000, b"ok", "ok"),
        ('"; rm', b"ok", "ok"),
        ("utf-8", b"a\xffb", "a\ufffdb"),
        ("us-ascii", "ż".encode(), "\ufffd\ufffd"),
    ],
)
async def test_a_charset_that_is_unknown_or_untrue_is_told_beside_the_text(
    site: Site, charset: str, content: bytes, body: str
) -> None:
    site.answer = reply(200, content, Content_Type=f"text/plain; charset={charset}")
    output = await call("http.request", method="POST", url=site.url)
    assert output["body"] == body
    assert bool(output.get("problem")) is (charset != '"; rm')


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
async def test_a_byte_order_mark_tells_the_charset(site: Site, encoding: str) -> None:
    text = '{"zażółć":1.50}'
    for kind, body in (("text/plain", text), ("application/json", {"zażółć": 1.5})):
        site.answer = reply(200, text.encode(encoding), Content_Type=f"{kind}; charset=us-ascii")
        output = await call("http.request", url=site.url)
        assert output["body"] == body
        assert "problem" not in output


@pytest.mark.parametrize(
    "text",
    [
        '{"a": NaN}',
        '["\\ud800"]',
        '["\\u0000"]',
        "[1e131071]",
        "[1e99999999999999999999]",
        "[" + ",".join(["1e900"] * 2000) + "]",
        "[" * 20_000,
        "9" * 5000,
        "[" + "9" * 2000 + "]",
        "{'a': 1}",
        " ",
    ],
)
async def test_json_that_nobody_can_keep_is_given_as_its_text(site: Site, text: str) -> None:
    site.answer = reply(200, text.encode(), Content_Type="application/json")
    output = await call("http.request", method="POST", url=site.url)
    assert output["body"] == text
    assert "not JSON as it says" in output["problem"]


async def test_of_a_key_that_stands_twice_the_last_counts_as_in_postgres(site: Site) -> None:
    site.answer = reply(200, b'{"a":1,"a":2}', Content_Type="application/problem+json")
    assert (await call("http.request", url=site.url))["body"] == {"a": 2}
    site.answer = reply(200, b'["\\\\u0000"]', Content_Type="application/json")
    assert (await call("http.request", url=site.url))["body"] == ["\\u0000"]


async def test_bytes_that_no_text_can_hold_come_in_base64(site: Site) -> None:
    site.answer = reply(200, b"a\0b", Content_Type="text/plain")
    output = await call("http.request", url=site.url)
    assert output["base64"] == "YQBi"
    assert "NUL" in output["problem"]


WHOLE = gzip.compress(b"hello", mtime=0)
BOMB = gzip.compress(b"0" * 16 * MEGABYTE, mtime=0)


@pytest.mark.parametrize(
    ("coding", "content", "body"),
    [
        ("gzip", WHOLE, "hello"),
        ("gzip", WHOLE + WHOLE, "hellohello"),
        ("gzip", WHOLE + b"\0\0", "hello"),
        ("GZIP, identity", WHOLE, "hello"),
        ("gzip, gzip", gzip.compress(WHOLE, mtime=0), "hello"),
        ("deflate", zlib.compress(b"hello"), "hello"),
        ("deflate", zlib.compress(b"hello")[2:-4], "hello"),
        ("gzip", b"", None),
        ("gzip", gzip.compress(b"", mtime=0), None),
        ("gzip", WHOLE[:-3], False),
        ("gzip", b"hello", False),
        ("br", b"hello", False),
        ("gzip, " * 9, WHOLE, False),
        ("gzip", gzip.compress(b"", mtime=0) * 200, False),
        ("gzip", BOMB, False),
        ("gzip, gzip", gzip.compress(BOMB, mtime=0), False),
    ],
)
async def test_a_coding_is_undone_or_the_bytes_are_given_as_they_came(
    site: Site, coding: str, content: bytes, body: Any
) -> None:
    site.answer = reply(200, content, Content_Type="text/plain", Content_Encoding=coding)
    output = await call("http.request", method="POST", url=site.url)
    if body is False:
        assert output["problem"]
        assert "body" not in output
    else:
        assert output["body"] == body


@pytest.mark.parametrize("status", [200, 204, 205])
async def test_an_empty_body_is_null_whatever_its_type(site: Site, status: int) -> None:
    site.answer = reply(status, Content_Type="application/json", Content_Encoding="gzip")
    assert (await call("http.request", url=site.url))["body"] is None


async def test_headers_are_told_whatever_their_bytes(site: Site) -> None:
    site.answer = raw(
        b"HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n"
        b"HTTP/1.1 200 \xff\xfe very good \x07\r\nX-Latin: caf\xe9\r\nX-Utf: caf\xc3\xa9\r\n"
        b"Set-Cookie: a=1\r\nset-cookie: b=2\r\nX-Bell: a\x07b\r\n"
        + b"".join(b"X-%d: y\r\n" % n for n in range(3000))
        + b"Content-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
    )
    output = await call("http.request", url=site.url)
    headers = output["headers"]
    assert (headers["x-latin"], headers["x-utf"]) == ("café", "café")
    assert headers["set-cookie"] == "a=1, b=2"
    assert headers["x-bell"] == "a\x07b"
    assert (output["body"], headers["x-2999"]) == ("ok", "y")


async def test_of_huge_headers_the_last_are_left_out_and_that_is_told(site: Site) -> None:
    site.answer = raw(
        b"HTTP/1.1 200 OK\r\nX-First: a\r\n"
        + b"".join(b"X-%d: %s\r\n" % (n, b"y" * 30_000) for n in range(20))
        + b"Content-Length: 2\r\nContent-Type: text/plain\r\n\r\nok"
    )
    output = await call("http.request", method="POST", url=site.url)
    assert (output["body"], output["headers"]["x-first"]) == ("ok", "a")
    assert "left out" in output["problem"]
    site.answer = raw(b"HTTP/1.1 200 OK\r\nX-First: " + b"a" * 2 * MEGABYTE)
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.unknown) == ("http.no_answer", True)


async def test_numbers_of_an_answer_keep_their_digits(site: Site) -> None:
    numbers = '{"a":12345678901234567890.12345678901234567890,"b":1.500,"c":1E+20}'
    site.answer = reply(200, numbers.encode(), Content_Type="application/json")
    output = await call_raw("http.request", json.dumps({"url": site.url}))
    assert f'"body":{numbers}' in output.decode()


async def test_an_answer_whose_output_would_be_too_large_says_so(site: Site) -> None:
    site.answer = reply(200, b"\1" * 400_000, Content_Type="text/plain")
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.retryable, error.unknown) == ("http.too_large", False, True)


async def test_the_body_of_a_refusal_may_be_anything(site: Site) -> None:
    site.answer = reply(400, b"a\0b\xff" + b"x" * 3 * MEGABYTE, Content_Encoding="gzip")
    error = await failure("http.request", method="POST", url=site.url)
    assert (error.code, error.unknown) == ("http.400", False)
    assert error.detail["body"].startswith("a\ufffdb\ufffdx")
    site.answer = raw(b"HTTP/1.1 409 Conflict\r\nContent-Length: 99\r\n\r\nno")
    error = await failure("http.request", method="POST", url=site.url, timeout=1)
    assert (error.code, error.unknown) == ("http.409", False)


@pytest.mark.parametrize("status", [200, 302, 303, 408, 499, 500, 502])
async def test_an_unexpected_status_behind_which_the_effect_may_stand_is_unknown(
    site: Site, status: int
) -> None:
    site.answer = reply(status)
    error = await failure("http.request", method="POST", url=site.url, expect=201)
    assert (error.code, error.unknown) == (f"http.{status}", True)
    assert (await failure("http.request", url=site.url, expect=201)).unknown is False


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("²", None),
        ("٣", None),
        ("-1", None),
        ("1e5", None),
        ("7", 7.0),
        ("9" * 400, LONGEST_PAUSE),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0.0),
        ("Wed, 21 Oct 9999 07:28:00 GMT", LONGEST_PAUSE),
        ("Wed, 21 Oct 2015 07:28:00 +9999", None),
        ("Wed, 21 Oct 2015 07:28:00 +99999999999", None),
        ("Wed, 21 Oct 0001 07:28:00 +2359", None),
        ("Wed, 99 Oct 2015 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999 07:28:00 GMT", None),
        (" " * 50_000 + "x", None),
    ],
)
def test_a_pause_that_a_server_asks_for_is_bounded_and_never_a_fault(
    text: str, seconds: float | None
) -> None:
    given = retry_after(text)
    assert given == seconds or (seconds is None and given == 0.0)
