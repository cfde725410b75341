"""The switch of a deployment from one way of its messages to another."""

import time

from .calls import switch_transport
from .errors import Refused
from .pool import connect
from .settings import Settings

LOCK_TIMEOUT = 20.0
"""Seconds that a call waits for relays and open transactions to come to an end."""
PAUSE = 0.2
"""Seconds until it is tried again where it was refused, or where instances were held by others."""


def switch(settings: Settings, transport: str, patience: float = 0) -> int:
    """Switch the deployment to ``transport``; return how many tasks were shipped again.

    A refusal (workers are live) is waited out for ``patience`` seconds, then raised: Refused.
    """
    deadline = time.monotonic() + patience
    total = 0
    with connect(settings, "transport", statement_timeout=0) as conn:
        conn.execute(
            "select pg_catalog.set_config('lock_timeout', %s, false)",
            (f"{round(LOCK_TIMEOUT * 1000)}ms",),
        )
        while True:
            try:
                switched = switch_transport(conn, transport)
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
