"""resume_triggers"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from ...schedules import NOON, begin, pass_minutes, runs, set_time, turn
from ..client.test_receive_webhook import deploy, receive


def test_a_trigger_that_is_resumed_starts_instances_again(play: Play) -> None:
    deploy(play)
    calls.pause_triggers(play.conn, ["flow"], ["push"])
    resumed = calls.resume_triggers(play.conn, ["flow", "flow"], ["push", "none"])
    assert [one.outcome for one in resumed] == ["done", "unknown"]
    assert receive(play.conn, {"k": "1"}).outcome == "started"


def test_what_a_schedule_had_planned_while_it_was_paused_passes_by(play: Play) -> None:
    begin(play, overlap="allow")
    pass_minutes(play, 1)
    calls.pause_triggers(play.conn, ["w"], ["s"])
    pass_minutes(play, 3)
    assert play.value("select due_at from onceflow.triggers") is None
    calls.resume_triggers(play.conn, ["w"], ["s"])
    pass_minutes(play, 4, 5)
    assert runs(play) == [(1, "started"), (4, "started"), (5, "started")]


def test_a_resume_of_a_schedule_that_is_not_paused_leaves_out_nothing(play: Play) -> None:
    begin(play, overlap="allow")
    set_time(play, NOON + timedelta(minutes=2))
    calls.resume_triggers(play.conn, ["w"], ["s"])
    turn(play)
    assert runs(play) == [(1, "started"), (2, "started")]
