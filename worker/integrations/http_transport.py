"""The connections of ``http.request``: opened only to addresses that the egress list allows.

A name is resolved here, its addresses are asked of the list, and the connection goes to the very
address that was asked: nothing resolves the name again. TLS verifies the name as ever. Proxies
named in the environment are not used, since behind one nobody knows which address is reached.
"""

import asyncio
import os
import socket
import ssl
from collections.abc import Iterable
from functools import cache
from itertools import zip_longest
from typing import cast
from weakref import WeakKeyDictionary

import httpcore2

from ...engine.egress import ALLOW, parse_egress

CONNECT_TIMEOUT = 10.0
"""Seconds to reach the server; not to do so is known to have no effect."""
ONE_ADDRESS = 3.0
"""Seconds for one address of several, save for the last."""

HEADERS_LIMIT = 1024 * 1024
"""Bytes of an answer's headers that are read."""

# The library's own limit would make a failure of an answer that has many cookies.
setattr(httpcore2.AsyncHTTP11Connection, "MAX_INCOMPLETE_EVENT_SIZE", HEADERS_LIMIT)  # noqa: B010 - typed as constant


class NotAllowed(Exception):
    """No address of the server is on the list of those that may be reached."""


class GuardedNetwork(httpcore2.AsyncNetworkBackend):
    """Opens connections as the egress list allows."""

    def __init__(self) -> None:
        self._inner = cast("httpcore2.AsyncNetworkBackend", httpcore2.AnyIOBackend())

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Connect to the first allowed address that answers. Raises NotAllowed besides."""
        loop = asyncio.get_running_loop()
        end = loop.time() + (CONNECT_TIMEOUT if timeout is None else timeout)
        addresses = await _allowed(host, port, end)
        for number, address in enumerate(addresses, 1):
            left = max(0.0, end - loop.time())
            last = number == len(addresses)
            try:
                return await self._inner.connect_tcp(
                    address,
                    port,
                    timeout=left if last else min(left, ONE_ADDRESS),
                    local_address=local_address,
                    socket_options=socket_options,
                )
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout):
                if last:
                    raise
        raise httpcore2.ConnectError(f"the name {host} has no address")

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Refuse: no URL names such a socket."""
        raise NotAllowed(f"the socket {path} cannot be reached by http.request")

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


async def _allowed(host: str, port: int, end: float) -> list[str]:
    """Resolve ``host`` and return the addresses that may be reached, both families in turns."""
    egress = parse_egress(os.environ.get(ALLOW, ""))
    if not egress.may_resolve(host, port):
        raise NotAllowed(_refusal(host, port))
    try:
        async with asyncio.timeout_at(end):
            found = await resolve(host, port)
    except TimeoutError:
        raise httpcore2.ConnectTimeout(f"the name {host} was not resolved in time") from None
    except OSError as error:
        raise httpcore2.ConnectError(f"the name {host} cannot be resolved: {error}") from error
    allowed = [address for address in found if egress.allows(host, port, address)]
    if found and not allowed:
        raise NotAllowed(f"{_refusal(host, port)} (its addresses: {', '.join(found[:5])})")
    first = allowed[0] if allowed else ""
    same = [address for address in allowed if (":" in address) == (":" in first)]
    other = [address for address in allowed if address not in same]
    return [address for pair in zip_longest(same, other) for address in pair if address]


def _refusal(host: str, port: int) -> str:
    return f"{host}:{port} is not among the servers that {ALLOW} allows"


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of ``host``, each once, in the system's order. Raises OSError."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


_pools: WeakKeyDictionary[asyncio.AbstractEventLoop, httpcore2.AsyncConnectionPool] = (
    WeakKeyDictionary()
)


def connections() -> httpcore2.AsyncConnectionPool:
    """Return the pool of the running loop. Requests share connections, and nothing else."""
    loop = asyncio.get_running_loop()
    pool = _pools.get(loop)
    if pool is None:
        pool = _pools[loop] = httpcore2.AsyncConnectionPool(
            ssl_context=authorities(),
            max_connections=None,
            max_keepalive_connections=100,
            keepalive_expiry=5.0,
            network_backend=GuardedNetwork(),
        )
        closer = loop.create_task(_close_at_end(pool))
        _closers.add(closer)
        closer.add_done_callback(_closers.discard)
    return pool


@cache
def authorities() -> ssl.SSLContext:
    """Return whose certificates are believed: the system's, or SSL_CERT_FILE, SSL_CERT_DIR."""
    return httpcore2.default_ssl_context()


_closers: set[asyncio.Task[None]] = set()


async def _close_at_end(pool: httpcore2.AsyncConnectionPool) -> None:
    """Close the pool when the worker stops: it cancels what is left on the loop then."""
    try:
        await asyncio.Event().wait()
    finally:
        await pool.aclose()
