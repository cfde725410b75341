"""create_api_key"""

from datetime import timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument, Refused

from ...play import Play
from .accounts import NOON, at, digest


def test_a_living_name_is_given_once(play: Play) -> None:
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer")
    with pytest.raises(Refused, match="there is a key ci already"):
        calls.create_api_key(play.conn, "ci", digest("2"), "viewer")
    calls.revoke_api_key(play.conn, "ci")
    calls.create_api_key(play.conn, "ci", digest("2"), "viewer")


@pytest.mark.parametrize("name", ["", " ci", "c\ni", "ci\n", "x" * 101, "-ci"])
def test_what_is_no_name_is_refused(play: Play, name: str) -> None:
    with pytest.raises(BadArgument, match="no account can be called"):
        calls.create_api_key(play.conn, name, digest("1"), "viewer")


def test_what_is_no_role_no_hash_or_no_time_to_come_is_refused(play: Play) -> None:
    at(play, timedelta())
    with pytest.raises(BadArgument, match="there is no role 'root'"):
        calls.create_api_key(play.conn, "ci", digest("1"), "root")
    with pytest.raises(BadArgument, match="32 bytes, not 3"):
        calls.create_api_key(play.conn, "ci", b"abc", "viewer")
    with pytest.raises(BadArgument, match="would have expired"):
        calls.create_api_key(play.conn, "ci", digest("1"), "viewer", NOON)
    assert calls.list_api_keys(play.conn) == []
