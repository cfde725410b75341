"""The clients over the REST API."""

import os
import ssl
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from ..engine.errors import BadArgument, ServerError
from ..engine.tracing import current_trace
from .http_operations import HttpOperations
from .interface import SyncInterface
from .interface_async import AsyncInterface
from .requests import Answered, Request

TIMEOUT: Final = 30.0
"""Seconds that one request may take unless the caller says otherwise."""
KEY: Final = "ONCEFLOW_API_KEY"
"""The variable that has the key, where none is given."""


class HttpClient(SyncInterface[Request]):
    """Asks the REST API at ``url``; use it as a context manager, or close it.

    ``key`` is that of its account (ONCEFLOW_API_KEY unless given), ``headers`` go with every
    request, ``timeout`` is that of one, in seconds. Raises BadArgument for what is no key.
    """

    _operations = HttpOperations()

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._http = httpx2.Client(
            base_url=url, headers=_headers(key, headers), timeout=timeout, verify=_trusted(url)
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _ask(self, question: Request, *, apart: bool = False) -> Answered:
        try:
            answer = self._http.request(**_arguments(question))
        except httpx2.InvalidURL as error:
            raise _no_address(error) from error
        except httpx2.TransportError as error:
            raise _away(self._http.base_url, error) from error
        return Answered(answer.status_code, answer.content)


class AsyncHttpClient(AsyncInterface[Request]):
    """Like ``HttpClient``, for asyncio."""

    _operations = HttpOperations()

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        self._http = httpx2.AsyncClient(
            base_url=url, headers=_headers(key, headers), timeout=timeout, verify=_trusted(url)
        )

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _ask(self, question: Request, *, apart: bool = False) -> Answered:
        try:
            answer = await self._http.request(**_arguments(question))
        except httpx2.InvalidURL as error:
            raise _no_address(error) from error
        except httpx2.TransportError as error:
            raise _away(self._http.base_url, error) from error
        return Answered(answer.status_code, answer.content)


def _trusted(url: str) -> ssl.SSLContext | bool:
    """Return who may vouch for the server at ``url``: without TLS nobody, as loading them all takes
    50 ms."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT) if url.startswith("http://") else True


def _headers(key: str | None, headers: Mapping[str, str] | None) -> httpx2.Headers:
    """Return what goes with every request: a key that was given counts before all else."""
    found = httpx2.Headers(headers)
    bearer = (key or os.environ.get(KEY, "")).strip()  # as a file has it
    if not (bearer.isascii() and bearer.isprintable()) or " " in bearer:
        raise BadArgument(
            "the key of the API is none", hint=f"give what `onceflow key create` printed, or {KEY}"
        )
    if key or (bearer and "authorization" not in found):
        found["Authorization"] = f"Bearer {bearer}"
    return found


def _arguments(request: Request) -> dict[str, Any]:
    return {
        "method": request.method,
        "url": request.path,
        "params": request.query,
        "headers": ({} if request.body is None else {"Content-Type": request.kind})
        | dict(current_trace() or {}),
        "content": request.body,
    }


def _no_address(error: Exception) -> BadArgument:
    return BadArgument(
        f"this cannot be asked for: {error}", hint="give a shorter name, key, or value to look for"
    )


def _away(url: httpx2.URL, error: Exception) -> ServerError:
    place, reason = url.copy_with(userinfo=b""), str(error) or type(error).__name__
    return ServerError(
        f"the API at {place} does not answer: {reason}",
        hint="check the address; what may have arrived is repeated safely with the same key or id",
    )
