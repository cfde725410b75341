"""``http.request``: one HTTP request, with the task's idempotency key."""

import asyncio
import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from weakref import WeakKeyDictionary

import httpx2
import msgspec

from ...engine import json_text
from .. import Context, PermanentError, RetryableError, UnknownOutcome, task
from ..handlers.conversion import OUTPUT_LIMIT

SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Methods without an effect: however they fail, nothing has happened."""
TRY_AGAIN = frozenset({408, 425, 429})
"""Refusals that ask for another try, as all of 5xx do."""
NOT_HANDLED = frozenset({425, 429, 503})
"""Of these, the ones by which a server says that it did nothing. Behind the others it may have."""
CONNECT_TIMEOUT = 10.0
"""Seconds to reach the server; not to do so is known to have no effect."""

Headers = dict[str, str]
Query = dict[str, str | int | bool | list[str | int]]


@task("http.request")
async def request(
    url: str,
    ctx: Context,
    method: str = "GET",
    headers: Headers = {},  # noqa: B006 - never changed
    query: Query = {},  # noqa: B006
    json: Any = msgspec.UNSET,
    body: str | None = None,
    expect: int | list[int] | None = None,
    timeout: float = 60.0,
    follow_redirects: bool = False,
) -> dict[str, Any]:
    """Send a request and return ``{"status", "headers", "body"}``.

    ``json`` is sent as JSON, or ``body`` as it is. ``expect`` lists the statuses that are a
    success: 2xx unless given. ``timeout`` (seconds) is for each wait for the server. The header
    Idempotency-Key bears the task's key unless ``headers`` has one.

    A JSON body comes back as the value with each number's digits kept, other text as a string, no
    body as null, and anything else in base64 as ``base64`` in place of ``body``. Failures:
    ``http.unreachable``, 408, 425, 429 and 5xx (``http.<status>``, Retry-After honoured) are tried
    again; no answer (``http.no_answer``) too, as an unknown outcome unless the method is safe;
    other statuses, ``http.invalid`` and ``http.too_large`` (over 1 MiB) are permanent.
    """
    method = method.upper()
    effect = method not in SAFE
    content, kind = _content(json, body)
    sent_headers = _headers(headers, {"Idempotency-Key": ctx.key, **kind})
    wait = httpx2.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT))
    try:
        async with _client().stream(
            method,
            url,
            headers=sent_headers,
            params=query or None,
            content=content,
            timeout=wait,
            follow_redirects=follow_redirects,
        ) as response:
            received = await _read(response, effect)
    except (
        httpx2.ConnectError,
        httpx2.ConnectTimeout,
        httpx2.PoolTimeout,
        httpx2.ProxyError,
    ) as error:
        raise RetryableError(f"{url}: {_reason(error)}", code="http.unreachable") from error
    except (
        httpx2.InvalidURL,
        httpx2.UnsupportedProtocol,
        httpx2.LocalProtocolError,
        httpx2.TooManyRedirects,
        UnicodeError,
    ) as error:
        raise PermanentError(f"{url}: {_reason(error)}", code="http.invalid") from error
    except httpx2.RequestError as error:
        message = f"{method} {url} was sent, and no whole answer came: {_reason(error)}"
        if effect:
            raise UnknownOutcome(message, code="http.no_answer") from error
        raise RetryableError(message, code="http.no_answer") from error
    _require_success(method, url, response, received, expect)
    return {
        "status": response.status_code,
        "headers": dict(response.headers.items()),
        **_body(response, received, effect),
    }


def _content(json: Any, body: str | None) -> tuple[bytes | None, Headers]:
    if json is not msgspec.UNSET:
        if body is not None:
            raise PermanentError("give json or body, not both", code="http.invalid")
        return json_text.encode(json).encode(), {"Content-Type": "application/json"}
    return (None if body is None else body.encode()), {}


def _headers(given: Mapping[str, str], ours: Mapping[str, str]) -> Headers:
    """Return the given headers, and those of ours that are not among them."""
    names = {name.lower() for name in given}
    return {**given, **{name: v for name, v in ours.items() if name.lower() not in names}}


async def _read(response: httpx2.Response, effect: bool) -> bytes:
    """Read a body of bounded size."""
    received = bytearray()
    async for chunk in response.aiter_bytes():
        received += chunk
        if len(received) > OUTPUT_LIMIT:
            raise PermanentError(
                f"the answer to {response.request.method} {response.request.url} "
                f"({response.status_code}) is larger than {OUTPUT_LIMIT} bytes",
                code="http.too_large",
                unknown=effect,
            )
    return bytes(received)


def _require_success(
    method: str, url: str, response: httpx2.Response, body: bytes, expect: int | list[int] | None
) -> None:
    """Raise what the status means, unless it is one of those expected."""
    status = response.status_code
    expected = [expect] if isinstance(expect, int) else expect
    if (200 <= status < 300) if expected is None else status in expected:
        return
    code, message = f"http.{status}", f"{method} {url} was answered {status}"
    detail = {"status": status, "body": body[:2000].decode("utf-8", "replace")}
    if status in TRY_AGAIN or status >= 500:
        raise RetryableError(
            message,
            code=code,
            detail=detail,
            retry_after=_retry_after(response),
            unknown=method not in SAFE and status not in NOT_HANDLED,
        )
    raise PermanentError(message, code=code, detail=detail)


def _retry_after(response: httpx2.Response) -> float | None:
    """Return the seconds that the server asks for, given as a number or as a date."""
    text = response.headers.get("Retry-After", "").strip()
    if text.isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _body(response: httpx2.Response, body: bytes, effect: bool) -> dict[str, Any]:
    kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if not body:
        return {"body": None}
    if kind == "application/json" or kind.endswith("+json"):
        try:
            return {"body": json_text.decode_exact(body)}
        except (msgspec.DecodeError, ValueError, RecursionError) as error:
            raise PermanentError(
                f"{response.request.url} answered {response.status_code} with a body that is not "
                f"the JSON it says: {error}",
                code="http.invalid_json",
                unknown=effect,
            ) from error
    if kind.startswith("text/") or kind in ("application/xml", "application/yaml"):
        return {"body": body.decode(response.charset_encoding or "utf-8", "replace")}
    return {"base64": base64.b64encode(body).decode()}


_clients: WeakKeyDictionary[asyncio.AbstractEventLoop, httpx2.AsyncClient] = WeakKeyDictionary()


def _client() -> httpx2.AsyncClient:
    """Return the client of the running loop, whose connections all requests share."""
    loop = asyncio.get_running_loop()
    client = _clients.get(loop)
    if client is None:
        limits = httpx2.Limits(max_connections=None, max_keepalive_connections=100)
        client = _clients[loop] = httpx2.AsyncClient(limits=limits)
        client_closer = loop.create_task(_close_at_end(client))
        _closers.add(client_closer)
        client_closer.add_done_callback(_closers.discard)
    return client


_closers: set[asyncio.Task[None]] = set()


async def _close_at_end(client: httpx2.AsyncClient) -> None:
    """Close the client when the worker stops: it cancels what is left on the loop then."""
    try:
        await asyncio.Event().wait()
    finally:
        await client.aclose()


def _reason(error: Exception) -> str:
    return str(error) or type(error).__name__
