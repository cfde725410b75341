"""Families are erased as one, by the first of them."""

from onceflow.engine import calls

from ...play import Play
from ...public.operator.test_erase_instances import MARK, left
from .support import SHIP, WORK, Family, deliver, deploy


def ended(play: Play) -> Family:
    """Return a family of three levels that has ended, each of which was given the mark."""
    whom = {"who": "$.input.who"}
    deploy(play, "pack", {"id": "pack", **WORK, "with": whom})
    box = {"id": "box", "workflow": "pack", "with": whom}
    deploy(play, "boxes", box, output=whom)
    run = Family(play, {**SHIP, "workflow": "boxes", "with": whom}, given={"who": MARK})
    deliver(play)
    (leaf,) = play.row("select id from onceflow.instances where workflow = 'pack'")
    run.end(leaf, {"who": MARK})
    assert run.state() == "SUCCEEDED"
    assert {"instance", "task"} <= {table.partition("_2")[0] for table in left(play)}
    return run


# guarantee: erase-apart
def test_with_the_first_of_a_family_all_of_it_is_erased(play: Play) -> None:
    run = ended(play)
    play.conn.execute("delete from onceflow.outbox")
    (erased,) = calls.erase_instances(play.conn, [run.parent], "anna")
    assert erased.outcome == "done"
    assert left(play) == {}
    assert play.rows("select distinct erased_by from onceflow.instances") == [("anna",)]
    (child,) = run.children()
    (told,) = calls.erase_instances(play.conn, [child], "bert")
    assert (told.outcome, told.detail) == ("done", erased.detail)


# guarantee: erase-child
def test_no_child_is_erased_by_itself(play: Play) -> None:
    run = ended(play)
    for (child,) in play.rows("select id from onceflow.instances where parent_id is not null"):
        (refused,) = calls.erase_instances(play.conn, [child], "anna")
        assert refused.outcome == "refused"
        assert refused.detail.endswith(f"erase its root: {run.parent}")
    assert play.rows("select from onceflow.instances where erased_at is not null") == []
