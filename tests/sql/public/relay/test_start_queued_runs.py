"""start_queued_runs"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play, rows_read
from ...schedules import NOON, begin, deploy, end, pass_minutes, runs, set_time, turn


def test_queue_starts_each_when_the_one_before_has_ended(play: Play) -> None:
    begin(play, overlap="queue")
    pass_minutes(play, 1, 3)
    assert runs(play) == [(1, "started"), (2, "queued"), (3, "queued")]
    for minute in (1, 2):
        end(play, minute)
        turn(play)
    assert runs(play) == [(1, "started"), (2, "started"), (3, "started")]
    assert play.value("select count(*) from onceflow.instances where ended_at is null") == 1


def test_a_hundred_are_queued_at_most(play: Play) -> None:
    begin(play, overlap="queue", catch_up="1d")
    pass_minutes(play, 104)
    # The hundredth and those before it are done with in one turn, which starts the first.
    states = [state for _, state in runs(play)]
    assert (states[0], states.count("queued"), states[-1]) == ("started", 100, "skipped")


def test_a_planned_time_waits_for_a_backfill_and_goes_before_the_rest_of_it(play: Play) -> None:
    begin(play)
    at = [NOON - timedelta(minutes=n) for n in (2, 1)]
    calls.backfill_schedules(play.conn, "w", "s", at)
    turn(play)
    pass_minutes(play, 1)
    assert runs(play) == [(-2, "started"), (-1, "queued"), (1, "queued")]
    end(play, -2)
    turn(play)
    assert runs(play) == [(-2, "started"), (-1, "queued"), (1, "started")]


def test_a_look_reads_nothing_of_schedules_of_which_nothing_waits(play: Play) -> None:
    names = [f"w{n}" for n in range(20)]
    set_time(play, NOON)
    for name in names:
        deploy(play, name)
    turn(play)
    pass_minutes(play, 1)
    assert runs(play) == [(1, "started")] * 20
    with play.conn.transaction():
        before = rows_read(play.conn, "^schedule_run$")
        calls.start_queued_runs(play.conn, 500)
        calls.cancel_overlapped_runs(play.conn, 500)
        assert rows_read(play.conn, "^schedule_run$") == before
        assert play.value("select pg_current_xact_id_if_assigned()") is None


def test_of_what_cannot_start_a_look_reads_a_few_rows_however_many_wait(play: Play) -> None:
    begin(play)
    pass_minutes(play, 1)
    calls.backfill_schedules(
        play.conn, "w", "s", [NOON - timedelta(minutes=n) for n in range(1, 201)]
    )
    calls.pause_triggers(play.conn, ["w"], ["s"])
    assert [state for _, state in runs(play)].count("queued") == 200
    play.conn.execute("vacuum (analyze) onceflow.schedule_run")
    with play.conn.transaction():
        before = rows_read(play.conn, "^schedule_run$")
        assert calls.start_queued_runs(play.conn, 500) == 0
        assert rows_read(play.conn, "^schedule_run$") - before <= 5
