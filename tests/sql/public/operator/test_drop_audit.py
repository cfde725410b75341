"""drop_audit: what is old goes, piece by piece, and who had it go is told"""

from datetime import UTC, datetime, timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import BadArgument

from ...play import Play

NOW = datetime.now(UTC)
DAYS = timedelta(days=1)


def put(play: Play, *days: int) -> None:
    """Have rows of so many days ago."""
    for each in days:
        calls.set_config_values(play.conn, {"A": each})
        play.conn.execute(
            "update onceflow.audit_entry set at = %s where after ->> 'version' = ("
            "select max(version)::text from onceflow.config_values)",
            (NOW - each * DAYS,),
        )


def test_what_is_older_goes_piece_by_piece_and_what_is_younger_stays(play: Play) -> None:
    put(play, 400, 390, 380, 100)
    assert [calls.drop_audit(play.conn, NOW - 365 * DAYS, 2) for _ in range(3)] == [2, 1, 0]
    rows = play.rows("select verb, at < now() - interval '1 day' from onceflow.audit order by id")
    assert rows == [("set_config_values", True), ("drop_audit", False), ("drop_audit", False)]


# guarantee: audit-kept
@pytest.mark.parametrize("days", [29, 0, -1])
def test_nobody_takes_out_what_has_just_been_done(play: Play, days: int) -> None:
    put(play, 29)
    with pytest.raises(BadArgument, match="the last 30 days of the audit are kept"):
        calls.drop_audit(play.conn, NOW - days * DAYS)
    assert play.value("select count(*) from onceflow.audit") == 1


def test_before_no_time_nothing_is_dropped(play: Play) -> None:
    with pytest.raises(BadArgument, match="the last 30 days"):
        calls.drop_audit(play.conn, None)  # pyright: ignore[reportArgumentType]
