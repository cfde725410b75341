"""The watermark is read before the ends of the topic: what is shipped in between is not lost."""

from collections.abc import Generator

import pytest

from onceflow.engine.settings import Settings
from onceflow.relay.lost_messages import LostMessages
from onceflow.relay.shipper import Shipper

from ..conftest import Connect
from ..sql.sessions import Session
from .support import Conn, backlog, start


@pytest.fixture
def lost(settings: Settings) -> Generator[LostMessages]:
    made = LostMessages(settings)
    yield made
    made.close()


def test_a_message_shipped_while_a_watch_is_set_is_below_its_ends(
    conn: Conn, connect: Connect, settings: Settings, lost: LostMessages
) -> None:
    shipper = Shipper(settings)
    start(conn, 1)
    shipper.ship(conn)  # makes the topic
    conn.execute("delete from onceflow.task_log; delete from onceflow.task")
    conn.execute("delete from onceflow.instance")
    holder, searcher = Session(connect(), conn), Session(connect(), conn)
    try:
        holder.begin(lambda c: c.execute("lock table onceflow.outbox in access exclusive mode"))
        first = searcher.call_blocked(lambda c: lost.search(c, ["default"]))
        holder.call(lambda c: start(c, 3)).result(30)
        assert holder.call(shipper.ship).result(30) == 3
        holder.commit()
        first.result(30)
        for _ in range(3):
            lost.search(conn, ["default"])
        assert backlog(conn) == 0
    finally:
        shipper.close()
        holder.close()
        searcher.close()
