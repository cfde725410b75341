"""One call for many tasks: what Postgres refuses in it is found by halves, and fails alone."""

import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import pytest
from psycopg import sql

from onceflow.engine.calls import Key, register_workflow, start_instances
from onceflow.engine.settings import Settings
from onceflow.worker.attempts.attempt import Attempt, Outcome
from onceflow.worker.attempts.engine_calls import EngineCalls
from onceflow.worker.attempts.message import Message
from onceflow.worker.handlers.faults import Fault
from onceflow.worker.handlers.later import Later
from onceflow.worker.registration import retrying_connection
from onceflow.worker.registration.leases import Counters, Offer, register
from onceflow.worker.registration.retrying_connection import RetryingConnection

from ...relay.support import start
from ...sql.workflows import Step, fields, path, workflow
from ...transports import use
from ..support import Conn


@pytest.fixture
def calls(settings: Settings) -> Iterator[EngineCalls]:
    """The calls of a registered worker."""
    connection = RetryingConnection(settings, "test")
    registration = register(connection, Offer("w", ["default"], ["work"]), settings, lambda: True)
    yield EngineCalls(connection, registration, Counters(), lambda: True)
    connection.close()


def message(key: Key | None, offset: int) -> Message:
    """Return a message that names a task, or none."""
    return Message(key, "topic", 0, offset, b"payload", "" if key else "it says nothing")


def test_one_output_that_postgres_refuses_fails_its_task_alone(
    conn: Conn, calls: EngineCalls
) -> None:
    ids = start(conn, 8)
    messages = [message(Key(instance, "only"), n) for n, instance in enumerate(ids)]
    grants = {grant.instance_id: grant for grant in calls.claim(messages)}
    assert grants.keys() == set(ids)
    outcomes = [
        Outcome(
            Attempt(grants[instance], None, calls._registration),  # pyright: ignore
            b'"a NUL: \\u0000"' if n == 5 else b'"fine"',
        )
        for n, instance in enumerate(ids)
    ]
    assert calls.record(outcomes, 0) == []
    rows = dict(
        conn.execute(
            "select instance_id, state || coalesce(error ->> 'code', '') from onceflow.tasks"
        )
    )
    assert [rows[instance] for instance in ids] == [
        "DEAD_LETTERoutput.refused" if n == 5 else "SUCCEEDED" for n in range(8)
    ]


# guarantee: failure-refused
def test_a_failure_that_postgres_refuses_is_recorded_without_what_it_refuses(
    conn: Conn, calls: EngineCalls
) -> None:
    refused, kept = start(conn, 2)
    grants = calls.claim([message(Key(instance, "only"), 1) for instance in (refused, kept)])
    errors = {refused: {"code": "x", "message": "a NUL: \0", "unknown": True}, kept: {"code": "y"}}
    outcomes = [
        Outcome(Attempt(grant, None, calls._registration), Fault(errors[grant.instance_id], False))  # pyright: ignore
        for grant in grants
    ]
    assert calls.record(outcomes, 0) == []
    rows = conn.execute(
        "select instance_id, error ->> 'code', error -> 'unknown' from onceflow.tasks"
    ).fetchall()
    assert {row[0]: row[1:] for row in rows} == {
        refused: ("error.refused", True),
        kept: ("y", None),
    }


def test_a_slow_expression_behind_one_of_many_delays_the_others_by_one_timeout(
    conn: Conn, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying_connection, "STATEMENT_TIMEOUT", 1.0)
    # Not marked as wide, as if another had compiled it: only the timeout stops it.
    slow = {**path("$.input.a[*] ? (@ == $.input.b[*])"), "m": True}
    register_workflow(conn, workflow(Step("only"), Step("next", ("only",), input=fields(x=slow))))
    little: dict[str, list[int]] = {"a": [], "b": []}
    much = {"a": list(range(9000)), "b": list(range(9000, 18_000))}
    inputs = [much if n == 5 else little for n in range(8)]
    ids = [one.instance_id for one in start_instances(conn, "flow", inputs)]
    with patient_calls(settings) as calls:
        grants = calls.claim([message(Key(one, "only"), n) for n, one in enumerate(ids)])
        outcomes = [
            Outcome(Attempt(grant, None, calls._registration), b"1")  # pyright: ignore
            for grant in grants
        ]
        began = time.monotonic()
        calls.record(outcomes, 0)
        assert time.monotonic() - began < 5
    rows = conn.execute(
        "select instance_id, coalesce(error ->> 'code', state) from onceflow.tasks"
        " where task = 'next'"
    )
    found = dict(rows.fetchall())
    assert [found[one] for one in ids] == [
        "expression.timeout" if n == 5 else "QUEUED" for n in range(8)
    ]


REFUSE = """
create function public.refuse() returns trigger language plpgsql as $$
begin
    if new.instance_id = {} then
        raise exception 'not this one' using errcode = 'data_exception';
    end if;
    return new;
end $$;
create trigger refuse before update on onceflow.task
    for each row execute function public.refuse()"""


@pytest.mark.parametrize("what", ["deferred", "given back"])
def test_what_cannot_be_recorded_now_ends_no_worker(
    conn: Conn, calls: EngineCalls, what: str
) -> None:
    refused, kept = start(conn, 2)
    grants = calls.claim([message(Key(instance, "only"), 1) for instance in (refused, kept)])
    registration = calls._registration  # pyright: ignore
    attempts = [Attempt(grant, None, registration) for grant in grants]
    conn.execute(sql.SQL(REFUSE).format(sql.Literal(refused)))
    if what == "deferred":
        calls.record([Outcome(attempt, Later(60)) for attempt in attempts], 0)
        expected = {refused: "RUNNING", kept: "WAITING"}
    else:
        calls.give_back(attempts)
        expected = {refused: "RUNNING", kept: "RUNNING"}
    assert dict(conn.execute("select instance_id, state from onceflow.tasks")) == expected
    assert registration.grants.snapshot()[0] == []  # so the next renewal has them given out again


def test_messages_that_name_nothing_are_kept_beside_those_that_do(
    conn: Conn, calls: EngineCalls
) -> None:
    (instance,) = start(conn, 1)
    unknown = Key(instance, "no such task")
    batch = [message(None, 0), message(Key(instance, "only"), 1), message(unknown, 2)]
    assert [grant.task for grant in calls.claim(batch)] == ["only"]
    kept = conn.execute('select "offset", reason from onceflow.quarantined order by 1').fetchall()
    assert kept == [(0, "it says nothing"), (2, "it names a task that does not exist")]


MANY = '{"a": [' + ",".join(["1e131071"] * 9000) + "]}"
"""81 KB of JSON, 1.2 GB as Postgres would send it: more than it can."""


@contextmanager
def patient_calls(settings: Settings) -> Generator[EngineCalls]:
    """Calls of a worker with a lease that nobody renews: texts of a gigabyte fail in their time."""
    connection = RetryingConnection(settings, "test")
    patient = replace(settings, lease=600.0)
    registration = register(connection, Offer("w", ["default"], ["work"]), patient, lambda: True)
    yield EngineCalls(connection, registration, Counters(), lambda: True)
    connection.close()


def spoil(conn: Conn, instance: UUID) -> None:
    """Have its task wait with an input that no worker can be given."""
    statement = "update onceflow.task set input = %s::jsonb where instance_id = %s"
    conn.execute(statement, (MANY, instance))


def require_failed(conn: Conn, instance: UUID) -> None:
    """Require that its task has failed for good, and that no message is in quarantine."""
    found = conn.execute(
        "select state, error ->> 'code' from onceflow.tasks where instance_id = %s", (instance,)
    )
    assert found.fetchone() == ("DEAD_LETTER", "input.refused")
    assert conn.execute("select count(*) from onceflow.quarantined").fetchone() == (0,)


def test_a_task_whose_input_no_worker_can_be_given_fails_for_good(
    conn: Conn, settings: Settings
) -> None:
    spoiled, sound = start(conn, 2)
    spoil(conn, spoiled)
    with patient_calls(settings) as calls:
        granted = calls.claim([message(Key(instance, "only"), 1) for instance in (spoiled, sound)])
    assert [grant.instance_id for grant in granted] == [sound]
    require_failed(conn, spoiled)


@pytest.mark.parametrize("place", [0, 2])
def test_so_it_does_where_it_is_taken_without_a_broker(
    conn: Conn, settings: Settings, place: int
) -> None:
    use(conn, "postgres")
    ids = start(conn, 3)
    spoil(conn, ids[place])
    granted: list[UUID] = []
    with patient_calls(replace(settings, transport="postgres", kafka="")) as calls:
        while True:
            grants, found = calls.take(["default"], 4)
            granted += [grant.instance_id for grant in grants]
            if not found:
                break
    assert granted == [one for one in ids if one != ids[place]]
    require_failed(conn, ids[place])
