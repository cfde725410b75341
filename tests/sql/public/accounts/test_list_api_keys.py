"""list_api_keys"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from .accounts import NOON, at, digest


def test_all_are_told_and_none_of_them_itself(play: Play) -> None:
    at(play, timedelta())
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer", NOON + timedelta(days=1))
    calls.revoke_api_key(play.conn, "ci")
    calls.create_api_key(play.conn, "ci", digest("2"), "starter")
    calls.create_api_key(play.conn, "batch", digest("3"), "starter")
    listed = calls.list_api_keys(play.conn)
    assert [(key.name, key.role, key.revoked_at is None) for key in listed] == [
        ("batch", "starter", True),
        ("ci", "starter", True),
        ("ci", "viewer", False),
    ]
    assert listed[2].expires_at == NOON + timedelta(days=1)
