"""use_session"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from .accounts import at, digest, log_in, who


# guarantee: session-idle
def test_it_ends_12_hours_after_its_last_use(play: Play) -> None:
    at(play, timedelta())
    log_in(play)
    for hours in (11, 22, 33):
        at(play, timedelta(hours=hours))
        assert who(play) == "ann"
    at(play, timedelta(hours=45))
    assert who(play) is None


def test_it_ends_7_days_after_it_was_opened_however_it_is_used(play: Play) -> None:
    at(play, timedelta())
    log_in(play)
    for hours in range(0, 7 * 24, 10):
        at(play, timedelta(hours=hours))
        assert who(play) == "ann"
    at(play, timedelta(days=7))
    assert who(play) is None


def test_what_was_not_opened_is_nothing(play: Play) -> None:
    log_in(play)
    for wrong in (digest("other"), b"", digest("browser")[:-1]):
        assert calls.use_session(play.conn, wrong) is None


def test_that_it_was_used_is_written_once_a_minute(play: Play) -> None:
    at(play, timedelta())
    log_in(play)
    row = "select xmin::text from onceflow.session"
    before = play.value(row)
    at(play, timedelta(seconds=59))
    assert (who(play), play.value(row)) == ("ann", before)
    at(play, timedelta(seconds=61))
    assert who(play) == "ann"
    assert play.value(row) != before
