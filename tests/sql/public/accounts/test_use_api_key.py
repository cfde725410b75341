"""use_api_key"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from .accounts import NOON, at, digest


def test_a_live_one_tells_its_role_and_that_it_was_used_once_a_minute(play: Play) -> None:
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer")
    seen: list[timedelta | None] = []
    for seconds in (0, 59, 61):
        at(play, timedelta(seconds=seconds))
        used = calls.use_api_key(play.conn, digest("1"))
        assert used == calls.UsedKey("ci", "viewer", "live")
        (key,) = calls.list_api_keys(play.conn)
        seen.append(None if key.last_used_at is None else key.last_used_at - NOON)
    assert seen == [timedelta(), timedelta(), timedelta(seconds=61)]


# guarantee: key-expired
def test_at_its_end_it_is_expired(play: Play) -> None:
    at(play, timedelta())
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer", NOON + timedelta(seconds=2))
    states: list[str] = []
    for seconds in (1, 2):
        at(play, timedelta(seconds=seconds))
        used = calls.use_api_key(play.conn, digest("1"))
        assert used is not None
        states.append(used.state)
    assert states == ["live", "expired"]


def test_what_is_nobodys_is_nothing(play: Play) -> None:
    calls.create_api_key(play.conn, "ci", digest("1"), "viewer")
    for wrong in (digest("2"), b"", digest("1")[:-1]):
        assert calls.use_api_key(play.conn, wrong) is None
