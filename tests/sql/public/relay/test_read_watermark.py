"""read_watermark"""

from onceflow.engine import calls

from ....support import wait_until
from ...play import Play, take_messages
from ...sessions import Sessions
from ...workflows import sequence


def lost(play: Play, before: str) -> int:
    """Count what a search with this watermark would ship again."""
    return play.value(
        "select count(*) from onceflow.task where queued_xid < %s::text::xid8", before
    )


def wait_until_lost(play: Play, count: int) -> None:
    """Wait for the watermark: transactions of tests beside this one hold it back."""
    wait_until(
        lambda: lost(play, calls.read_watermark(play.conn)) == count, f"{count} below the watermark"
    )


def wait_until_others_ended(play: Play) -> None:
    """Wait until no transaction runs that is as old as any that queued a task."""
    older = (
        "select pg_snapshot_xmin(pg_current_snapshot())"
        " > all (select queued_xid from onceflow.task)"
    )
    wait_until(lambda: play.value(older), "the transactions of tests beside this one to end")


def test_what_was_shipped_before_lies_below_it(play: Play) -> None:
    play.begin(sequence("a"))
    take_messages(play.conn)
    wait_until_lost(play, 1)


# guarantee: watermark-outbox
def test_what_is_still_in_the_outbox_does_not_lie_below_it(play: Play) -> None:
    play.begin(sequence("a"))
    assert lost(play, calls.read_watermark(play.conn)) == 0


def test_a_row_left_in_the_outbox_keeps_all_that_came_later_above_it(play: Play) -> None:
    play.deploy(sequence("a"))
    play.start("flow")
    (oldest,) = calls.take_outbox(play.conn, 1)
    for _ in range(3):
        play.start("flow")
    rows = calls.take_outbox(play.conn, 10)
    calls.drop_outbox(play.conn, [row.id for row in rows if row.id != oldest.id])
    wait_until_others_ended(play)
    assert lost(play, calls.read_watermark(play.conn)) == 0
    calls.drop_outbox(play.conn, [oldest.id])
    wait_until_lost(play, 4)


def test_a_transaction_still_open_keeps_what_it_may_queue_above_it(
    play: Play, sessions: Sessions
) -> None:
    play.deploy(sequence("a"))
    session = sessions()
    session.begin(lambda conn: calls.start_instances(conn, "flow", [{}]))
    play.conn.execute("select pg_current_xact_id()")  # one that began later has ended
    before = calls.read_watermark(play.conn)
    session.commit()
    take_messages(play.conn)
    assert lost(play, before) == 0
    wait_until_lost(play, 1)


def test_events_in_the_outbox_do_not_hold_it_back(play: Play) -> None:
    event = calls.Event("topic", None, "x", {}, "1")
    calls.publish_events(play.conn, [event])
    play.begin(sequence("a"))
    rows = calls.take_outbox(play.conn, 10)
    calls.drop_outbox(play.conn, [row.id for row in rows if row.kind == "task"])
    wait_until_lost(play, 1)


def test_a_message_in_quarantine_does_not_hold_it_back(play: Play) -> None:
    play.begin(sequence("a"))
    (row,) = calls.take_outbox(play.conn, 10)
    for _ in range(10):
        calls.defer_outbox(play.conn, [row.id], ["no such topic"])
    wait_until_lost(play, 1)
