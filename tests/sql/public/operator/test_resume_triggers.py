"""resume_triggers"""

from onceflow.engine import calls

from ...play import Play
from ..client.test_receive_webhook import deploy, receive


def test_a_trigger_that_is_resumed_starts_instances_again(play: Play) -> None:
    deploy(play)
    calls.pause_triggers(play.conn, ["flow"], ["push"])
    resumed = calls.resume_triggers(play.conn, ["flow", "flow"], ["push", "none"])
    assert [one.outcome for one in resumed] == ["done", "unknown"]
    assert receive(play.conn, {"k": "1"}).outcome == "started"
