"""drop_outbox"""

from onceflow.engine import calls

from ...play import Play
from ...workflows import Step, workflow


def test_the_rows_named_are_gone_and_counted(play: Play) -> None:
    play.deploy(workflow(Step("a")))
    for _ in range(3):
        play.start("flow")
    rows = calls.take_outbox(play.conn, 10)
    assert calls.drop_outbox(play.conn, [row.id for row in rows[:2]]) == 2
    assert calls.take_outbox(play.conn, 10) == rows[2:]


# guarantee: drop-unacknowledged
def test_what_was_not_acknowledged_stays(play: Play) -> None:
    play.begin(workflow(Step("a"), Step("b")))
    with play.conn.transaction():
        kept, sent = calls.take_outbox(play.conn, 10)
        calls.drop_outbox(play.conn, [sent.id])
    assert calls.take_outbox(play.conn, 10) == [kept]


def test_rows_that_are_gone_already_count_for_nothing(play: Play) -> None:
    play.begin(workflow(Step("a")))
    (row,) = calls.take_outbox(play.conn, 10)
    assert calls.drop_outbox(play.conn, [row.id, row.id, -1]) == 1
    assert calls.drop_outbox(play.conn, [row.id]) == 0
    assert calls.drop_outbox(play.conn, []) == 0
