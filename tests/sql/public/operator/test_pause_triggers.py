"""pause_triggers"""

from onceflow.engine import calls

from ...play import Play
from ..client.test_receive_webhook import deploy, failures, receive


def test_a_trigger_that_is_paused_starts_nothing_also_of_the_next_version(play: Play) -> None:
    deploy(play)
    (first,) = calls.pause_triggers(play.conn, ["flow"], ["push"])
    assert (first.workflow, first.trigger, first.outcome) == ("flow", "push", "done")
    assert first.detail.startswith("paused since ")
    assert receive(play.conn, {"k": "1"}).outcome == "paused"
    deploy(play, input={"n": 1})
    assert receive(play.conn, {"k": "1"}).outcome == "paused"
    assert failures(play) == [("paused", 2, None)]
    assert play.value("select count(*) from onceflow.instances") == 0


def test_paused_again_it_is_paused_since_the_first_time(play: Play) -> None:
    deploy(play)
    names = (["flow", "flow", "other"], ["push", "none", "push"])
    first, again = (calls.pause_triggers(play.conn, *names) for _ in range(2))
    assert first == again
    assert [one.outcome for one in first] == ["done", "unknown", "unknown"]
