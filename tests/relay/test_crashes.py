"""Relays killed in the middle of what they take, fire and wake: nothing is lost or doubled."""

import signal
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import LiteralString

import pytest

from onceflow.engine.calls import check_instances, register_workflow, start_instances
from onceflow.engine.definition import compile_definition, parse
from onceflow.engine.settings import Settings

from ..sql.year import deploy_year
from ..support import wait_until
from .support import Conn, relay_processes
from .topics import Topic, has_started, started

KILLED = -signal.SIGKILL
DAY = datetime(2028, 2, 28, tzinfo=UTC)

kafka = pytest.mark.only("kafka", reason="it is about topics")


def killed_at(point: str, settings: Settings, folder: Path) -> None:
    """Run a relay until it is killed at a failpoint."""
    with relay_processes(settings, folder, ["killed"], ONCEFLOW_FAILPOINT=point) as (relay,):
        assert relay.wait() == KILLED, relay.said


def of_another_group(settings: Settings) -> Settings:
    """Return settings of a relay that need not wait for the session of one that was killed."""
    return replace(settings, prefix=f"{settings.prefix}-other")


# Records of topics


@kafka
@pytest.mark.parametrize("nth", [1, 2])
def test_killed_between_reading_and_the_call_each_record_counts_once(
    conn: Conn, settings: Settings, tmp_path: Path, nth: int
) -> None:
    topic = Topic(settings)
    topic.deploy(conn)
    topic.orders(range(1200))
    killed_at(f"relay.before_take::{nth}", settings, tmp_path)
    assert len(started(conn)) < 1200
    with relay_processes(of_another_group(settings), tmp_path):
        wait_until(has_started(conn, 1200), "1200 instances", 120)
    assert started(conn) == list(range(1200))


@kafka
@pytest.mark.parametrize("may_commit", [True, False])
def test_killed_before_the_commit_of_what_it_takes_each_record_counts_once(
    conn: Conn, settings: Settings, tmp_path: Path, may_commit: bool
) -> None:
    """Its call waits for a lock as it is killed: nobody hears whether it commits then."""
    topic = Topic(settings, partitions=1)
    topic.deploy(conn)
    with relay_processes(settings, tmp_path, ["killed"]) as (relay,):
        topic.orders([0])
        wait_until(has_started(conn, 1), "the first")
        with conn.transaction():
            conn.execute("lock table onceflow.instance in share mode")
            topic.orders(range(1, 300))
            (pid,) = wait_until(lambda: waits_to_take(conn), "a call that waits")
            relay.process.kill()
            assert relay.wait() == KILLED
            if not may_commit:
                conn.execute("select pg_terminate_backend(%s)", (pid,))
        gone = "select from pg_stat_activity where pid = %s"
        wait_until(lambda: not conn.execute(gone, (pid,)).fetchall(), "the end of its session")
    # Its own lock_timeout may have come before it could commit; its set is as long as was fetched.
    known = started(conn)
    assert known == list(range(len(known)))
    assert may_commit or known == [0]
    with relay_processes(of_another_group(settings), tmp_path):
        topic.orders([300])
        wait_until(has_started(conn, 301), "all of them", 120)
    assert started(conn) == list(range(301))


def waits_to_take(conn: Conn) -> tuple[int] | None:
    """Return the session whose call of take_records waits for a lock."""
    conn.execute("select pg_stat_clear_snapshot()")  # it is kept for all of a transaction
    statement = """
    select pid from pg_stat_activity
     where query like '%take_records%' and wait_event_type = 'Lock' and pid <> pg_backend_pid()"""
    return conn.execute(statement).fetchone()


# The clock


SLEEPS = """
name: sleeper
steps:
  - {id: night, sleep: 8h}
  - {id: note, set: $.input.n}
output: $.steps.note.output
"""
COUNT = 1200
"""More than the clock wakes by two calls."""


@pytest.mark.parametrize("nth", [1, 2])
def test_killed_in_the_middle_of_what_wakes_each_sleep_is_over_once(
    conn: Conn, settings: Settings, tmp_path: Path, nth: int
) -> None:
    set_time(conn, DAY)
    register_workflow(conn, compile_definition(parse(SLEEPS, "yaml")))
    start_instances(conn, "sleeper", [{"n": n} for n in range(COUNT)])
    set_time(conn, DAY + timedelta(hours=8))
    killed_at(f"relay.after_timers::{nth}", settings, tmp_path)
    assert 0 < over(conn) < COUNT
    with relay_processes(settings, tmp_path):
        wait_until(lambda: over(conn) == COUNT, "the end of all sleeps", 60)
    outputs = conn.execute("select output from onceflow.instances order by (output)::int")
    assert [n for (n,) in outputs] == list(range(COUNT))
    ends = (
        "select count(*)::int from onceflow.task_log where step = 'night' and state = 'SUCCEEDED'"
    )
    assert conn.execute(ends).fetchone() == (COUNT,)
    assert check_instances(conn) == []


def over(conn: Conn) -> int:
    """Return how many instances have ended."""
    rows = conn.execute("select count(*) from onceflow.instances where state = 'SUCCEEDED'")
    (count,) = rows.fetchone() or (0,)
    return count


# Schedules


@pytest.mark.parametrize("point", ["before", "after"])
def test_killed_on_either_side_of_a_firing_each_planned_time_starts_one_instance(
    conn: Conn, settings: Settings, tmp_path: Path, point: str
) -> None:
    set_time(conn, DAY)
    deploy_year(conn, "400d")
    with relay_processes(settings, tmp_path, ["first"]):
        wait_until(lambda: unplanned(conn) == 0, "the next time of all schedules")
    set_time(conn, DAY + timedelta(days=3))
    killed_at(f"relay.{point}_fire", settings, tmp_path)
    fired = planned(conn)
    assert bool(fired) is (point == "after")
    with relay_processes(settings, tmp_path):
        wait_until(lambda: late(conn) == 0, "all that was due", 60)
    times = planned(conn)
    assert len(set(times)) == len(times)
    assert set(fired) <= set(times)
    nightly = [at.isoformat() for name, at in times if name == "warsaw"]
    assert nightly == [f"2028-02-{day}T01:30:00+00:00" for day in (28, 29)] + [
        "2028-03-01T01:30:00+00:00"
    ]
    leap = [at.isoformat() for name, at in times if name == "leap"]
    assert leap == ["2028-02-29T00:00:00+00:00"]


def planned(conn: Conn) -> list[tuple[str, datetime]]:
    """Return the times that have started an instance, by workflow."""
    statement = (
        "select workflow, scheduled_at at time zone 'UTC' from onceflow.instances order by 1, 2"
    )
    return [(name, at.replace(tzinfo=UTC)) for name, at in conn.execute(statement)]


def unplanned(conn: Conn) -> int:
    return _count(conn, "next_at is null")


def late(conn: Conn) -> int:
    return _count(conn, "late is not null")


def _count(conn: Conn, where: LiteralString) -> int:
    rows = conn.execute(f"select count(*) from onceflow.triggers where {where}")
    (count,) = rows.fetchone() or (0,)
    return count


def set_time(conn: Conn, at: datetime) -> None:
    conn.execute("select onceflow.set_clock(%s)", (at,))
