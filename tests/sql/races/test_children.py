"""Parents and children in two sessions: neither waits for the other's rows, and nothing is lost."""

from onceflow.engine import calls

from ..core.children.support import SHIP, WORK, Family, deliver
from ..play import Connection, Play
from ..sessions import Sessions
from .calls import completing


# guarantee: child-apart
def test_a_child_ends_while_its_parent_closes(play: Play, sessions: Sessions) -> None:
    run = Family(play, SHIP, {"id": "after", **WORK})
    child = run.begin()
    grant = play.take(child, "pack")
    one, other = sessions(), sessions()
    assert one.begin(completing(play, grant)) == ["accepted"]
    # Not for a moment: it is done while the child's transaction is open.
    other.call(lambda conn: calls.cancel_instances(conn, [run.parent])).result(30)
    one.commit()
    deliver(play)
    assert (run.state("ship"), play.state(child)) == ("SUCCEEDED", "COMPENSATING")
    play.complete(child, "pack.compensate")
    deliver(play)
    assert run.state() == "CANCELLED"
    assert run.whole()


def test_a_parent_closes_while_its_child_ends(play: Play, sessions: Sessions) -> None:
    run = Family(play, SHIP, {"id": "after", **WORK})
    child = run.begin()
    grant = play.take(child, "pack")
    one, other = sessions(), sessions()
    one.begin(lambda conn: calls.cancel_instances(conn, [run.parent]))
    assert other.call(completing(play, grant)).result(30) == ["accepted"]
    assert play.state(child) == "SUCCEEDED"
    # The end has come, and the parent is busy: it is left for the next time.
    assert other.call(lambda conn: calls.apply_deliveries(conn, 10)).result(30) == 0
    one.commit()
    deliver(play)
    play.complete(child, "pack.compensate")
    deliver(play)
    assert (play.state(child), run.state()) == ("COMPENSATED", "CANCELLED")
    assert run.whole()


def test_a_child_starts_while_its_parent_closes(play: Play, sessions: Sessions) -> None:
    run = Family(play)
    one, other = sessions(), sessions()
    one.begin(lambda conn: calls.cancel_instances(conn, [run.parent]))
    assert other.call(lambda conn: calls.apply_deliveries(conn, 10)).result(30) == 1
    (child,) = run.children()
    assert play.state(child) == "RUNNING"
    one.commit()
    deliver(play)
    assert (play.state(child), run.state()) == ("CANCELLED", "CANCELLED")
    assert run.whole()


def test_of_two_that_deliver_one_start_the_second_leaves_it(play: Play, sessions: Sessions) -> None:
    run = Family(play)
    one, other = sessions(), sessions()
    assert one.begin(lambda conn: calls.apply_deliveries(conn, 10)) == 1

    def start(conn: Connection) -> int:
        # Past the row that lets one clock work at a time.
        query = "select onceflow.start_children(array(select instance_id from onceflow.child))"
        return conn.execute(query).fetchall()[0][0]

    assert other.call(start).result(30) == 0
    one.commit()
    run.end(run.children()[0])
    assert run.state() == "SUCCEEDED"
    assert run.whole()
