"""A worker's life: full and empty, stopped, cut off, declared dead, and back again."""

import asyncio
from collections.abc import Iterator
from typing import Any
from uuid import UUID, uuid4

import pytest

from onceflow.engine.calls import Key, claim_tasks
from onceflow.engine.settings import Settings
from onceflow.worker import Context, Registry
from onceflow.worker.registration import retrying_connection

from ..servers import Servers
from ..support import wait_until
from .proxy import Trap, proxied
from .support import (
    Conn,
    Gates,
    Stack,
    deploy,
    effects,
    make_effect_table,
    make_stack,
    relay,
    start,
    states,
    task_of,
    wait_for_ends,
    wait_for_task,
    worker,
)

HANDLERS = Registry()
GATES = Gates()


@HANDLERS.task("hold", transactional=True)
def hold(gate: str, ctx: Context) -> int:
    GATES[gate].wait()
    ctx.connection.execute("insert into effect (key) values (%s)", (ctx.key,))
    return ctx.attempt


@HANDLERS.task("hold_plain")
def hold_plain(gate: str, ctx: Context) -> int:
    GATES[gate].wait()
    return ctx.attempt


@HANDLERS.task("hold_async")
async def hold_async(gate: str, ctx: Context) -> int:
    GATES[gate].arrive()
    if ctx.attempt == 1:
        await asyncio.Event().wait()
    return ctx.attempt


@HANDLERS.task("step")
async def step(n: int = 0) -> int:
    return n + 1


@pytest.fixture
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    """A database and a relay, no worker: each test has its own."""
    GATES.renew()
    with make_stack(servers, HANDLERS, transport, concurrency=0) as made:
        make_effect_table(made.conn)
        yield made
        GATES.open_all()


def deploy_single(stack: Stack, task: str, name: str = "single") -> None:
    deploy(
        stack.conn,
        f"""
        name: {name}
        steps:
          - id: only
            task: {task}
            with: {{gate: $.input.gate}}
            retry: {{attempts: 5, backoff: 10ms}}
        """,
    )


def deploy_chain(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: chain
        steps:
          - {id: a, task: step, retry: {attempts: 5, backoff: 10ms}}
          - {id: b, task: step, with: {n: $.steps.a.output}, retry: {attempts: 5, backoff: 10ms}}
          - {id: c, task: step, with: {n: $.steps.b.output}, retry: {attempts: 5, backoff: 10ms}}
        """,
    )


def start_chains(stack: Stack, count: int) -> list[UUID]:
    return start(stack.conn, "chain", [{"n": n} for n in range(count)])


def worker_states(stack: Stack, name: str = "test") -> list[str]:
    rows = stack.conn.execute(
        "select state from onceflow.workers where name = %s order by registered_at", (name,)
    )
    return [state for (state,) in rows]


def counts(stack: Stack, state: str) -> int:
    row = stack.conn.execute(
        "select count(*) from onceflow.tasks where state = %s", (state,)
    ).fetchone()
    return row[0] if row else 0


@pytest.mark.only("kafka", reason="it is about partitions")
def test_a_full_worker_takes_no_more_and_stays_so_across_a_rebalance(stack: Stack) -> None:
    deploy_single(stack, "hold_plain")
    with worker(stack.settings, HANDLERS, concurrency=2) as first:
        ids = start(stack.conn, "single", [{"gate": "full"}] * 40)  # some for each partition
        GATES["full"].await_arrivals(2)
        wait_until(lambda: first.paused, "the full worker's pause")
        with worker(stack.settings, HANDLERS, concurrency=2, name="second"):
            GATES["full"].await_arrivals(2)  # of the partition that the second was given
        # It has given its two back; the first holds all partitions again.
        wait_until(lambda: first.partitions == 2, "the first having all partitions again")
        wait_until(lambda: first.paused, "its pause with them")
        assert (counts(stack, "RUNNING"), first.counters.snapshot()["claimed"]) == (2, 2)
        assert first.waiting == 2
        GATES["full"].open()
        assert set(wait_for_ends(stack.conn, ids)) == {"SUCCEEDED"}


def test_a_graceful_stop_lets_what_runs_finish(stack: Stack) -> None:
    deploy_single(stack, "hold_plain")
    with worker(stack.settings, HANDLERS, concurrency=2, grace=60) as stopped:
        ids = start(stack.conn, "single", [{"gate": "grace"}] * 5)
        GATES["grace"].await_arrivals(2)
        stopped.stop()
        GATES["grace"].open()
    assert sorted(states(stack.conn, ids)) == ["RUNNING"] * 3 + ["SUCCEEDED"] * 2
    assert (counts(stack, "QUEUED"), counts(stack, "RUNNING")) == (3, 0)
    assert worker_states(stack) == ["stopped"]


KINDS = ["hold_plain", "hold_async", "hold"]
"""A sync handler, an async one, and one in a transaction."""


def start_each_kind(stack: Stack, gate: str) -> list[UUID]:
    """Start an instance for each kind of handler, and return once all are in their handlers."""
    for kind in KINDS:
        deploy_single(stack, kind, name=f"single-{kind}")
    ids = [start(stack.conn, f"single-{kind}", [{"gate": gate}])[0] for kind in KINDS]
    GATES[gate].await_arrivals(len(KINDS))
    return ids


def require_second_attempts(stack: Stack, ids: list[UUID]) -> None:
    """Require that each has succeeded in its second attempt, and has had one effect."""
    assert wait_for_ends(stack.conn, ids) == ["SUCCEEDED"] * len(ids)
    assert [task_of(stack.conn, instance, "only")["output"] for instance in ids] == [2] * len(ids)
    assert effects(stack.conn) == [(f"{ids[-1]}/only", 1)]


def test_what_does_not_finish_in_time_is_given_back(stack: Stack) -> None:
    with worker(stack.settings, HANDLERS, grace=0):
        ids = start_each_kind(stack, "back")
    for instance in ids:
        row = task_of(stack.conn, instance, "only")
        assert (row["state"], row["attempts"]) == ("QUEUED", 1)
    GATES["back"].open()
    with worker(stack.settings, HANDLERS):
        require_second_attempts(stack, ids)


def test_a_worker_declared_dead_drops_all_and_registers_anew(stack: Stack) -> None:
    with worker(stack.settings, HANDLERS) as running:
        ids = start_each_kind(stack, "dead")
        stack.conn.execute(
            "update onceflow.worker set state = 'dead', ended_at = clock_timestamp()"
        )
        GATES["dead"].await_arrivals(len(ids))  # their second attempts, beside the first
        GATES["dead"].open()
        require_second_attempts(stack, ids)
        wait_until(lambda: running.busy == 0, "the end of the first attempts")
        assert running.counters.snapshot()["stale"] == len(ids)
        assert worker_states(stack) == ["dead", "live"]


def test_a_worker_that_cannot_renew_gives_its_lease_up_by_itself(stack: Stack) -> None:
    deploy_single(stack, "hold_async")
    with (
        proxied(stack.settings.dsn) as (proxy, dsn),
        worker(stack.settings_with(dsn=dsn), HANDLERS) as running,
    ):
        (instance,) = start(stack.conn, "single", [{"gate": "cut"}])
        GATES["cut"].await_arrivals()
        proxy.cut_all(refuse=True)
        wait_until(lambda: running.busy == 0, "the handler's cancellation")
        proxy.let_in()
        assert wait_for_ends(stack.conn, [instance]) == ["SUCCEEDED"]
        assert task_of(stack.conn, instance, "only")["output"] == 2


@pytest.mark.parametrize(
    ("call", "loses"),
    [
        ("claim_tasks", "reply"),
        ("complete_tasks", "request"),
        ("complete_tasks", "reply"),
    ],
)
def test_a_lost_call_is_repeated_with_its_token(stack: Stack, call: str, loses: Any) -> None:
    deploy_chain(stack)
    if call == "claim_tasks" and stack.settings.transport == "postgres":
        call = "take_tasks"
    with proxied(stack.settings.dsn) as (proxy, dsn):
        proxy.set_trap(Trap(f"onceflow.{call}".encode(), loses))
        with worker(stack.settings_with(dsn=dsn), HANDLERS) as running:
            ids = start_chains(stack, 5)
            assert wait_for_ends(stack.conn, ids) == ["SUCCEEDED"] * 5
            assert proxy.sprung.is_set()
            counters = running.counters.snapshot()
    attempts = stack.conn.execute("select distinct attempts from onceflow.tasks").fetchall()
    assert attempts == [(1,)]
    assert (counters["stale"], counters["failed"]) == (0, 0)


def test_a_grant_that_the_worker_never_heard_of_is_found_by_its_renewal(stack: Stack) -> None:
    deploy_single(stack, "hold_plain")
    GATES["hidden"].open()
    with worker(stack.settings, HANDLERS, queues=["elsewhere"]):
        (instance,) = start(stack.conn, "single", [{"gate": "hidden"}])
        registered = "select id from onceflow.workers"
        (worker_id,) = wait_until(lambda: stack.conn.execute(registered).fetchone(), "it")
        # A claim in the worker's name whose reply went to a connection that is no more.
        (claimed,) = claim_tasks(stack.conn, worker_id, uuid4(), 0, [Key(instance, "only")])
        assert claimed.answer == "granted"
        wait_for_task(stack.conn, instance, "only", "QUEUED")


@pytest.mark.only("kafka", reason="it is about topics")
def test_a_worker_waits_for_its_topics(settings: Settings, conn: Conn) -> None:
    deploy(conn, "name: one\nsteps: [{id: only, task: step}]")
    (instance,) = start(conn, "one", [{"n": 1}])
    with worker(settings, HANDLERS) as running:
        wait_until(lambda: conn.execute("select 1 from onceflow.workers").fetchall(), "it")
        assert running.partitions == 0
        with relay(settings):
            assert wait_for_ends(conn, [instance]) == ["SUCCEEDED"]


def test_connections_that_postgres_ends_do_no_harm(stack: Stack) -> None:
    deploy_chain(stack)
    with worker(stack.settings, HANDLERS) as running:
        assert wait_for_ends(stack.conn, start_chains(stack, 1)) == ["SUCCEEDED"]
        for _ in range(3):
            ended = stack.conn.execute(
                "select count(pg_terminate_backend(pid, 5000)) from pg_stat_activity"
                " where application_name like 'onceflow worker%' and datname = current_database()"
            ).fetchone()
            assert ended is not None
            assert ended[0] >= 1
            ids = start_chains(stack, 20)
            assert wait_for_ends(stack.conn, ids) == ["SUCCEEDED"] * 20
        assert running.counters.snapshot()["failed"] == 0


def test_a_completion_that_takes_too_long_fails_alone(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retrying_connection, "STATEMENT_TIMEOUT", 0.7)
    deploy(
        stack.conn,
        """
        name: say
        on_failure: fail
        steps:
          - {id: only, task: say, with: {gate: slow, word: $.input.word}}
        """,
    )
    # A database that labours over one of the outputs, as over an expression of its successor.
    stack.conn.execute(
        """
        create function labour() returns trigger language plpgsql as $$
        begin
            if new.output = '"slow"' then perform pg_sleep(60); end if;
            return new;
        end $$;
        create trigger labour before update on onceflow.task
        for each row execute function labour()"""
    )
    words = [{"word": word} for word in ("a", "b", "slow", "c", "d", "e")]
    with worker(stack.settings, HANDLERS):
        ids = start(stack.conn, "say", words)
        GATES["slow"].await_arrivals(len(ids))
        GATES["slow"].open()
        found = wait_for_ends(stack.conn, ids)
    assert found == ["FAILED" if w["word"] == "slow" else "SUCCEEDED" for w in words]
    row = task_of(stack.conn, ids[2], "only")
    assert (row["attempts"], row["error"]["code"]) == (1, "output.refused")


@HANDLERS.task("say")
def say(gate: str, word: str) -> str:
    GATES[gate].wait()
    return word


def test_long_chains_leave_room_for_what_waits(stack: Stack) -> None:
    steps = "".join(f"\n  - {{id: s{n}, task: step}}" for n in range(150))
    deploy(stack.conn, f"name: long\nsteps:{steps}")
    deploy_chain(stack)
    with worker(stack.settings, HANDLERS, concurrency=1):
        long = start(stack.conn, "long", [{"n": n} for n in range(3)])
        wait_until(lambda: counts(stack, "SUCCEEDED") > 3, "the long ones being under way")
        short = start_chains(stack, 1)
        assert wait_for_ends(stack.conn, short) == ["SUCCEEDED"]
        assert "RUNNING" in states(stack.conn, long)
        assert wait_for_ends(stack.conn, long) == ["SUCCEEDED"] * 3
