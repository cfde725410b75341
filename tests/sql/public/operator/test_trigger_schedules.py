"""trigger_schedules"""

from datetime import timedelta

from onceflow.engine import calls

from ...play import Play
from ...schedules import NOON, begin, end, runs, turn


def trigger(play: Play, name: str = "s", at: int | None = None) -> str:
    given = None if at is None else NOON + timedelta(minutes=at)
    (made,) = calls.trigger_schedules(play.conn, ["w"], [name], given)
    return made.outcome


def test_one_is_started_by_hand_once_however_often_it_is_asked_for(play: Play) -> None:
    begin(play, every="1h")
    calls.pause_triggers(play.conn, ["w"], ["s"])
    assert [trigger(play, at=1), trigger(play, at=1)] == ["started", "started"]
    assert trigger(play, "x") == "unknown"
    assert play.rows("select scheduled_at, trigger from onceflow.instances") == [
        (NOON + timedelta(minutes=1), "s")
    ]
    assert trigger(play, at=2) == "skipped"


def test_what_is_started_by_hand_waits_as_the_schedule_says(play: Play) -> None:
    begin(play, every="1h", overlap="queue")
    calls.pause_triggers(play.conn, ["w"], ["s"])
    assert [trigger(play, at=1), trigger(play, at=2)] == ["started", "queued"]
    end(play, 1)
    turn(play)
    assert runs(play) == [(1, "started"), (2, "started")]
