"""A worker believes in its lease no longer than the engine does."""

import time
from concurrent.futures import ThreadPoolExecutor

import psycopg

from onceflow.engine.settings import Settings
from onceflow.worker.registration.leases import Offer, register
from onceflow.worker.registration.retrying_connection import RetryingConnection

from ...conftest import Connect
from ...support import wait_until


def test_a_lease_counts_from_before_it_was_asked_for(settings: Settings, connect: Connect) -> None:
    holder, observer = connect(autocommit=False), connect()
    holder.execute("lock table onceflow.worker in share mode")
    connection = RetryingConnection(settings, "test")
    with ThreadPoolExecutor(1) as thread:
        registering = thread.submit(
            register, connection, Offer("w", ["q"], ["t"]), settings, lambda: True
        )
        wait_until(lambda: waits(observer), "the registration to wait for the table")
        asked_before = time.monotonic()
        holder.rollback()
        registration = registering.result(30)
    connection.close()
    assert registration.registered_at < asked_before


def waits(conn: psycopg.Connection[object]) -> bool:
    """Tell whether the connection's session waits for a lock."""
    return bool(
        conn.execute(
            "select 1 from pg_stat_activity where application_name = 'onceflow test'"
            " and datname = current_database() and wait_event_type = 'Lock'"
        ).fetchone()
    )
