"""The switch of a deployment from one way of its messages to another."""

import time

from psycopg import errors

from ..errors import Refused
from ..sessions import limit
from . import switch_transport
from .base import Connection

LOCK_TIMEOUT = 20.0
"""Seconds that a call waits for relays and open transactions to come to an end."""
PAUSE = 0.2
"""Seconds until it is tried again where it was refused, or where instances were held by others."""


def switch(conn: Connection, transport: str, patience: float = 0) -> int:
    """Switch the deployment to ``transport``; return how many tasks were shipped again.

    A refusal (workers are live) is waited out for ``patience`` seconds, then raised: Refused.
    """
    limit(conn, lock_timeout=f"{round(LOCK_TIMEOUT * 1000)}ms", statement_timeout="0")
    deadline = time.monotonic() + patience
    total = 0
    while True:
        try:
            switched = switch_transport(conn, transport)
        except errors.LockNotAvailable as error:
            raise Refused(
                f"a relay's batch or an open transaction did not end within {LOCK_TIMEOUT:g} s",
                hint="try again; the view pg_stat_activity shows what is open",
            ) from error
        except Refused:
            if time.monotonic() >= deadline:
                raise
            time.sleep(PAUSE)
            continue
        total += switched.shipped
        if switched.done:
            return total
        if not switched.shipped:
            time.sleep(PAUSE)
