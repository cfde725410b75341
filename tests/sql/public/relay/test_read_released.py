"""read_released: records in quarantine that are to be taken again"""

import json

from onceflow.engine import calls

from ...play import Play
from ...topics import open_at, started_by_topic, take, unreadable


def test_those_of_the_trigger_that_are_released_come_oldest_first_up_to_the_limit(
    play: Play,
) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [unreadable(n, b"%d" % n) for n in range(3)])
    rows = play.conn.execute("select id from onceflow.quarantined order by id").fetchall()
    assert calls.read_released(play.conn, "flow", "orders", 10) == []
    assert calls.release_quarantine(play.conn, 1, [rows[0][0]]) == 0, "of another cell"
    assert calls.release_quarantine(play.conn, 0, [row[0] for row in rows[1:]]) == 2
    found = calls.read_released(play.conn, "flow", "orders", 10)
    assert [(one.offset, one.topic, one.payload) for one in found] == [
        (1, "orders", b"1"),
        (2, "orders", b"2"),
    ]
    assert "value" not in json.loads(found[0].text)
    assert len(calls.read_released(play.conn, "flow", "orders", 1)) == 1
    assert calls.read_released(play.conn, "flow", "other", 10) == []


def test_what_no_trigger_would_take_stays_where_it_is(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [unreadable(0)])
    ((row,),) = play.conn.execute("select id from onceflow.quarantined").fetchall()
    play.deploy({**started_by_topic(), "triggers": [], "definition": {"v": 2}})
    assert calls.release_quarantine(play.conn, 0, [row]) == 0
