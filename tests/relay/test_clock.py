"""The clock: a tick that fails does not stop the others."""

import threading
from uuid import UUID

import pytest
from psycopg import sql

from onceflow.engine.calls import start_instances
from onceflow.engine.calls.workflows import register_workflow
from onceflow.relay import clock as clock_module
from onceflow.relay.clock import Clock

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


def poison(conn: Conn, table: str, column: str, instance_id: UUID) -> None:
    """Let every update of this one row fail."""
    statement = sql.SQL(
        """create function public.refuse() returns trigger language plpgsql as
           $$ begin raise exception 'poisoned'; end $$;
           create trigger poison before update on {} for each row
           when (old.{} = {}) execute function public.refuse()"""
    )
    conn.execute(
        statement.format(
            sql.Identifier("onceflow", table), sql.Identifier(column), sql.Literal(instance_id)
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


def turn_until_idle(clock: Clock, conn: Conn, most: int = 60) -> None:
    """Turn the clock until it has nothing more to do, or passes over what it cannot do."""
    for _ in range(most):
        if not clock.turn(conn) and clock.limit >= 8:
            return
    raise AssertionError(f"the clock still turns after {most} ticks")


def test_more_than_a_tick_holds_is_handled_at_once(
    conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = start_with_deadline(conn, 30)
    clock = Clock()
    clock.limit = 8
    ticks = 1
    while clock.turn(conn):
        ticks += 1
    assert ticks == 4
    assert "RUNNING" not in states(conn, ids)


@pytest.mark.parametrize("position", [0, 7, 19])
def test_a_task_that_cannot_be_handled_is_passed_over(
    conn: Conn, position: int, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(clock_module, "LIMIT", 8)
    ids = lose_worker(conn, 20)
    poison(conn, "task", "instance_id", ids[position])
    clock = Clock()
    clock.limit = 8
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
    clock = Clock()
    clock.limit = 8
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
    clock = Clock()
    clock.limit = 8
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
    clock = Clock()
    clock.limit = 8
    conn.execute("set lock_timeout = '100ms'")
    with connect(autocommit=False) as other:
        other.execute("select from onceflow.instance where id = %s for update", (ids[5],))
        turn_until_idle(clock, conn)
        turn_until_idle(clock, conn)
        expected = ["RETRYING"] * 8
        expected[5] = "RUNNING"
        assert task_states(conn, ids) == expected
        other.rollback()


def test_the_clock_runs_until_it_is_stopped(conn: Conn, connect: Connect) -> None:
    ids = start_with_deadline(conn, 5)
    stop = threading.Event()
    thread = threading.Thread(target=Clock().run, args=(connect(), stop))
    thread.start()
    try:
        wait_until(lambda: "RUNNING" not in states(conn, ids), "the deadlines to be kept")
    finally:
        stop.set()
        thread.join()
