"""drop_partitions"""

from datetime import UTC, datetime, timedelta

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from ...aged import age, drop_all, make_week, suffixes
from ...play import Connection, Play
from ...workflows import sequence

OLD = datetime(2025, 3, 5, tzinfo=UTC)
OLDER = OLD - timedelta(weeks=2)
NOW = datetime.now(UTC)


@pytest.fixture
def own(conn: Connection) -> Play:
    """A Play on a database of this test's own, with partitions of two weeks of long ago."""
    play = Play(conn)
    play.deploy(sequence("a"))
    make_week(conn, OLD)
    make_week(conn, OLDER)
    return play


def put(play: Play, at: datetime, *, ended: bool, key: str | None = None) -> None:
    """Put an instance into a week of long ago, ended then or still running."""
    (started,) = calls.start_instances(play.conn, "flow", [{}], [key])
    if ended:
        play.complete(started.instance_id, "a")
    moved = age(play.conn, started.instance_id, at)
    play.conn.execute("update onceflow.instance set started_at = %s where id = %s", (at, moved))
    if ended:
        play.conn.execute("update onceflow.instance set ended_at = %s where id = %s", (at, moved))


def test_weeks_of_which_everything_ended_are_dropped_the_oldest_first(own: Play) -> None:
    put(own, OLD, ended=True)
    put(own, OLDER, ended=True)
    assert drop_all(own.conn, NOW) == [
        f"{table}_{week}"
        for week in ("20250213", "20250227")
        for table in ("instance", "task", "block", "scope", "wait", "delivery", "child", "task_log")
    ]
    assert own.value("select count(*) from onceflow.instances") == 0


def test_a_week_with_an_open_instance_is_kept_the_others_are_not(own: Play) -> None:
    put(own, OLD, ended=True)
    put(own, OLDER, ended=True)
    put(own, OLDER, ended=False)
    drop_all(own.conn, NOW)
    assert "_20250213" in suffixes(own.conn)
    assert "_20250227" not in suffixes(own.conn)
    assert own.value("select count(*) from onceflow.instances") == 2


def test_blocks_and_their_scopes_go_with_their_week_and_others_stay(own: Play) -> None:
    items = {"id": "fan", "for_each": [1, 2], "steps": [{"id": "a", "task": "work"}]}
    own.deploy(compile_definition({"name": "flow", "steps": [items]}))
    moved = None
    for at in (OLDER, OLD):
        instance = own.start("flow")
        own.complete(instance, "a/1", "a/2")
        moved = age(own.conn, instance, at)
        own.conn.execute("update onceflow.instance set ended_at = %s where id = %s", (at, moved))
    assert calls.check_instances(own.conn) == []
    drop_all(own.conn, OLDER + timedelta(weeks=1))
    assert "_20250213" not in suffixes(own.conn)
    for table in ("block", "scope"):
        found = own.rows(f"select instance_id from onceflow.{table}")
        assert set(found) == {(moved,)}, table
    assert own.rows("select scope, state from onceflow.scopes order by 1") == [
        (1, "SUCCEEDED"),
        (2, "SUCCEEDED"),
    ]
    assert calls.check_instances(own.conn) == []


def test_empty_weeks_of_long_ago_are_dropped_those_ahead_are_not(own: Play) -> None:
    ahead = suffixes(own.conn) - {"_20250213", "_20250227"}
    assert len(drop_all(own.conn, NOW)) == 16
    assert suffixes(own.conn) == ahead
    assert drop_all(own.conn, NOW + timedelta(weeks=100)) == []


def test_idempotency_keys_go_with_their_instances_and_others_stay(own: Play) -> None:
    put(own, OLD, ended=True, key="old")
    calls.start_instances(own.conn, "flow", [{}], ["new"])
    drop_all(own.conn, NOW)
    assert own.rows("select key from onceflow.idempotency_key") == [("new",)]


def test_idempotency_keys_are_deleted_in_batches_before_their_week_is_dropped(own: Play) -> None:
    for n in range(5):
        put(own, OLD, ended=True, key=f"k{n}")
    drop_all(own.conn, OLD - timedelta(days=1))
    pieces = [calls.drop_partitions(own.conn, NOW, 2) for _ in range(5)]
    assert [(p.keys, bool(p.dropped)) for p in pieces if p] == [
        (2, False),
        (2, False),
        (1, False),
        (0, True),
    ]


def test_before_that_time_nothing_is_dropped(own: Play) -> None:
    put(own, OLD, ended=True)
    assert drop_all(own.conn, OLDER - timedelta(weeks=1)) == []


def test_a_second_time_there_is_nothing_to_drop(own: Play) -> None:
    put(own, OLD, ended=True)
    assert drop_all(own.conn, NOW)
    assert drop_all(own.conn, NOW) == []


def test_the_rest_goes_on_as_before(own: Play) -> None:
    put(own, OLD, ended=True)
    instance = own.start("flow")
    drop_all(own.conn, NOW)
    own.complete(instance, "a")
    assert own.state(instance) == "SUCCEEDED"
    assert calls.check_instances(own.conn) == []
