"""backfill_schedules"""

from datetime import timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.errors import NotFound

from ...play import Play
from ...schedules import NOON, begin, deploy, end, pass_minutes, runs, turn


def backfill(play: Play, *minutes: int) -> list[str]:
    at = [NOON + timedelta(minutes=each) for each in minutes]
    return [made.outcome for made in calls.backfill_schedules(play.conn, "w", "s", at)]


def test_a_backfill_starts_what_has_not_started_one_after_the_other(play: Play) -> None:
    begin(play)
    pass_minutes(play, 1, 3)
    end(play, 1)
    calls.pause_triggers(play.conn, ["w"], ["s"])
    assert backfill(play, -1, 0, 1, 2, 4) == ["queued", "queued", "known", "queued", "later"]
    assert backfill(play, -1, 2) == ["known", "known"]
    for minute in (-1, 0, 2):
        turn(play)
        assert play.value("select count(*) from onceflow.instances where ended_at is null") == 1
        end(play, minute)
    assert runs(play) == [
        (-1, "started"), (0, "started"), (1, "started"), (2, "started"), (3, "skipped")
    ]  # fmt: skip
    causes = play.rows("select cause from onceflow.schedule_runs order by planned_at")
    assert [cause for (cause,) in causes] == [
        "backfill", "backfill", "schedule", "backfill", "schedule"
    ]  # fmt: skip


def test_of_a_backfill_that_may_overlap_ten_are_under_way(play: Play) -> None:
    begin(play, overlap="allow")
    assert backfill(play, *range(-20, 0)) == ["queued"] * 20
    turn(play)
    assert play.value("select count(*) from onceflow.instances") == 10
    end(play, -20)
    turn(play)
    assert play.value("select count(*) from onceflow.instances") == 11


def test_missed_times_are_started_by_a_backfill(play: Play) -> None:
    begin(play, overlap="allow", catch_up="0s")
    pass_minutes(play, 2)
    assert runs(play) == [(1, "missed"), (2, "started")]
    assert backfill(play, 1, 2) == ["queued", "known"]
    turn(play)
    assert runs(play) == [(1, "started"), (2, "started")]


def test_a_backfill_finds_what_has_started_also_where_that_is_forgotten(play: Play) -> None:
    begin(play, overlap="allow")
    pass_minutes(play, 1)
    play.conn.execute("delete from onceflow.schedule_run")
    assert backfill(play, 1) == ["known"]


def test_what_is_no_schedule_has_no_backfill(play: Play) -> None:
    deploy(play)
    with pytest.raises(NotFound, match="has no schedule 'x'"):
        calls.backfill_schedules(play.conn, "w", "x", [])
