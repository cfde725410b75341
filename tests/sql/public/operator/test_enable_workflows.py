"""enable_workflows"""

from onceflow.engine import calls

from ...play import Play
from ...workflows import sequence


def test_instances_start_again(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.disable_workflows(play.conn, ["flow"])
    decided = calls.enable_workflows(play.conn, ["flow", "nobody"])
    assert [(d.name, d.outcome) for d in decided] == [("flow", "done"), ("nobody", "unknown")]
    assert play.value("select disabled_at from onceflow.workflows") is None
    (started,) = calls.start_instances(play.conn, "flow", [{}])
    assert started.outcome == "started"
