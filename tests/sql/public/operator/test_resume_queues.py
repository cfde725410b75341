"""resume_queues"""

from onceflow.engine import calls

from ...play import Play
from ...sessions import Sessions
from ...workflows import sequence


def test_what_was_held_is_queued_by_the_clock_in_its_turns(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    ids = [play.start("flow") for _ in range(5)]
    assert play.worker.claim_all() == []
    calls.resume_queues(play.conn, ["default"])
    assert calls.fire_timers(play.conn, 3).retried == 3
    assert calls.fire_timers(play.conn, 3).retried == 2
    assert {play.state(instance, "a") for instance in ids} == {"QUEUED"}
    assert len(play.worker.claim_all()) == 5


def test_the_clock_looks_no_more_once_nothing_is_left(play: Play) -> None:
    play.begin(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    play.worker.claim_all()
    calls.resume_queues(play.conn, ["default"])
    for _ in range(2):
        play.tick()
    assert play.value("select releasing from onceflow.queue where name = 'default'") is False


def test_one_that_is_paused_again_holds_what_was_not_yet_queued(play: Play) -> None:
    instance = play.begin(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    play.worker.claim_all()
    calls.resume_queues(play.conn, ["default"])
    calls.pause_queues(play.conn, ["default"])
    play.tick()
    assert play.state(instance, "a") == "READY"
    calls.resume_queues(play.conn, ["default"])
    play.tick()
    assert play.state(instance, "a") == "QUEUED"


def test_a_claim_that_saw_the_pause_while_it_was_ended_strands_nothing(
    play: Play, sessions: Sessions
) -> None:
    """The claim has held its task, and not committed, when the clock looks for what is held."""
    instance = play.begin(sequence("a"))
    calls.pause_queues(play.conn, ["default"])
    with play.conn.transaction():
        play.worker.claim_all()
        resuming = sessions()
        resumed = resuming.call_blocked(lambda conn: calls.resume_queues(conn, ["default"]))
    resumed.result()
    for _ in range(3):
        play.tick()
    assert play.state(instance, "a") == "QUEUED"


def test_a_name_that_is_none_is_unknown(play: Play) -> None:
    decided = calls.resume_queues(play.conn, ["nobody"])
    assert [(d.name, d.outcome) for d in decided] == [("nobody", "unknown")]
