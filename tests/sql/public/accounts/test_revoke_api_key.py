"""revoke_api_key"""

from onceflow.engine import calls

from ...play import Play
from .accounts import digest


def test_from_then_on_it_opens_nothing(play: Play) -> None:
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer")
    assert calls.revoke_api_key(play.conn, "ci")
    assert not calls.revoke_api_key(play.conn, "ci")
    used = calls.use_api_key(play.conn, digest("1"))
    assert used == calls.UsedKey("ci", "viewer", "revoked")


def test_a_name_that_is_none_is_told(play: Play) -> None:
    assert not calls.revoke_api_key(play.conn, "nobody")
