"""move_position: where the broker no longer has what stands there"""

from onceflow.engine import calls
from onceflow.engine.calls import Span

from ...play import Play
from ...topics import ORDERS, open_at, started_by_topic


def test_a_position_is_moved_only_from_where_it_stands(play: Play) -> None:
    play.deploy(started_by_topic())
    open_at(play.conn)
    assert not calls.move_position(play.conn, ORDERS, 0, Span(5, 9))
    assert calls.move_position(play.conn, ORDERS, 0, Span(0, 9))
    assert open_at(play.conn) == {0: 9}
