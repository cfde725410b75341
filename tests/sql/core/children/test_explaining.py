"""What is said of a step that waits for an instance: that one's own reason, all the way down."""

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, turn_clock
from .support import SHIP, UNDO, WORK, Family, deploy


def because(play: Play, run: Family, task: str = "ship") -> str:
    """Return the reason that is given for a task of the parent."""
    return play.value(
        "select because from onceflow.explain_instance(%s) where task = %s", run.parent, task
    )


def test_what_a_step_waits_for_is_told_with_the_advice_of_its_instance(play: Play) -> None:
    turn_clock(play.conn)
    run = Family(play)
    deploy(play, "ship", {"id": "pack", **WORK}, on_failure="suspend")
    assert because(play, run).endswith(
        "of ship, which has not begun: the clock starts it with its next turn"
    )
    child = run.begin()
    assert f"waits for the instance {child} of ship, which is RUNNING; its pack " in because(
        play, run
    )
    play.fail(child, "pack")
    told = calls_of(play, run)
    assert "which is RUNNING; its pack dead letter after 1 attempt" in told[0]
    assert told[1]["args"] == {"instance": str(child), "task": "pack"}
    calls.suspend_instances(play.conn, [child])
    assert "which is suspended by an operator since" in because(play, run)
    calls.resume_instances(play.conn, [child])
    calls.redrive_dead_letters(play.conn, [Key(child, "pack")])
    play.complete(child, "pack")
    assert because(play, run).endswith("which is SUCCEEDED, and the clock has to see to it")


def calls_of(play: Play, run: Family) -> tuple[str, dict[str, dict[str, str]]]:
    """Return the reason and the advice of the parent's step."""
    return play.row(
        "select because, advice from onceflow.explain_instance(%s) where task = 'ship'", run.parent
    )


def test_it_goes_all_the_way_down_and_back(play: Play) -> None:
    turn_clock(play.conn)
    deploy(play, "ship", {"id": "pack", **UNDO})
    deploy(play, "middle", SHIP)
    run = Family(play, {"id": "m", "workflow": "middle"}, {"id": "last", **WORK})
    middle = run.begin("m")
    leaf = play.value("select id from onceflow.instances where parent_id = %s", middle)
    assert f"its ship waits for the instance {leaf} of ship, which is RUNNING; its pack" in because(
        play, run, "m"
    )
    run.end(leaf)
    play.fail(run.parent, "last")
    assert "waits until the instance" in because(play, run, "m.compensate")
