"""read_schedules"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from ...schedules import NOON, begin, deploy, set_time


def test_what_is_due_longest_is_read_first_and_what_is_to_be_computed_before_it(play: Play) -> None:
    begin(play, "late")
    begin(play, "later", every="2m")
    begin(play, "paused")
    calls.pause_triggers(play.conn, ["paused"], ["s"])
    set_time(play, NOON + timedelta(minutes=2))
    deploy(play, "new", cron="0 6 * * *", timezone="Europe/Warsaw", catch_up="2h")
    read = calls.read_schedules(play.conn, 10)
    assert [each.workflow for each in read] == ["new", "late", "later"]
    assert [each.workflow for each in calls.read_schedules(play.conn, 1, 1)] == ["late"]
    new = read[0]
    assert (new.plan.cron, new.plan.timezone, new.plan.name) == (
        "0 6 * * *",
        "Europe/Warsaw",
        "new/s",
    )
    assert (new.catch_up, new.done_until, new.now) == (7200, new.now, NOON + timedelta(minutes=2))


def test_a_look_that_finds_nothing_is_not_written(play: Play) -> None:
    begin(play)
    with play.conn.transaction():
        assert calls.read_schedules(play.conn, 10) == []
        assert calls.fire_schedules(play.conn, []) == []
        assert calls.start_queued_runs(play.conn, 10) == 0
        assert calls.cancel_overlapped_runs(play.conn, 10) == 0
        assert play.value("select pg_current_xact_id_if_assigned()") is None
