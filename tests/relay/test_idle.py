"""An idle relay looks again soon, and what it may lose in a crash is what may be shipped twice."""

import threading
from collections.abc import Generator

import pytest

from onceflow.engine.settings import Settings
from onceflow.relay.shipper import Shipper

from ..conftest import Connect
from ..support import wait_until
from .support import Conn, start, wait_until_shipped

pytestmark = pytest.mark.only("kafka", reason="it is about the shipper")


@pytest.fixture
def shipper(settings: Settings) -> Generator[Shipper]:
    made = Shipper(settings)
    yield made
    made.close()


def test_what_comes_after_a_look_at_an_empty_outbox_is_shipped_soon(
    conn: Conn, connect: Connect, shipper: Shipper
) -> None:
    mine, stop = connect(), threading.Event()
    thread = threading.Thread(target=shipper.run, args=(mine, stop))
    thread.start()
    try:
        pid = mine.info.backend_pid
        looked = "select 1 from pg_stat_activity where pid = %s and query ilike 'commit'"
        wait_until(lambda: conn.execute(looked, (pid,)).fetchone(), "a look at the empty outbox")
        start(conn, 1)
        wait_until_shipped(conn, 10)
    finally:
        stop.set()
        thread.join(1)


def test_only_the_deletion_of_shipped_rows_does_not_wait_for_the_disk(
    conn: Conn, shipper: Shipper
) -> None:
    start(conn, 1)
    assert shipper.ship(conn) == 1
    assert conn.execute("show synchronous_commit").fetchone() == ("on",)
