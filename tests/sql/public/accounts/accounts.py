"""What the tests of accounts begin with."""

import hashlib
from datetime import UTC, datetime, timedelta

from onceflow.engine import calls

from ...play import Play, execute

NOON = datetime(2030, 5, 6, 12, tzinfo=UTC)
PASSWORD = "$argon2id$of-ann"


def digest(text: str) -> bytes:
    """What is kept of a key, or of what a browser bears."""
    return hashlib.sha256(text.encode()).digest()


def at(play: Play, time: timedelta) -> None:
    """Stand the clock still, so long after noon."""
    execute(play.conn, "select onceflow.set_clock(%s)", NOON + time)


def log_in(play: Play, browser: str = "browser", name: str = "ann") -> None:
    """Let a person be, and log him in."""
    calls.create_person(play.conn, name, "operator", PASSWORD)
    assert calls.open_session(play.conn, digest(browser), name, PASSWORD)


def who(play: Play, browser: str = "browser") -> str | None:
    """The name of who is logged in."""
    found = calls.use_session(play.conn, digest(browser))
    return None if found is None else found.person
