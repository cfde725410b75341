"""requeue_lost_tasks beside a claim, or another search."""

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ..play import (
    Connection,
    Play,
    take_messages,
    watermark,
)
from ..sessions import Sessions
from ..workflows import sequence
from .calls import claiming


@pytest.mark.parametrize("first", ["claim", "requeue"])
def test_a_claim_and_the_search_for_lost_messages(
    play: Play, sessions: Sessions, first: str
) -> None:
    instance = play.begin(sequence("a"))
    take_messages(play.conn)
    before = watermark(play.conn)
    one, other = sessions(), sessions()

    def requeue(conn: Connection) -> int:
        return calls.requeue_lost_tasks(conn, "default", before, 10)

    if first == "claim":
        one.begin(claiming(play, Key(instance, "a")))
        lost = other.call_blocked(requeue)
        one.commit()
        assert lost.result(30) == 0
        assert take_messages(play.conn) == []
    else:
        assert one.begin(requeue) == 1
        claim = other.call_blocked(claiming(play, Key(instance, "a")))
        one.commit()
        assert claim.result(30) == ["granted"]
        assert play.worker.claim_all() == []
    assert play.task(instance, "a", "state", "attempts") == ("RUNNING", 1)


# guarantee: requeue-same-dispatch
def test_two_searches_for_lost_messages_ship_one_message_again_once(
    play: Play, sessions: Sessions
) -> None:
    play.begin(sequence("a"))
    take_messages(play.conn)
    before = watermark(play.conn)
    one = sessions()
    assert one.begin(lambda conn: calls.requeue_lost_tasks(conn, "default", before, 10)) == 1
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0  # nor does it wait
    one.commit()
    assert calls.requeue_lost_tasks(play.conn, "default", before, 10) == 0
    assert len(take_messages(play.conn)) == 1
