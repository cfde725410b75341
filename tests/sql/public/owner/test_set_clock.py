"""set_clock"""

from ...play import Play


def test_the_clock_stands_still_at_the_time_set_until_it_is_set_anew(play: Play) -> None:
    for time in ("2001-01-01", "2050-12-31 23:59:59.5"):
        play.conn.execute("select onceflow.set_clock(%s::timestamptz)", (time,))
        for _ in range(2):
            assert play.value("select onceflow.now() = %s::timestamptz", time)


def test_null_lets_it_run_again(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2001-01-01')")
    play.conn.execute("select onceflow.set_clock(null)")
    assert play.value("select onceflow.now() = statement_timestamp()")
    play.conn.execute("select onceflow.set_clock(null)")


def test_a_transaction_that_rolls_back_does_not_move_it(play: Play) -> None:
    with play.conn.transaction(force_rollback=True):
        play.conn.execute("select onceflow.set_clock('2001-01-01')")
    assert play.value("select onceflow.now() = statement_timestamp()")
