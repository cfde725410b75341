"""open_positions: where a relay reads on from"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import Refused

from ...play import Play
from ...topics import ORDERS, inputs, not_taken, open_at, record, started_by_topic, take, taken


def test_a_topic_that_was_made_anew_begins_anew_and_its_old_offsets_count_no_more(
    play: Play,
) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [record(0), record(1)])
    anew = ORDERS._replace(topic_id="id-2")
    opened = calls.open_positions(play.conn, anew, [0])[0]
    assert opened.position == 0
    assert opened.note == (
        "topic orders was deleted and made anew: partition 0, read up to 2, is read from its "
        "beginning"
    )
    assert take(play.conn, 0, [record(0)]) == not_taken("stale", 0)
    assert take(play.conn, 0, [record(0, {"id": "new"})], anew) == taken(0, 1, started=1)
    assert inputs(play.conn) == [{"id": 0}, {"id": 1}, {"id": "new"}]


def test_who_has_read_an_old_id_of_the_topic_does_not_bring_it_back(play: Play) -> None:
    play.deploy(started_by_topic())
    anew = ORDERS._replace(topic_id="id-2")
    open_at(play.conn)
    open_at(play.conn, anew)
    take(play.conn, 0, [record(0)], anew)
    with pytest.raises(Refused, match="no longer the one with the id 'id-1'"):
        open_at(play.conn)
    assert open_at(play.conn, anew) == {0: 1}


def test_positions_outlive_a_new_version_and_a_change_of_topic(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    take(play.conn, 0, [record(0)])
    sales = ORDERS._replace(topic="sales")
    play.deploy({**started_by_topic(topic="sales"), "definition": {"v": 2}})
    assert open_at(play.conn, sales) == {0: 0}
    assert open_at(play.conn) == {}
    play.deploy({**started_by_topic(), "definition": {"v": 3}})
    assert open_at(play.conn) == {0: 1}
