"""The watermark is read before the ends of the topic: what is shipped in between is not lost."""

from collections.abc import Callable, Generator
from typing import Any

import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.relay.lost_messages import LostMessages
from onceflow.relay.shipper import Shipper

from ..support import wait_until
from .support import Conn, backlog, commit, start

pytestmark = pytest.mark.only("kafka", reason="it is about the broker")


class Interrupted(psycopg.Connection[Any]):
    """A connection on which something happens just before its next statement."""

    meanwhile: Callable[[], None] | None = None

    def cursor(self, *args: Any, **options: Any) -> Any:
        """Let it happen, once, and open the cursor."""
        meanwhile, self.meanwhile = self.meanwhile, None
        if meanwhile is not None:
            meanwhile()
        return super().cursor(*args, **options)


@pytest.fixture
def lost(settings: Settings) -> Generator[LostMessages]:
    made = LostMessages(settings)
    yield made
    made.close()


@pytest.fixture
def shipper(settings: Settings) -> Generator[Shipper]:
    made = Shipper(settings)
    yield made
    made.close()


def test_a_message_shipped_while_a_watch_is_set_is_below_its_ends(
    conn: Conn, settings: Settings, shipper: Shipper, lost: LostMessages
) -> None:
    start(conn, 1)
    shipper.ship(conn)  # makes the topic
    commit(settings)
    conn.execute("delete from onceflow.task")

    def ship_more() -> None:
        start(conn, 3)
        assert shipper.ship(conn) == 3
        older = (
            "select pg_snapshot_xmin(pg_current_snapshot())"
            " > all (select queued_xid from onceflow.task)"
        )
        wait_until(lambda: conn.execute(older).fetchone() == (True,), "others' transactions to end")

    with Interrupted.connect(settings.dsn, autocommit=True) as watching:
        watching.meanwhile = ship_more
        for _ in range(3):
            lost.search(watching, ["default"])
    assert backlog(conn) == 0, "nobody has consumed the three"
