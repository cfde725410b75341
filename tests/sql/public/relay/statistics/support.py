"""What tests of statistics have in common: minutes that begin, are over, and are summed."""

from onceflow.engine import calls

from .....support import wait_until
from ....play import Connection, Play, pass_time


def at_the_minute(play: Play) -> None:
    """Have a minute begin, which nothing has happened in, and time stand still."""
    play.conn.execute(
        "select onceflow.set_clock(date_trunc('minute', now(), 'UTC') + interval '1 minute')"
    )


def sum_up(conn: Connection, *labels: str) -> None:
    """Let all that has happened be over, have it noted, and summed."""
    pass_time(conn, "90 seconds")
    calls.sum_statistics(conn, 500, labels=labels)
    calls.sum_statistics(conn, 500, labels=labels)


def settle(conn: Connection, *labels: str) -> None:
    """Sum for good. It is waited for: transactions of tests beside this one hold it back."""

    def settled() -> bool:
        calls.sum_statistics(conn, 500, labels=labels)
        return not conn.execute("select from onceflow.statistic_minute").fetchall()

    wait_until(settled, "all minutes to be summed for good")


def skip_to(conn: Connection, passed: str) -> None:
    """Let time pass in which nothing happened, and no minute of it is to be summed."""
    pass_time(conn, passed)
    conn.execute(
        "update onceflow.statistic_clock set noted_until = date_trunc('minute', onceflow.now(),"
        " 'UTC') - interval '1 minute'"
    )
