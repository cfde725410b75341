"""ensure_partitions"""

import itertools
import time
from datetime import UTC, datetime, timedelta

import pytest

from onceflow.engine import calls

from .....conftest import Connect
from ....aged import age, suffixes
from ....play import Connection, Play, execute
from ....sessions import Session
from ....workflows import sequence

TABLES = ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
THEN = datetime(2031, 6, 11, 12, tzinfo=UTC)
WEEK = timedelta(weeks=1)


def ensure(conn: Connection, begin: datetime, end: datetime) -> int:
    """Make the partitions of a span of time; return how many were made."""
    ((made,),) = conn.execute("select onceflow.ensure_partitions(%s, %s)", (begin, end)).fetchall()
    return made


def test_a_week_has_a_partition_of_each_table(conn: Connection) -> None:
    assert ensure(conn, THEN, THEN) == len(TABLES)
    assert "_20310605" in suffixes(conn)  # the Thursday before: weeks count from the epoch
    for table in TABLES:
        rows = execute(conn, f"select to_regclass('onceflow.{table}_20310605')").fetchall()
        assert rows != [(None,)]


def test_what_is_there_is_not_made_again(conn: Connection) -> None:
    assert ensure(conn, THEN, THEN + WEEK) == 2 * len(TABLES)
    assert ensure(conn, THEN, THEN + WEEK) == 0
    assert ensure(conn, THEN, THEN + 2 * WEEK) == len(TABLES)


def test_by_default_there_are_partitions_from_an_hour_ago_to_two_weeks_ahead(
    conn: Connection,
) -> None:
    for suffix in suffixes(conn):
        for table in TABLES:
            execute(conn, f"drop table onceflow.{table}{suffix}")
    hour, week = 3600, 7 * 86400
    now = int(time.time())
    weeks = (now + 2 * week) // week - (now - hour) // week + 1
    assert calls.ensure_partitions(conn) == len(TABLES) * weeks
    assert calls.ensure_partitions(conn) == 0
    play = Play(conn)
    play.complete(play.begin(sequence("a")), "a")


def test_they_leave_no_gap_and_do_not_overlap(conn: Connection) -> None:
    ensure(conn, THEN, THEN + 5 * WEEK)
    bounds = conn.execute(
        "select substring(b, 'FROM \\(''(.*?)''\\)'), substring(b, 'TO \\(''(.*?)''\\)')"
        " from (select pg_get_expr(c.relpartbound, c.oid) as b from pg_class c"
        "     where c.relname ~ '^instance_2031' and c.relkind = 'r') p order by 1"
    ).fetchall()
    assert len(bounds) == 6
    for (_, end), (begin, _) in itertools.pairwise(bounds):
        assert end == begin


@pytest.mark.parametrize("offset", [timedelta(0), WEEK - timedelta(milliseconds=1)])
def test_a_row_lies_in_the_partition_of_the_time_in_its_id(
    conn: Connection, offset: timedelta
) -> None:
    begin = datetime(2031, 6, 5, tzinfo=UTC)
    ensure(conn, begin, begin)
    play = Play(conn)
    instance = play.begin(sequence("a"))
    play.complete(instance, "a")
    moved = age(conn, instance, begin + offset)
    for table, column in (("instance", "id"), ("task", "instance_id"), ("task_log", "instance_id")):
        rows = execute(
            conn,
            f"select distinct right(tableoid::regclass::text, 9) from onceflow.{table}"
            f" where {column} = %s",
            moved,
        ).fetchall()
        assert rows == [("_20310605",)]


def test_what_the_functions_make_lies_in_one_partition(conn: Connection) -> None:
    play = Play(conn)
    instance = play.begin(sequence("a", "b", undo=True))
    play.complete(instance, "a")
    play.fail(instance, "b")
    ends = {
        name[-9:]
        for table in ("instance", "task", "block", "scope", "task_log")
        for (name,) in execute(conn, f"select tableoid::regclass::text from onceflow.{table}")
    }
    assert len(ends) == 1
    assert play.value("select count(*) from onceflow.task") == 3


def test_partitions_are_as_their_parents(conn: Connection) -> None:
    """With their indexes and a fillfactor that keeps updates of narrow rows HOT."""
    ensure(conn, THEN, THEN)
    rows = conn.execute(
        "select relname, reloptions from pg_class where relname ~ '^(instance|task)_20310605$'"
        " order by 1"
    ).fetchall()
    assert rows == [
        ("instance_20310605", ["fillfactor=70"]),
        ("task_20310605", ["fillfactor=80"]),
    ]
    for table in TABLES:
        counts = execute(
            conn,
            "select count(*) from pg_index"
            " where indrelid in (%s::text::regclass, %s::text::regclass) group by indrelid",
            f"onceflow.{table}",
            f"onceflow.{table}_20310605",
        ).fetchall()
        assert counts[0] == counts[1]


def test_two_sessions_make_each_partition_once(conn: Connection, connect: Connect) -> None:
    one, other = Session(connect(), conn), Session(connect(), conn)
    assert one.begin(lambda c: ensure(c, THEN, THEN)) == len(TABLES)
    waiting = other.call_blocked(lambda c: ensure(c, THEN, THEN + WEEK))
    one.commit()
    assert waiting.result(30) == len(TABLES)
    one.close()
    other.close()


def test_readers_and_writers_do_not_wait_for_it(conn: Connection, connect: Connect) -> None:
    play = Play(conn)
    session = Session(connect(), conn)
    session.begin(lambda c: ensure(c, THEN, THEN))
    conn.execute("set lock_timeout = '2s'")
    play.complete(play.begin(sequence("a")), "a")
    session.rollback()
    session.close()
