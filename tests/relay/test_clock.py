"""The clock: no job of it stops another, and no candidate of a job stops the others."""

import threading
from typing import LiteralString
from uuid import UUID

import psycopg
import pytest
from psycopg import sql

from onceflow.engine.calls import start_instances
from onceflow.engine.calls.workflows import register_workflow
from onceflow.engine.settings import Settings
from onceflow.relay import clock as clock_module
from onceflow.relay.clock import JOBS, Turns, jobs_of

from ..conftest import Connect
from ..sql.workflows import Step, workflow
from ..support import wait_until
from .support import NOTHING, Conn


def start_with_deadline(conn: Conn, count: int) -> list[UUID]:
    """Start instances whose deadline the clock has passed."""
    register_workflow(conn, workflow(Step("only"), name="short", deadline=60))
    ids = [started.instance_id for started in start_instances(conn, "short", [NOTHING] * count)]
    conn.execute("select onceflow.set_clock(now() + interval '1 hour')")
    return ids


def lose_worker(conn: Conn, count: int) -> list[UUID]:
    """Start instances whose task is claimed by a worker that stops answering for good."""
    register_workflow(conn, workflow(Step("only"), name="lost"))
    ids = [started.instance_id for started in start_instances(conn, "lost", [NOTHING] * count)]
    conn.execute(
        """with worker as (
               select onceflow.register_worker('w', '{default}', '{work}', '1 minute') as id)
           select onceflow.claim_tasks(worker.id, gen_random_uuid(), 1, %s,
               array_fill('only'::text, array[cardinality(%s)])) from worker""",
        (ids, ids),
    )
    conn.execute("update onceflow.worker set state = 'dead', ended_at = clock_timestamp()")
    return ids


REFUSE = "raise exception 'poisoned'"
FALL_SHORT = "raise exception 'poisoned' using errcode = 'out_of_memory'"
END_SESSION = "perform pg_catalog.pg_terminate_backend(pg_catalog.pg_backend_pid())"


def poison(
    conn: Conn, table: str, column: str, instance_id: UUID, does: LiteralString = REFUSE
) -> None:
    """Let every update of this one row fail."""
    statement = sql.SQL(
        """create function public.refuse() returns trigger language plpgsql as
           $$ begin {}; return new; end $$;
           create trigger poison before update on {} for each row
           when (old.{} = {}) execute function public.refuse()"""
    )
    conn.execute(
        statement.format(
            sql.SQL(does),
            sql.Identifier("onceflow", table),
            sql.Identifier(column),
            sql.Literal(instance_id),
        )
    )


def states(conn: Conn, ids: list[UUID]) -> list[str]:
    rows = conn.execute(
        "select id, state from onceflow.instances where id = any (%s)", (ids,)
    ).fetchall()
    by_id = dict(rows)
    return [by_id[i] for i in ids]


def task_states(conn: Conn, ids: list[UUID]) -> list[str]:
    rows = conn.execute(
        "select instance_id, state from onceflow.tasks where instance_id = any (%s)", (ids,)
    ).fetchall()
    by_id = dict(rows)
    return [by_id[i] for i in ids]


def turns(name: str) -> Turns:
    """Return the turns of one job of the clock."""
    (job,) = (job for job in JOBS if job.name == name)
    return Turns(job)


def turn_until_idle(clock: Turns, conn: Conn, most: int = 60) -> None:
    """Turn until there is nothing more to do, but for what is passed over."""
    for _ in range(most):
        if not clock.turn(conn) and clock.limit >= 8:
            return
    raise AssertionError(f"the clock still turns after {most} calls")


def test_more_than_a_call_handles_is_handled_at_once(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = start_with_deadline(conn, 30)
    clock = turns("deadlines")
    calls = 1
    while clock.turn(conn):
        calls += 1
    assert calls == 4
    assert "RUNNING" not in states(conn, ids)


@pytest.mark.parametrize("position", [0, 7, 19])
def test_a_task_that_cannot_be_handled_is_passed_over(
    conn: Conn, position: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = lose_worker(conn, 20)
    poison(conn, "task", "instance_id", ids[position])
    clock = turns("lost attempts")
    turn_until_idle(clock, conn)
    turn_until_idle(clock, conn)
    expected = ["RETRYING"] * 20
    expected[position] = "RUNNING"
    assert task_states(conn, ids) == expected
    assert "passes over it" in caplog.text
    assert "poisoned" in caplog.text


def test_what_was_passed_over_is_tried_again(conn: Conn, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    monkeypatch.setattr(clock_module, "RETRY_SKIPPED", 0.0)
    ids = lose_worker(conn, 3)
    poison(conn, "task", "instance_id", ids[0])
    clock = turns("lost attempts")
    turn_until_idle(clock, conn)
    assert clock.skip == 1
    conn.execute("drop trigger poison on onceflow.task")
    turn_until_idle(clock, conn)
    assert task_states(conn, ids) == ["RETRYING"] * 3


def test_an_instance_past_its_deadline_that_cannot_be_closed_is_passed_over(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = start_with_deadline(conn, 20)
    poison(conn, "instance", "id", ids[3])
    clock = turns("deadlines")
    turn_until_idle(clock, conn)
    turn_until_idle(clock, conn)
    assert [i for i, state in zip(ids, states(conn, ids), strict=True) if state == "RUNNING"] == [
        ids[3]
    ]


def test_a_row_that_somebody_keeps_locked_does_not_stop_the_clock(
    conn: Conn, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = lose_worker(conn, 8)
    clock = turns("lost attempts")
    conn.execute("set lock_timeout = '100ms'")
    with connect(autocommit=False) as other:
        other.execute("select from onceflow.instance where id = %s for update", (ids[5],))
        turn_until_idle(clock, conn)
        turn_until_idle(clock, conn)
        expected = ["RETRYING"] * 8
        expected[5] = "RUNNING"
        assert task_states(conn, ids) == expected
        other.rollback()


@pytest.mark.parametrize("does", [REFUSE, FALL_SHORT, END_SESSION])
def test_whatever_a_candidate_does_the_others_are_handled(
    conn: Conn, connect: Connect, monkeypatch: pytest.MonkeyPatch, does: LiteralString
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = start_with_deadline(conn, 20)
    poison(conn, "instance", "id", ids[3], does)
    clock, mine = turns("deadlines"), connect()
    for _ in range(100):
        try:
            clock.turn(mine)
        except psycopg.OperationalError:
            mine = connect()
    assert [i for i, state in zip(ids, states(conn, ids), strict=True) if state == "RUNNING"] == [
        ids[3]
    ]


def test_a_candidate_that_cannot_be_handled_rolls_back_no_expiry_of_workers(conn: Conn) -> None:
    (late,) = start_with_deadline(conn, 1)
    poison(conn, "instance", "id", late)
    (lost,) = lose_worker(conn, 1)
    conn.execute(
        "update onceflow.worker set state = 'live', ended_at = null, lease_until = '2000-01-01'"
    )
    conn.execute("update onceflow.clock set last_tick_at = clock_timestamp(), grace_until = null")
    for job in JOBS:
        Turns(job).turn(conn)
    assert task_states(conn, [lost]) == ["RETRYING"]
    assert states(conn, [late]) == ["RUNNING"]


def test_minutes_are_summed_by_the_labels_that_the_settings_name(conn: Conn) -> None:
    register_workflow(conn, workflow(Step("only"), name="labelled"))
    start_instances(conn, "labelled", [NOTHING], labels=[{"tier": "gold", "who": "ann"}])
    conn.execute("select onceflow.set_clock(now() + interval '3 minutes')")
    jobs = {job.name: job for job in jobs_of(Settings(metric_labels=("tier", "region")))}
    assert jobs.keys() == {job.name for job in JOBS}
    turn_until_idle(Turns(jobs["statistics"]), conn)
    turn_until_idle(Turns(jobs["statistics"]), conn)
    rows = conn.execute(
        "select label, value, count from onceflow.label_statistics where seconds = 60"
    ).fetchall()
    assert rows == [("tier", "gold", 1)]


def test_the_clock_runs_until_it_is_stopped(conn: Conn, connect: Connect) -> None:
    ids = start_with_deadline(conn, 5)
    stop = threading.Event()
    thread = threading.Thread(target=turns("deadlines").run, args=(connect(), stop))
    thread.start()
    try:
        wait_until(lambda: "RUNNING" not in states(conn, ids), "the deadlines to be kept")
    finally:
        stop.set()
        thread.join()
