"""cancel_overlapped_runs"""

from ...play import Play
from ...schedules import begin, pass_minutes, runs, turn


def test_cancel_makes_way_for_the_last_one(play: Play) -> None:
    begin(play, overlap="cancel")
    pass_minutes(play, 1)
    worker_has_it = play.take(play.value("select id from onceflow.instances"), "a")
    pass_minutes(play, 3, 4)
    # What runs is awaited, and only the last of those that wait for it does.
    assert runs(play) == [(1, "started"), (2, "skipped"), (3, "skipped"), (4, "queued")]
    assert play.value("select state from onceflow.instances") == "CLOSING"
    play.worker.complete(worker_has_it)
    turn(play)
    assert runs(play)[-1] == (4, "started")
    assert play.rows("select state from onceflow.instances order by id") == [
        ("CANCELLED",),
        ("RUNNING",),
    ]
