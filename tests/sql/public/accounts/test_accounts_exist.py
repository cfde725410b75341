"""accounts_exist"""

from onceflow.engine import calls

from ...play import Play
from .accounts import PASSWORD, digest


def test_a_person_or_a_key_is_enough_and_stays_enough(play: Play) -> None:
    assert not calls.accounts_exist(play.conn)
    calls.create_api_key(play.conn, "ci", digest("k"), "viewer")
    calls.revoke_api_key(play.conn, "ci")
    assert calls.accounts_exist(play.conn)


def test_a_person_who_is_disabled_is_one(play: Play) -> None:
    calls.create_person(play.conn, "ann", "admin", PASSWORD)
    calls.change_person(play.conn, "ann", disabled=True)
    assert calls.accounts_exist(play.conn)
