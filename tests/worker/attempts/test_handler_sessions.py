"""The sessions of transactional handlers: Postgres itself ends one whose process stands still."""

import psycopg

from onceflow.worker.attempts import transactions
from onceflow.worker.attempts.transactions import Session

from ...conftest import Connect
from ...support import wait_until


def test_a_transaction_left_alone_is_ended_by_postgres(connect: Connect) -> None:
    observer, conn = connect(), connect()
    session = Session(conn)
    session.begin("marker", 0.1 - transactions.MARGIN)
    pid = conn.info.backend_pid

    def gone() -> bool:
        rows = observer.execute("select 1 from pg_stat_activity where pid = %s", (pid,))
        return not rows.fetchall()

    wait_until(gone, "the end of the idle transaction", 10)
    session.close()


def test_all_limits_are_those_of_the_transaction(conn: psycopg.Connection[object]) -> None:
    session = Session(conn)
    session.begin("marker", 8.0)
    names = ["statement_timeout", "idle_in_transaction_session_timeout"]
    if conn.info.server_version >= 170_000:
        names.append("transaction_timeout")
    shown = [conn.execute("select current_setting(%s)", (name,)).fetchone() for name in names]
    assert shown == [("10s",)] * len(names)
    conn.execute("rollback")
    left = [conn.execute("select current_setting(%s)", (name,)).fetchone() for name in names]
    assert left == [("0",)] * len(names)
    session.close()
