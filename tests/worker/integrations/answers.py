"""What strange servers answer, drawn by Hypothesis: status lines, headers, bodies, framings."""

import asyncio
import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

REASONS = st.sampled_from([b"", b"OK", "ąć".encode(), b"\xff\xfe", b"\x07", b"x" * 5000])
STATUSES = st.sampled_from(
    [200, 200, 200, 201, 204, 206, 100, 101, 103, 199, 303, 304, 307, 400, 429, 500, 503, 700, 999]
)


def status_line(status: int, reason: bytes) -> bytes:
    return b"HTTP/1.1 %d %s" % (status, reason)


def content_type(kind: str, charset: str) -> bytes:
    return f"Content-Type: {kind}; charset={charset}".encode("latin-1")


def header(name: bytes, value: bytes) -> bytes:
    return name + b": " + value


def written(value: object) -> bytes:
    return json.dumps(value).encode()


def packed(value: object) -> bytes:
    return gzip.compress(written(value))


def mostly(good: st.SearchStrategy[bytes], bad: st.SearchStrategy[bytes]) -> Any:
    return st.integers(0, 9).flatmap(lambda number: bad if number == 9 else good)


STATUS_LINES = mostly(
    st.builds(status_line, STATUSES, REASONS),
    st.builds(status_line, st.integers(0, 9999), st.binary(max_size=8))
    | st.sampled_from([b"HTTP/1.0 200", b"HTTP/2 200", b"ICY 200 OK", b"", b"HTTP/1.1  200 OK"])
    | st.binary(max_size=20),
)
KINDS = ["application/json", "text/plain", "text/html", "image/png", "a/b+json", "", "/", "text/"]
CHARSETS = ["utf-8", "utf8mb4", "base64", "utf-16", "latin-1", "idna", "\xff", "", "big5", "hex"]
CODINGS = ["gzip", "deflate", "gzip, gzip", "br", "identity", "gzip," * 7, "\xff"]
PAUSES = [b"\xb2", b"9" * 99, b"-1", b"Wed, 21 Oct 2015 07:28:00 +9999", b"soon", b"1"]
TYPES = st.builds(content_type, st.sampled_from(KINDS), st.sampled_from(CHARSETS))
SOME = st.one_of(
    st.builds(header, st.just(b"Retry-After"), st.sampled_from(PAUSES)),
    st.sampled_from([b"Location: /", b"Location: http://[", b"Set-Cookie: =;;;", b"X:" * 99_000]),
    st.builds(
        header,
        st.sampled_from([b"X-A", b"x-a", b"Connection", b"Upgrade", b"Trailer"]),
        st.text("aż\xff\t ,;=\x07", max_size=20).map(str.encode),
    ),
)
HEADERS = mostly(TYPES | SOME, st.binary(max_size=30))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)
BODIES = st.one_of(
    st.binary(max_size=200),
    st.builds(written, VALUES),
    st.builds(packed, VALUES),
    st.sampled_from(
        [
            b"",
            b"\xef\xbb\xbf{}",
            b"[1e131071]",
            b'["\\ud800"]',
            b'["\\u0000"]',
            b"[" * 50_000,
            b"\0" * 2_000_000,
            gzip.compress(b"\0" * 20_000_000),
        ]
    ),
)


@dataclass(frozen=True)
class Case:
    """What a server sends, and whether it then holds the connection open."""

    head: bytes
    coding: str
    headers: list[bytes]
    body: bytes
    framing: str
    holds: bool

    def parts(self) -> list[bytes]:
        lines = [self.head, *self.headers]
        if self.coding:
            lines.append(b"Content-Encoding: " + self.coding.encode("latin-1"))
        if self.framing == "length":
            lines.append(b"Content-Length: %d" % len(self.body))
        elif self.framing == "longer":
            lines.append(b"Content-Length: %d" % (len(self.body) + 7))
        elif self.framing == "chunked":
            lines.append(b"Transfer-Encoding: chunked")
        head = b"\r\n".join(lines) + b"\r\n\r\n"
        if self.framing == "chunked":
            return [head, b"%x\r\n" % len(self.body), self.body, b"\r\n0\r\n\r\n"]
        return [head, self.body]


CASES = st.builds(
    Case,
    STATUS_LINES,
    st.just("") | st.sampled_from(CODINGS),
    st.lists(HEADERS, max_size=4),
    BODIES,
    st.sampled_from(["length", "length", "chunked", "none", "none", "longer"]),
    st.sampled_from([False] * 19 + [True]),
)


async def answer_as(
    find: Callable[[bytes], Case],
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    gone: asyncio.Event,
) -> None:
    """Answer one request as its case has it, which is found by the head of the request.

    One that holds its connection does so until ``gone``.
    """
    try:
        case = find(await reader.readuntil(b"\r\n\r\n"))
        for part in case.parts():
            writer.write(part)
            await writer.drain()
        if case.holds:
            await gone.wait()
    except (OSError, asyncio.IncompleteReadError):
        pass  # the client has gone
    finally:
        writer.close()
