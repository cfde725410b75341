"""Connections to Postgres: opened with patience, checked, and set up alike everywhere."""

import logging
import threading
import time
from typing import Any, Final, LiteralString

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from .errors import ServerError
from .settings import Settings

log = logging.getLogger("onceflow.pool")

Pool = ConnectionPool[psycopg.Connection[Any]]

# A server or network that falls silent is noticed within half a minute, not in two hours. What the
# connection string says itself goes before these.
NETWORK_DEFAULTS: dict[str, str | int] = {
    "connect_timeout": 10,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}


def conninfo_of(dsn: str, name: str) -> str:
    """Return ``dsn`` with our network defaults and the application name ``onceflow NAME``."""
    given = conninfo_to_dict(dsn)
    defaults = {"application_name": f"onceflow {name}", **NETWORK_DEFAULTS}
    return make_conninfo(dsn, **{k: v for k, v in defaults.items() if k not in given})


def place_of(dsn: str) -> str:
    """Return ``host:port/database`` for messages: never the password."""
    given = conninfo_to_dict(dsn)
    host = given.get("host") or given.get("hostaddr") or "localhost"
    return f"{host}:{given.get('port') or 5432}/{given.get('dbname') or given.get('user') or ''}"


_SESSION: Final[LiteralString] = (
    "select pg_catalog.set_config('default_transaction_isolation', 'read committed', false),"
    " pg_catalog.set_config('statement_timeout', %s, false)"
)


def set_up_session(conn: psycopg.Connection[Any], statement_timeout: float) -> None:
    """Give a new session our isolation level and time limit (seconds; 0: none)."""
    conn.execute(_SESSION, (_milliseconds(statement_timeout),))


async def set_up_session_async(
    conn: psycopg.AsyncConnection[Any], statement_timeout: float
) -> None:
    """Like ``set_up_session``, of an asynchronous connection."""
    await conn.execute(_SESSION, (_milliseconds(statement_timeout),))


def _milliseconds(seconds: float) -> str:
    return f"{round(seconds * 1000)}ms"


def connect(
    settings: Settings,
    name: str,
    *,
    statement_timeout: float = 30,
    wait: float | None = 0,
    stop: threading.Event | None = None,
) -> psycopg.Connection[Any]:
    """Return one autocommit connection.

    Where Postgres does not answer it tries again, with backoff, and says so: for ``wait`` seconds
    (None: for ever), or until ``stop`` is set. Then it raises ServerError.
    """
    dsn = settings.require_dsn()
    conninfo = conninfo_of(dsn, name)
    deadline = None if wait is None else time.monotonic() + wait
    pause = 0.1
    said = ""
    while True:
        try:
            conn = psycopg.connect(conninfo, autocommit=True)
            try:
                set_up_session(conn, statement_timeout)
            except BaseException:
                conn.close()
                raise
            return conn
        except psycopg.OperationalError as error:
            reason = " ".join(str(error).split())
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            raise ServerError(
                f"Postgres at {place_of(dsn)} does not answer: {reason}",
                hint="check ONCEFLOW_DSN and that the server runs",
            )
        if reason != said:
            log.warning("waiting for Postgres at %s (%s)", place_of(dsn), reason)
            said = reason
        _rest(pause if left is None else min(pause, left), stop)
        if stop is not None and stop.is_set():
            raise ServerError(f"stopped while waiting for Postgres at {place_of(dsn)}")
        pause = min(pause * 2, 5.0)


def open_pool(
    settings: Settings,
    name: str,
    *,
    min_size: int = 1,
    max_size: int = 10,
    statement_timeout: float = 30,
    timeout: float = 30,
    wait: float | None = None,
    stop: threading.Event | None = None,
) -> Pool:
    """Return an open pool of autocommit connections, once Postgres has answered (see ``connect``).

    A connection is checked when it is taken out, so that one which a restart of Postgres broke is
    replaced; where none can be had for ``timeout`` seconds, taking one raises
    ``psycopg_pool.PoolTimeout`` (a ``psycopg.OperationalError``). Use it as a context manager or
    close it.
    """

    def configure(conn: psycopg.Connection[Any]) -> None:
        set_up_session(conn, statement_timeout)

    connect(settings, name, wait=wait, stop=stop).close()
    pool: Pool = ConnectionPool(
        conninfo_of(settings.require_dsn(), name),
        kwargs={"autocommit": True},
        min_size=min_size,
        max_size=max_size,
        configure=configure,
        check=ConnectionPool.check_connection,
        timeout=timeout,
        # The pool gives up a connection attempt after this long, then begins a new series.
        reconnect_timeout=60,
        name=name,
        open=False,
    )
    pool.open()
    return pool


def _rest(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    else:
        stop.wait(seconds)
