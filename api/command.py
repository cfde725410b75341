"""`onceflow api`: serves the REST API and the web pages."""

import argparse
import errno
import logging
import signal
import socket
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import replace
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route

from ..engine import garbage
from ..engine.errors import ServerError, SettingsError
from ..engine.monitoring.monitor import Monitor
from ..engine.pool import Pool, open_pool
from ..engine.settings import Settings
from ..engine.traces.spans import sending
from .accounts.admission import require_accounts
from .app import create_app
from .connection import Connection, set_most_connections
from .database import Database

log = logging.getLogger("onceflow.api")

POOL_SIZE = 10
STATEMENT_TIMEOUT = 15.0
"""Seconds that one query of a request may take; then it is answered with 503."""
POOL_TIMEOUT = 10.0
"""Seconds that a request waits for a connection; then it is answered with 503."""
KEEP_ALIVE = 75
"""Seconds that an idle connection is kept: longer than by proxies, so that those close it."""
BACKLOG = 1024
GRACE = 10
"""Seconds that requests under way have to end when the process is told to stop."""


POOL_GAUGES = {
    "pool_max": ("onceflow_pool_most", "Connections that there may be"),
    "pool_size": ("onceflow_pool_connections", "Connections that there are"),
    "pool_available": ("onceflow_pool_idle", "Connections that nobody uses"),
    "requests_waiting": ("onceflow_pool_waiting", "Requests that wait for a connection"),
}
POOL_COUNTERS = {
    "requests_num": ("onceflow_pool_requests", "Requests for a connection"),
    "requests_queued": ("onceflow_pool_requests_queued", "Requests that had to wait for one"),
    "requests_errors": ("onceflow_pool_requests_failed", "Requests that got none"),
    "connections_lost": ("onceflow_pool_connections_lost", "Connections that were lost"),
}
"""By the names of psycopg_pool: the metric, and what it means."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of `onceflow api`."""
    parser.add_argument("--host", help="address to listen on (ONCEFLOW_HOST, 127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on (ONCEFLOW_PORT, 3000)")


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Serve until SIGTERM or SIGINT. Raises ServerError where the port is taken."""
    host: str = args.host or settings.host
    port: int = settings.port if args.port is None else args.port
    set_most_connections()
    with (
        bind(host, port) as listening,
        open_api_pool(settings) as pool,
        sending("api"),
    ):
        settings = replace(settings, host=host)
        require_accounts(Database(pool), settings)
        app = create_app(pool, settings)
        require_other_paths(app, settings.root_path)
        garbage.relax()
        config = uvicorn.Config(
            app,
            # By name, whatever is installed: other parsers know none of its limits.
            http=Connection,
            ws="none",
            # Whom to believe is asked in guards.py, together with what is believed.
            proxy_headers=False,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=GRACE,
            timeout_keep_alive=KEEP_ALIVE,
        )
        with _port_errors(host, port):
            # From here on clients are let in: before, they would wait together with us.
            listening.listen(BACKLOG)
        log.info("listening on http://%s%s", address_of(listening), settings.root_path)
        with Monitor(settings, "api") as monitor:
            monitor.add_numbers(pool.get_stats, POOL_GAUGES, POOL_COUNTERS)
            Server(config, app.state.context.let_go).run(sockets=[listening])
    return 0


def require_other_paths(app: Starlette, root_path: str) -> None:
    """Raise SettingsError where a path could mean the same with the root path and without."""
    paths = [route.path for route in app.routes if isinstance(route, (Route, Mount))]
    first = root_path.split("/")[1] if root_path else ""
    if first and first in {path.split("/")[1] for path in paths}:
        raise SettingsError(
            f"ONCEFLOW_ROOT_PATH is {root_path!r}, and the api has paths of its own under "
            f"/{first}: choose another, such as /onceflow"
        )


def open_api_pool(settings: Settings) -> Pool:
    """Return the pool that requests share, once Postgres has answered."""
    return open_pool(
        settings,
        "api",
        max_size=POOL_SIZE,
        statement_timeout=STATEMENT_TIMEOUT,
        timeout=POOL_TIMEOUT,
    )


def bind(host: str, port: int) -> socket.socket:
    """Return a socket bound to an address, not listening yet. Raises ServerError."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        bound = socket.socket(family, kind, protocol)
    except OSError as error:
        raise ServerError(
            f"cannot listen on {host}: {error.strerror}", hint="set ONCEFLOW_HOST or --host"
        ) from error
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        with _port_errors(host, port):
            bound.bind(address)
    except ServerError:
        bound.close()
        raise
    return bound


@contextmanager
def _port_errors(host: str, port: int) -> Generator[None]:
    """Say in words why a port cannot be had."""
    try:
        yield
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise ServerError(
                f"port {port} on {host} is taken by another process",
                hint="end that one, or choose another port with ONCEFLOW_PORT or --port",
            ) from error
        raise ServerError(
            f"cannot listen on port {port} of {host}: {error.strerror}",
            hint="choose others with ONCEFLOW_HOST and ONCEFLOW_PORT",
        ) from error


def address_of(listening: socket.socket) -> str:
    """Return ``host:port`` of a socket, as it stands in a URL."""
    host, port, *_ = listening.getsockname()
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _nothing_more(_signal: int, _frame: FrameType | None) -> None:
    """Take a signal that has been heeded already."""


class Server(uvicorn.Server):
    """A server that ends with exit code 0, and sends away who waits, when told to."""

    def __init__(self, config: uvicorn.Config, let_go: Callable[[], None]) -> None:
        super().__init__(config)
        self._let_go = let_go

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until SIGTERM or SIGINT."""
        # uvicorn raises the signal that ended it once more: nothing is left to be done on it then.
        for sig in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sig, _nothing_more)
        super().run(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Let waiting requests end before the others are awaited."""
        self._let_go()
        await super().shutdown(sockets)
