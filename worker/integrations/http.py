"""``http.request``: one HTTP request, with the task's idempotency key."""

import asyncio
import ssl
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass, field
from typing import Annotated, Any

import httpcore2
import msgspec

from ...engine import json_text
from .. import Context, PermanentError, RetryableError, TaskError, UnknownOutcome, task
from ..handlers.conversion import OUTPUT_LIMIT
from .http_answer import Body, excerpt, readable, retry_after
from .http_question import Headers, Hop, Query, first_hop, next_hop
from .http_transport import CONNECT_TIMEOUT, NotAllowed, connections

TRY_AGAIN = frozenset({408, 425, 429})
"""Refusals that ask for another try, as all of 5xx do."""
NOT_HANDLED = frozenset({301, 307, 308, 425, 429, 503})
"""Statuses by which a server says that it did nothing, besides those of 4xx. Behind an unexpected
2xx or 303, and behind 408, 499 and 5xx, it may have."""
MAYBE_HANDLED = frozenset({408, 499})
MOST_REDIRECTS = 10
REST_OF_ERROR = 65_536
"""Bytes of the body of an answer that is no success."""

Seconds = Annotated[float, msgspec.Meta(gt=0, le=86_400)]
Status = Annotated[int, msgspec.Meta(ge=100, le=999)]


@dataclass(slots=True)
class Answer:
    """What a server sent, as far as it came."""

    status: int
    headers: Headers
    content: bytearray = field(default_factory=bytearray)


@dataclass(slots=True)
class Progress:
    """How far a request has come: what its failure means for its effect."""

    hop: Hop
    success: tuple[int, ...] | None
    """The statuses that are a success; None for those of 2xx."""
    sent: bool = False
    """Whether a byte of this hop may have gone out."""
    handled: bool = False
    """Whether a server may have acted before it sent us elsewhere."""
    answer: Answer | None = None

    @property
    def unknown(self) -> bool:
        """Whether the effect may have happened, given no answer to this hop."""
        return self.handled or (self.sent and self.hop.effect)

    def succeeded(self, answer: Answer) -> bool:
        """Return whether the status is one of those expected."""
        if self.success is None:
            return 200 <= answer.status < 300
        return answer.status in self.success

    async def watch(self, event: str, _info: dict[str, Any]) -> None:
        """Hear of the steps of the connection: from the first byte on all is possible."""
        if event == "http11.send_request_headers.started":
            self.sent = True


@task("http.request")
async def request(
    url: str,
    ctx: Context,
    method: str = "GET",
    headers: Headers = {},  # noqa: B006 - never changed
    query: Query = {},  # noqa: B006
    json: Any = msgspec.UNSET,
    body: str | None = None,
    expect: Status | list[Status] | None = None,
    timeout: Seconds = 60.0,
    follow_redirects: bool = False,
) -> dict[str, Any]:
    """Send a request and return ``{"status", "headers", "body"}``.

    ``json`` is sent as JSON, or ``body`` as it is. ``expect`` lists the statuses that are a
    success: 2xx unless given. ``timeout`` (seconds) is for the whole of it, redirects included. The
    header Idempotency-Key bears the task's key unless ``headers`` has one. Which servers may be
    reached an operator decides (ONCEFLOW_HTTP_ALLOW).

    A JSON body comes back as the value with each number's digits kept, other text as a string, no
    body as null, and anything else in base64 as ``base64`` in place of ``body``; where the body is
    not what its headers say, ``problem`` tells so. Failures: ``http.unreachable``, 408, 425, 429
    and 5xx (``http.<status>``, Retry-After honoured) are tried again; no answer
    (``http.no_answer``) too, as an unknown outcome unless the method is safe; other statuses,
    ``http.invalid``, ``http.not_allowed``, ``http.redirects`` and ``http.too_large`` (over 1 MiB)
    are permanent.
    """
    success = None if expect is None else (expect,) if isinstance(expect, int) else tuple(expect)
    progress = Progress(first_hop(method, url, headers, query, json, body, ctx.key), success)
    pool = connections()  # the first makes it, which is no time of the server's
    try:
        async with asyncio.timeout(timeout):
            answer = await _converse(pool, progress, timeout, follow_redirects)
    except TimeoutError as error:
        answer = progress.answer
        if answer is None or progress.succeeded(answer):
            raise _unanswered(progress, f"{timeout:g} s are over") from error
        # What it has said is enough, though its words have not come to their end.
    if not progress.succeeded(answer):
        raise _meaning(progress, answer)
    received = Body(answer.headers, bytes(answer.content), OUTPUT_LIMIT)
    output = {"status": answer.status, **received.output()}
    if len(json_text.encode(output)) > OUTPUT_LIMIT:
        raise _too_large(progress, answer)
    return output


async def _converse(
    pool: httpcore2.AsyncConnectionPool, progress: Progress, timeout: float, follow: bool
) -> Answer:
    """Send the request, and those that redirects ask for; return the last one's answer."""
    for _ in range(MOST_REDIRECTS + 1):
        progress.sent, progress.answer = False, None
        following = await _exchange(pool, progress, timeout, follow)
        answer = progress.answer
        assert answer is not None
        if following is None:
            return answer
        progress.handled |= progress.hop.effect and answer.status not in NOT_HANDLED
        progress.hop = following
    raise PermanentError(
        f"{progress.hop} is where more than {MOST_REDIRECTS} redirects lead",
        code="http.redirects",
        unknown=progress.handled,
    )


async def _exchange(
    pool: httpcore2.AsyncConnectionPool, progress: Progress, timeout: float, follow: bool
) -> Hop | None:
    """Send one request and hear its answer; return where that sends us, if it does."""
    hop = progress.hop
    wait = {"read": timeout, "write": timeout, "pool": timeout}
    question = httpcore2.Request(
        hop.method,
        hop.target,
        headers=hop.wire_headers(),
        content=hop.content,
        extensions={
            "timeout": wait | {"connect": min(timeout, CONNECT_TIMEOUT)},
            "trace": progress.watch,
        },
    )
    try:
        async with AsyncExitStack() as stack:
            response = await pool.handle_async_request(question)
            stack.push_async_callback(response.aclose)
            answer = Answer(response.status, readable(response.headers))
            progress.answer = answer
            following = next_hop(hop, answer.status, answer.headers) if follow else None
            if following is None:
                await _read(response, progress, answer)
            return following
    except TaskError:
        raise
    except NotAllowed as error:
        raise PermanentError(
            f"{hop}: {error}", code="http.not_allowed", unknown=progress.handled
        ) from error
    except httpcore2.LocalProtocolError as error:  # found before its first byte
        raise PermanentError(
            f"{hop} cannot be written as HTTP: {error}",
            code="http.invalid",
            unknown=progress.handled,
        ) from error
    except Exception as error:  # of any kind: what the network and strangers' bytes lead to
        raise _unanswered(progress, _reason(error)) from error


async def _read(response: httpcore2.Response, progress: Progress, answer: Answer) -> None:
    """Read a body of bounded size. That of an answer which is no success need not come whole."""
    success = progress.succeeded(answer)
    limit = OUTPUT_LIMIT if success else REST_OF_ERROR
    try:
        async with aclosing(response.aiter_stream()) as parts:
            async for part in parts:
                answer.content += part
                if len(answer.content) > limit:
                    break
    except Exception:
        if success:
            raise
    if success and len(answer.content) > limit:
        raise _too_large(progress, answer)


def _unanswered(progress: Progress, reason: str) -> TaskError:
    """Return the failure that the lack of an answer means."""
    if progress.sent:
        message, code = f"{progress.hop} was sent, and no whole answer came", "http.no_answer"
    else:
        message, code = f"{progress.hop} was not sent", "http.unreachable"
    message = f"{message}: {reason}"
    if progress.unknown:
        return UnknownOutcome(message, code=code)
    return RetryableError(message, code=code)


def _too_large(progress: Progress, answer: Answer) -> PermanentError:
    return PermanentError(
        f"the answer to {progress.hop} ({answer.status}) is larger than {OUTPUT_LIMIT} bytes",
        code="http.too_large",
        unknown=progress.unknown,
    )


def _meaning(progress: Progress, answer: Answer) -> TaskError:
    """Return the failure that a status means which is not expected."""
    status = answer.status
    refused = status in NOT_HANDLED or (400 <= status < 500 and status not in MAYBE_HANDLED)
    unknown = progress.handled or (progress.hop.effect and not refused)
    code, message = f"http.{status}", f"{progress.hop} was answered {status}"
    detail = {"status": status, "body": excerpt(answer.content)}
    if status in TRY_AGAIN or status >= 500:
        pause = retry_after(answer.headers.get("retry-after", ""))
        return RetryableError(message, code=code, detail=detail, retry_after=pause, unknown=unknown)
    return PermanentError(message, code=code, detail=detail, unknown=unknown)


def _reason(error: BaseException) -> str:
    """Return the words of an error, or of the one behind it: some come without any."""
    seen = error
    while seen is not None:
        if isinstance(seen, ssl.SSLCertVerificationError):
            return f"the server's certificate is not accepted: {seen.verify_message}"
        if str(seen):
            return str(seen)
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__
