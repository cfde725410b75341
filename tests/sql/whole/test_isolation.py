"""Transitions run at READ COMMITTED and refuse every other isolation level."""

import re
import uuid
from collections.abc import Callable
from pathlib import Path

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import (
    Completion,
    Deferral,
    Failure,
    Fenced,
    FormAnswer,
    GiveBack,
    Key,
    NamedEvent,
    Signal,
    StartSignal,
    token_of,
)
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import WrongIsolation

from ..play import Connection, Play
from ..topics import ORDERS
from ..workflows import sequence

PUBLIC = Path(__file__).parents[3] / "sql" / "public"
Call = Callable[[Connection, Play, uuid.UUID, uuid.UUID], object]
CALLS: dict[str, Call] = {
    "send_signals": lambda conn, play, i, f: calls.send_signals(conn, [Signal(i, "paid")]),
    "signal_with_start": lambda conn, play, i, f: calls.signal_with_start(
        conn, "flow", {}, None, StartSignal("paid")
    ),
    "send_events": lambda conn, play, i, f: calls.send_events(conn, [NamedEvent("paid", "7")]),
    "answer_forms": lambda conn, play, i, f: calls.answer_forms(
        conn, [FormAnswer(i, "a", "approved", "ada")]
    ),
    "claim_forms": lambda conn, play, i, f: calls.claim_forms(conn, [Key(i, "a")], "ada"),
    "release_forms": lambda conn, play, i, f: calls.release_forms(conn, [Key(i, "a")], "ada"),
    "reassign_forms": lambda conn, play, i, f: calls.reassign_forms(
        conn, [Key(i, "a")], "ada", ["b"]
    ),
    "remind_people": lambda conn, play, i, f: calls.remind_people(conn, 10),
    "start_instances": lambda conn, play, i, f: calls.start_instances(conn, "flow", [{}]),
    "receive_webhook": lambda conn, play, i, f: calls.receive_webhook(conn, "flow", "push", {}, i),
    "claim_tasks": lambda conn, play, i, f: calls.claim_tasks(
        conn, play.worker.id, f, 1, [Key(i, "a")]
    ),
    "take_tasks": lambda conn, play, i, f: calls.take_tasks(
        conn, play.worker.id, f, 1, ["default"], 1
    ),
    "switch_transport": lambda conn, play, i, f: calls.switch_transport(conn, "kafka"),
    "complete_tasks": lambda conn, play, i, f: calls.complete_tasks(
        conn, play.worker.id, [Completion(i, "a", f, 1)]
    ),
    "fail_tasks": lambda conn, play, i, f: calls.fail_tasks(conn, [Failure(i, "a", f, {}, True)]),
    "give_back_tasks": lambda conn, play, i, f: calls.give_back_tasks(
        conn, [GiveBack(i, "a", f, True)]
    ),
    "read_outcomes": lambda conn, play, i, f: calls.read_outcomes(conn, [Fenced(i, "a", f)]),
    "renew_worker": lambda conn, play, i, f: calls.renew_worker(
        conn, play.worker.id, [], 99, {}, {}
    ),
    "stop_worker": lambda conn, play, i, f: calls.stop_worker(conn, play.worker.id),
    "fire_timers": lambda conn, play, i, f: calls.fire_timers(conn, 10),
    "begin_instances": lambda conn, play, i, f: calls.begin_instances(conn, 10),
    "fail_lost_attempts": lambda conn, play, i, f: calls.fail_lost_attempts(conn, 10),
    "apply_deliveries": lambda conn, play, i, f: calls.apply_deliveries(conn, 10),
    "enforce_deadlines": lambda conn, play, i, f: calls.enforce_deadlines(conn, 10),
    "fire_schedules": lambda conn, play, i, f: calls.fire_schedules(conn, []),
    "start_queued_runs": lambda conn, play, i, f: calls.start_queued_runs(conn, 10),
    "requeue_lost_tasks": lambda conn, play, i, f: calls.requeue_lost_tasks(
        conn, "default", "99999", 9
    ),
    "cancel_instances": lambda conn, play, i, f: calls.cancel_instances(conn, [i]),
    "suspend_instances": lambda conn, play, i, f: calls.suspend_instances(conn, [i]),
    "resume_instances": lambda conn, play, i, f: calls.resume_instances(conn, [i]),
    "redrive_dead_letters": lambda conn, play, i, f: calls.redrive_dead_letters(
        conn, [Key(i, "a")]
    ),
    "skip_dead_letters": lambda conn, play, i, f: calls.skip_dead_letters(conn, [Key(i, "a")], [1]),
    "defer_tasks": lambda conn, play, i, f: calls.defer_tasks(conn, [Deferral(i, "a", f, 60)]),
    "complete_deferred_tasks": lambda conn, play, i, f: calls.complete_deferred_tasks(
        conn, [token_of(i, "a", f)], [1]
    ),
    "fail_deferred_tasks": lambda conn, play, i, f: calls.fail_deferred_tasks(
        conn, [token_of(i, "a", f)], [{"code": "x", "message": ""}], [True]
    ),
    "open_positions": lambda conn, play, i, f: calls.open_positions(conn, ORDERS, [0]),
    "take_records": lambda conn, play, i, f: calls.take_records(conn, ORDERS, {}, [], []),
    "erase_instances": lambda conn, play, i, f: calls.erase_instances(conn, [i]),
    "set_labels": lambda conn, play, i, f: calls.set_labels(conn, [i], {"a": "b"}),
    "discard_dead_letters": lambda conn, play, i, f: calls.discard_dead_letters(
        conn, [Key(i, "a")]
    ),
}


@pytest.mark.parametrize(
    "level", [psycopg.IsolationLevel.REPEATABLE_READ, psycopg.IsolationLevel.SERIALIZABLE]
)
@pytest.mark.parametrize("name", CALLS)
def test_a_transition_refuses_a_snapshot_that_outlives_its_statements(
    play: Play, name: str, level: psycopg.IsolationLevel
) -> None:
    instance = play.begin(sequence("a"))
    fence = play.take(instance, "a").fence
    play.conn.isolation_level = level
    try:
        level_name = level.name.lower().replace("_", " ")
        with pytest.raises(WrongIsolation, match=level_name), play.conn.transaction():
            CALLS[name](play.conn, play, instance, fence)
    finally:
        play.conn.isolation_level = None
    assert play.state(instance, "a") == "RUNNING"


def test_of_an_instance_with_blocks_too(play: Play) -> None:
    """What locks scopes and blocks asks first, as what locks instances and tasks."""
    items = {"id": "e", "for_each": [1, 2], "steps": [{"id": "a", "task": "work"}]}
    instance = play.begin(compile_definition({"name": "flow", "steps": [items]}))
    grant = play.take(instance, "a/1")
    play.conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    try:
        for call in (
            lambda: play.worker.complete(grant),
            lambda: play.worker.fail(grant, retryable=False),
            lambda: calls.cancel_instances(play.conn, [instance]),
        ):
            with pytest.raises(WrongIsolation), play.conn.transaction():
                call()
    finally:
        play.conn.isolation_level = None
    assert play.rows("select distinct state from onceflow.scope") == [("OPEN",)]


def test_every_public_function_that_locks_is_tried() -> None:
    locking = re.compile(r"\b(require_read_committed|lock_instances|lock_tasks)\(")
    found = {file.stem for file in PUBLIC.rglob("*.sql") if locking.search(file.read_text())}
    assert found - set(CALLS) == set()


@pytest.mark.parametrize("name", CALLS)
def test_within_a_transaction_of_the_callers_it_takes_part(play: Play, name: str) -> None:
    instance = play.begin(sequence("a"))
    fence = play.take(instance, "a").fence
    before = play.rows("select * from onceflow.task order by 1, 2")
    with play.conn.transaction(force_rollback=True):
        CALLS[name](play.conn, play, instance, fence)
    assert play.rows("select * from onceflow.task order by 1, 2") == before
