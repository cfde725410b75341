"""close_session"""

from onceflow.engine import calls

from ...play import Play
from .accounts import PASSWORD, digest, log_in, who


def test_what_bore_it_is_nobody_any_more_and_others_stay(play: Play) -> None:
    log_in(play)
    assert calls.open_session(play.conn, digest("phone"), "ann", PASSWORD)
    assert calls.close_session(play.conn, digest("browser"))
    assert not calls.close_session(play.conn, digest("browser"))
    assert (who(play), who(play, "phone")) == (None, "ann")
