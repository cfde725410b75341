"""forget_events"""

from onceflow.engine import calls
from onceflow.engine.calls import NamedEvent

from ...core.waiting.support import begin
from ...play import Play, pass_time


def test_an_event_is_kept_a_day_or_as_long_as_somebody_may_ask_for_it(play: Play) -> None:
    begin(play, {"id": "a", "wait_for": {"event": "long", "key": "k", "keep": "3d"}})
    names = ["long", "short"]
    calls.send_events(play.conn, [NamedEvent(name, "other", None, "e") for name in names])
    assert calls.forget_events(play.conn, 10) == 0
    pass_time(play.conn, "1 day 1 second")
    assert calls.forget_events(play.conn, 10) == 1
    assert play.rows("select name from onceflow.event") == [("long",)]
    pass_time(play.conn, "2 days")
    assert calls.forget_events(play.conn, 10) == 1
    assert (
        calls.send_events(play.conn, [NamedEvent("long", "other", None, "e")])[0].outcome == "sent"
    )
