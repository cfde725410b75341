"""find_login"""

from onceflow.engine import calls

from ...play import Play
from .accounts import PASSWORD


def test_whoever_has_a_password_and_is_not_disabled(play: Play) -> None:
    calls.create_person(play.conn, "ann", "viewer", PASSWORD)
    calls.admit_subject(play.conn, "https://id#7", "bob", "viewer")
    assert calls.find_login(play.conn, "Ann") == calls.Login("ann", PASSWORD)
    assert calls.find_login(play.conn, "bob") is None
    assert calls.find_login(play.conn, "nobody") is None
    calls.change_person(play.conn, "ann", disabled=True)
    assert calls.find_login(play.conn, "ann") is None
