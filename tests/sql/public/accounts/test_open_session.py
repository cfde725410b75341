"""open_session"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from .accounts import PASSWORD, at, digest, log_in, who


def test_only_by_the_password_that_counts(play: Play) -> None:
    calls.create_person(play.conn, "ann", "viewer", PASSWORD)
    for password in ("$argon2id$old", None):
        assert not calls.open_session(play.conn, digest("b"), "ann", password)
    assert not calls.open_session(play.conn, digest("b"), "nobody", PASSWORD)
    assert who(play, "b") is None


def test_or_by_the_subject_that_the_provider_names(play: Play) -> None:
    calls.admit_subject(play.conn, "https://id#7", "bob", "viewer")
    assert not calls.open_session(play.conn, digest("b"), "bob", subject="https://id#8")
    assert calls.open_session(play.conn, digest("b"), "bob", subject="https://id#7")


def test_it_takes_away_what_has_ended(play: Play) -> None:
    at(play, timedelta())
    log_in(play)
    at(play, timedelta(hours=12))
    assert calls.open_session(play.conn, digest("next"), "ann", PASSWORD)
    assert play.value("select count(*) from onceflow.session") == 1
