"""list_people"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from .accounts import at, log_in


def test_who_is_logged_in_is_counted_while_it_lasts(play: Play) -> None:
    at(play, timedelta())
    log_in(play)
    calls.admit_subject(play.conn, "https://id#7", "bob", "viewer")
    told = [(one.name, one.has_password, one.sessions) for one in calls.list_people(play.conn)]
    assert told == [("ann", True, 1), ("bob", False, 0)]
    at(play, timedelta(hours=12))
    assert calls.list_people(play.conn)[0].sessions == 0
