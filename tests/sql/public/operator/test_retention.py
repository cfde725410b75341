"""drop_partitions, ensure_partitions: what is kept, and that nobody queues behind them for long"""

import re
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from onceflow.engine import calls

from ....conftest import Connect
from ....support import wait_until
from ...aged import age, drop_all, drop_piece, make_week, suffixes
from ...play import Connection, Play, execute
from ...sessions import Session
from ...workflows import sequence

OLD = datetime(2025, 3, 5, tzinfo=UTC)
NOW = datetime.now(UTC)


@pytest.fixture
def own(conn: Connection) -> Play:
    """A Play on a database of this test's own."""
    return Play(conn)


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
    assert drop_all(own.conn, NOW - timedelta(days=1)) == []
    for key in ("early", "late"):
        (again,) = calls.start_instances(own.conn, "flow", [{}], [key])
        assert again.outcome == "exists"
    names = [
        f"{name}{suffix}"
        for name in ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
    ]
    assert drop_all(own.conn, NOW) == names
    assert suffix not in suffixes(own.conn)
    (fresh,) = calls.start_instances(own.conn, "flow", [{}], ["early"])
    assert fresh.outcome == "started"


# guarantee: drop-unlooked
def test_a_partition_is_looked_at_again_once_it_is_locked(own: Play, connect: Connect) -> None:
    own.deploy(sequence("a"))
    make_week(own.conn, OLD)
    end(own, "early", OLD)
    running = own.start("flow")
    other, late = Session(connect(), own.conn), Session(connect(), own.conn)
    try:
        lock = "select from onceflow.job where name = 'partitions' for update"
        late.begin(lambda conn: execute(conn, lock))
        assert drop_piece(own.conn, NOW).keys == 1
        assert "another session" in drop_piece(own.conn, NOW).waits_for
        other.begin(lambda conn: age(conn, running, OLD))
        late.rollback()
        assert f"process {other.pid}" in drop_piece(own.conn, NOW).waits_for
        other.commit()
        assert "that runs" in drop_piece(own.conn, NOW).waits_for
        assert calls.drop_partitions(own.conn, NOW) is None
        assert own.value("select count(*) from onceflow.instances") == 2
    finally:
        other.close()
        late.close()


def test_labels_that_are_given_as_a_week_is_dropped_go_with_it(own: Play, connect: Connect) -> None:
    own.deploy(sequence("a"))
    make_week(own.conn, OLD)
    end(own, "early", OLD)
    (instance,) = own.row("select id from onceflow.instances")
    assert drop_piece(own.conn, NOW).keys == 1
    giver, dropper = Session(connect(), own.conn), Session(connect(), own.conn)
    try:
        giver.begin(lambda conn: calls.set_labels(conn, [instance], {"team": "x"}))
        dropped = dropper.call(lambda conn: drop_piece(conn, NOW))
        waits = "select wait_event_type = 'Lock' from pg_stat_activity where pid = %s"
        wait_until(lambda: dropped.done() or own.value(waits, dropper.pid), "the drop to wait")
        giver.commit()
        # Whether it gave up by then, or came to hold the tables and looked again.
        assert dropped.result().dropped == []
    finally:
        giver.close()
        dropper.close()
    assert len(drop_all(own.conn, NOW)) > 0
    assert own.rows("select * from onceflow.search_values") == []


def test_making_gives_way_to_a_transaction_that_holds_the_tables(
    own: Play, connect: Connect
) -> None:
    with connect().transaction() as holder:
        holder.connection.execute("lock table onceflow.instance in share update exclusive mode")
        own.conn.execute("set statement_timeout = '20s'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            own.conn.execute("select onceflow.ensure_partitions('2045-01-01', '2045-01-01')")


def test_behind_a_long_transaction_dropping_gives_up_in_words_and_lets_all_pass(
    own: Play, connect: Connect
) -> None:
    own.deploy(sequence("a"))
    suffix = make_week(own.conn, OLD)
    end(own, "early", OLD)
    assert drop_piece(own.conn, NOW).keys == 1
    with connect().transaction() as holder:
        holder.connection.execute("select from onceflow.instance")
        own.conn.execute("set statement_timeout = '1s'")
        refused = drop_piece(own.conn, NOW)
        assert refused.dropped == []
        assert re.search(
            rf"process {holder.connection.info.backend_pid}.*, whose transaction is open for 00:.*"
            "query began 00:.* ago",
            refused.waits_for,
        )
        assert own.conn.execute("show lock_timeout").fetchone() == ("0",)
    assert drop_all(own.conn, NOW) == [
        f"{t}{suffix}"
        for t in ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
    ]


FILL = """
    with made as (
        insert into onceflow.instance (id, version_id, state, started_at, ended_at, input)
        select onceflow.uuid7(0, %(at)s), v.id, 'SUCCEEDED', %(at)s, %(at)s, '{}'
        from onceflow.workflow_version v, generate_series(1, %(count)s)
        returning id)
    insert into onceflow.idempotency_key (workflow_id, key, input_hash, instance_id)
    select w.id, m.id::text, '', m.id from onceflow.workflow w, made m
"""
LONGEST = """
    select coalesce(max(extract(epoch from clock_timestamp() - l.waitstart)), 0)
    from pg_locks l join pg_stat_activity a using (pid)
    where a.datname = current_database() and not l.granted
"""


def test_while_ten_weeks_are_dropped_under_load_nothing_waits_for_long(
    own: Play, connect: Connect
) -> None:
    own.deploy(sequence("a"))
    weeks = [OLD + timedelta(weeks=n) for n in range(10)]
    for week in weeks:
        make_week(own.conn, week)
        own.conn.execute(FILL, {"at": week, "count": 2000})
    over = threading.Event()
    done: list[int] = []

    def work() -> None:
        play = Play(connect())
        while not over.is_set():
            play.complete(play.start("flow"), "a")
            done.append(1)

    def watch() -> float:
        conn, longest = connect(), 0.0
        while not over.is_set():
            ((waits,),) = execute(conn, LONGEST).fetchall()
            longest = max(longest, float(waits))
        return longest

    with ThreadPoolExecutor(4) as threads:
        workers = [threads.submit(work) for _ in range(3)]
        watcher = threads.submit(watch)
        try:
            wait_until(lambda: len(done) > 20, "the load")
            dropped: list[str] = []
            while (piece := calls.drop_partitions(own.conn, NOW, 500)) is not None:
                dropped += piece.dropped
        finally:
            over.set()
        for worker in workers:
            worker.result(30)
    assert len(dropped) == 80
    # A lock is waited for 50 ms and held for a drop's moment; the rest is a busy machine's.
    assert watcher.result(30) < 1
