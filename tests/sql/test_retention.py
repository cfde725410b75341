"""drop_partitions, ensure_partitions: what is kept, and that nobody queues behind them for long"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onceflow.engine import calls

from ..conftest import Connect
from .aged import age, make_week, suffixes
from .play import Connection, Play
from .sessions import Session
from .workflows import sequence

OLD = datetime(2025, 3, 5, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
def own(conn: Connection) -> Play:
    """A Play on a database of this test's own."""
    return Play(conn)


def drop(conn: Connection, before: datetime) -> list[str]:
    """Drop what ended before; return the names of the tables."""
    return sorted(calls.drop_partitions(conn, before))


CALLS: dict[str, Callable[[Connection], object]] = {
    "ensure": lambda conn: conn.execute(
        "select onceflow.ensure_partitions('2045-01-01', '2045-01-01')"
    ),
    "drop": lambda conn: drop(conn, NOW),
}


def end(play: Play, key: str, ended: datetime) -> None:
    """Start an instance of long ago with a key, and let it end at a time."""
    (started,) = calls.start_instances(play.conn, "flow", [{}], [key])
    play.complete(started.instance_id, "a")
    moved = age(play.conn, started.instance_id, OLD)
    play.conn.execute("update onceflow.instance set ended_at = %s where id = %s", (ended, moved))


def test_a_key_is_known_until_long_after_the_end_of_its_instance(own: Play) -> None:
    own.deploy(sequence("a"))
    suffix = make_week(own.conn, OLD)
    end(own, "early", OLD + timedelta(hours=1))
    end(own, "late", NOW - timedelta(hours=1))
    assert drop(own.conn, NOW - timedelta(days=1)) == []
    for key in ("early", "late"):
        (again,) = calls.start_instances(own.conn, "flow", [{}], [key])
        assert again.outcome == "exists"
    names = [f"{name}{suffix}" for name in ("instance", "task", "task_log")]
    assert drop(own.conn, NOW) == names
    assert suffix not in suffixes(own.conn)
    (fresh,) = calls.start_instances(own.conn, "flow", [{}], ["early"])
    assert fresh.outcome == "started"


def test_a_partition_is_looked_at_again_once_it_is_locked(own: Play, connect: Connect) -> None:
    own.deploy(sequence("a"))
    make_week(own.conn, OLD)
    end(own, "early", OLD)
    running = own.start("flow")
    other, dropper = Session(connect(), own.conn), Session(connect(), own.conn)
    try:
        other.begin(lambda conn: age(conn, running, OLD))
        waiting = dropper.call_blocked(lambda conn: drop(conn, NOW))
        other.commit()
        assert waiting.result(30) == []
        assert own.value("select count(*) from onceflow.instances") == 2
    finally:
        other.close()
        dropper.close()


@pytest.mark.parametrize("call", CALLS)
def test_it_gives_way_to_a_transaction_that_holds_the_tables(
    own: Play, connect: Connect, call: str
) -> None:
    make_week(own.conn, OLD)
    with connect().transaction() as holder:
        holder.connection.execute("lock table onceflow.instance in share update exclusive mode")
        own.conn.execute("set statement_timeout = '20s'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            CALLS[call](own.conn)
