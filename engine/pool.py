"""Connections to Postgres: opened with patience, checked, and set up alike everywhere."""

import logging
import threading
import time

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool

from .errors import ServerError
from .redact import masked
from .sessions import OWN_PATH, Connection
from .settings import Settings

log = logging.getLogger("onceflow.pool")

Pool = ConnectionPool[Connection]

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
    missing = {k: v for k, v in defaults.items() if k not in given}
    # Of all that a session starts with, the one thing that a pooler lets us say ourselves.
    return make_conninfo(dsn, **missing, client_encoding="UTF8")


def place_of(dsn: str) -> str:
    """Return ``host:port/database`` for messages: never the password."""
    given = conninfo_to_dict(dsn)
    host = str(given.get("host") or given.get("hostaddr") or "localhost").rpartition("@")[2]
    return f"{host}:{given.get('port') or 5432}/{given.get('dbname') or given.get('user') or ''}"


def connect(
    settings: Settings,
    name: str,
    *,
    own_session: bool = False,
    search_path: str = OWN_PATH,
    statement_timeout: float = 30,
    wait: float | None = 0,
    stop: threading.Event | None = None,
) -> Connection:
    """Return one autocommit connection, set up as sessions.py says.

    ``own_session``: for whoever keeps locks, listens or lends it; raises SessionNeeded where a
    pooler gives it none. Without, what is done through ``calls`` or in ``steady`` may be pooled.

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
            conn = Connection.connect(conninfo, autocommit=True)
            try:
                conn.set_up(search_path, limits_of(statement_timeout))
                if own_session:
                    conn.require_session()
                else:
                    conn.prepare_threshold = None
            except BaseException:
                conn.close()
                raise
            return conn
        except psycopg.OperationalError as error:
            reason = masked(" ".join(str(error).split()))
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

    def configure(conn: Connection) -> None:
        conn.set_up(OWN_PATH, limits_of(statement_timeout))

    connect(settings, name, wait=wait, stop=stop).close()
    pool: Pool = ConnectionPool(
        conninfo_of(settings.require_dsn(), name),
        connection_class=Connection,
        # Nothing by name: a pooler may stand between.
        kwargs={"autocommit": True, "prepare_threshold": None},
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


def limits_of(statement_timeout: float) -> dict[str, str]:
    """Return the settings of a time limit (seconds; 0: none)."""
    return {"statement_timeout": f"{round(statement_timeout * 1000)}ms"}


def _rest(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    else:
        stop.wait(seconds)
