"""change_person"""

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument

from ...play import Play
from .accounts import PASSWORD, digest, log_in, who


def test_what_is_not_given_stays(play: Play) -> None:
    calls.create_person(play.conn, "ann", "viewer", PASSWORD)
    assert calls.change_person(play.conn, "ANN", "admin")
    (ann,) = calls.list_people(play.conn)
    assert (ann.role, ann.disabled_at) == ("admin", None)
    assert calls.find_login(play.conn, "ann") == calls.Login("ann", PASSWORD)


def test_who_is_disabled_is_logged_out_and_comes_back_logged_out(play: Play) -> None:
    log_in(play)
    assert calls.change_person(play.conn, "ann", disabled=True)
    assert who(play) is None
    assert not calls.open_session(play.conn, digest("again"), "ann", PASSWORD)
    assert calls.change_person(play.conn, "ann", disabled=False)
    assert who(play) is None
    assert calls.open_session(play.conn, digest("again"), "ann", PASSWORD)


def test_another_password_logs_out_and_another_role_does_not(play: Play) -> None:
    log_in(play)
    calls.change_person(play.conn, "ann", "viewer")
    assert calls.use_session(play.conn, digest("browser")) == calls.LoggedIn("ann", "viewer")
    calls.change_person(play.conn, "ann", password="$argon2id$new")
    assert who(play) is None


def test_a_name_that_is_none_is_told_and_a_role_that_is_none_refused(play: Play) -> None:
    assert not calls.change_person(play.conn, "nobody", "viewer")
    with pytest.raises(BadArgument, match="there is no role"):
        calls.change_person(play.conn, "nobody", "root")
