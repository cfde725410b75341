"""note_topic: what a relay has seen of a topic"""

from onceflow.engine import calls

from ...play import Play
from ...topics import ORDERS, open_at, record, started_by_topic, take


def test_problems_and_ends_are_kept_and_tell_the_lag(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn, ORDERS, 0, 1)
    take(play.conn, 0, [record(0)])
    calls.note_topic(play.conn, ORDERS, "it is away", {0: 5, 1: 0, 7: 1})
    told = "select problem from onceflow.triggers"
    assert play.conn.execute(told).fetchone() == ("it is away",)
    lags = "select partition, position, log_end, lag from onceflow.topic_positions order by 1"
    assert play.conn.execute(lags).fetchall() == [(0, 1, 5, 4), (1, 0, 0, 0)]
    calls.note_topic(play.conn, ORDERS, "", {})
    assert play.conn.execute(told).fetchone() == (None,)
    assert play.conn.execute(lags).fetchall() == [(0, 1, 5, 4), (1, 0, 0, 0)]


def test_what_is_known_already_writes_nothing(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    calls.note_topic(play.conn, ORDERS, "it is away", {0: 5})
    with play.conn.transaction():
        calls.note_topic(play.conn, ORDERS, "it is away", {0: 5})
        own = play.conn.execute("select pg_current_xact_id_if_assigned()").fetchone()
    assert own == (None,)
