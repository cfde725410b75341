"""analyze_partitions"""

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from .....conftest import Connect
from ....play import Connection, Play, keep_unanalyzed, pass_time, rows_read
from ....workflows import fan

WIDTH = 400


@pytest.fixture
def grown(conn: Connection) -> Play:
    """A Play whose partitions were analyzed when they were empty, and hold some thousand rows."""
    conn.execute("analyze onceflow.task, onceflow.instance")
    play = Play(conn)
    play.deploy(fan(WIDTH))
    for _ in range(5):
        play.start("flow")
    return play


def known(play: Play) -> float:
    """How many rows Postgres believes to be in this week's partition of task."""
    return play.value(
        "select c.reltuples from onceflow.task t join pg_class c on c.oid = t.tableoid limit 1"
    )


def test_what_was_analyzed_while_it_was_empty_is_analyzed_again_once_it_has_grown(
    grown: Play,
) -> None:
    assert known(grown) == 0
    assert calls.analyze_partitions(grown.conn, 10) == 1
    assert known(grown) == 5 * WIDTH
    assert calls.analyze_partitions(grown.conn, 10) == 0


def test_what_was_never_analyzed_or_has_grown_little_is_left_to_autovacuum(
    conn: Connection,
) -> None:
    play = Play(conn)
    play.deploy(fan(WIDTH))
    play.start("flow")
    assert calls.analyze_partitions(conn, 10) == 0
    conn.execute("analyze onceflow.task")
    for _ in range(2):
        play.start("flow")
    assert calls.analyze_partitions(conn, 10) == 0
    assert known(play) == WIDTH


def test_what_has_grown_five_times_is_analyzed_again(grown: Play) -> None:
    assert calls.analyze_partitions(grown.conn, 10) == 1
    for _ in range(25):
        grown.start("flow")
    assert calls.analyze_partitions(grown.conn, 10) == 1
    assert known(grown) == 30 * WIDTH


def test_a_session_plans_anew_by_what_was_found(conn: Connection) -> None:
    """Timers that were planned for a row or two read all that are due for each, then their own."""
    keep_unanalyzed(conn)
    play = Play(conn)
    steps = [{"id": "nap", "sleep": "1m"}, {"id": "a", "task": "work"}]
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    play.start("flow")
    conn.execute("analyze onceflow.task")
    pass_time(conn, "2 min")
    assert tasks_read_by_timers(play, 1) < 20
    calls.start_instances(conn, "flow", [{} for _ in range(1000)])
    pass_time(conn, "2 min")
    assert tasks_read_by_timers(play, 300) > 300 * 100
    assert calls.analyze_partitions(conn, 10) > 0
    assert 300 <= tasks_read_by_timers(play, 300) < 300 * 30


def tasks_read_by_timers(play: Play, count: int) -> int:
    """Have so many timers fired; return how many rows of tasks were read."""
    with play.conn.transaction():
        before = rows_read(play.conn, "^task_2")
        assert calls.fire_timers(play.conn, count).timed_out
        return rows_read(play.conn, "^task_2") - before


def test_what_is_being_vacuumed_is_left_out_and_not_waited_for(
    grown: Play, connect: Connect
) -> None:
    grown.conn.execute("set lock_timeout = '10s'")
    table = grown.value("select tableoid::regclass::text from onceflow.task limit 1")
    with connect().transaction() as held:
        statement = f"lock table {table} in share update exclusive mode"
        held.connection.execute(statement.encode())
        assert calls.analyze_partitions(grown.conn, 10) == 1
        assert known(grown) == 0
    assert calls.analyze_partitions(grown.conn, 10) == 1
    assert known(grown) == 5 * WIDTH


def test_of_several_one_is_at_it(grown: Play, connect: Connect) -> None:
    other = connect()
    with other.transaction():
        other.execute("select from onceflow.job where name = 'analyze_partitions' for update")
        assert calls.analyze_partitions(grown.conn, 10) == 0
    assert calls.analyze_partitions(grown.conn, 10) == 1


def test_a_look_that_finds_nothing_takes_no_transaction_id(conn: Connection) -> None:
    with conn.transaction():
        assert calls.analyze_partitions(conn, 10) == 0
        ((taken,),) = conn.execute("select pg_current_xact_id_if_assigned()").fetchall()
    assert taken is None
