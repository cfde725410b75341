"""Transactional handlers: their effects, events and completion commit together or not at all."""

import asyncio
from collections.abc import Iterator
from contextlib import closing, suppress
from threading import Thread
from typing import Any, LiteralString
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.calls import Failure, fail_tasks
from onceflow.engine.sessions import Connection
from onceflow.relay.topics import Topics
from onceflow.worker import AsyncContext, Context, PermanentError, Registry, RetryableError
from onceflow.worker.attempts.transactions import Session

from ...servers import Servers
from ...support import wait_until
from ..proxy import Trap, proxied
from ..support import (
    Gates,
    Stack,
    consume,
    deploy,
    effects,
    make_effect_table,
    make_stack,
    task_of,
    wait_for_ends,
    worker,
)

HANDLERS = Registry()
GATES = Gates()
INSERT: LiteralString = "insert into effect (key) values (%s)"


@HANDLERS.task("write", transactional=True)
def write(ctx: Context, gate: str = "", result: Any = None) -> Any:
    ctx.connection.execute(INSERT, (ctx.key,))
    if gate:
        GATES[gate].wait()
    return result


@HANDLERS.task("write_async", transactional=True)
async def write_async(ctx: AsyncContext, fail: bool = False) -> str:
    async with ctx.connection.cursor() as cursor:
        await cursor.execute(INSERT, (ctx.key,))
    await asyncio.sleep(0)
    if fail and ctx.attempt == 1:
        raise RetryableError("the first attempt fails")
    row = await (await ctx.connection.execute("select count(*) from effect")).fetchone()
    assert row is not None
    return f"attempt {ctx.attempt}"


@HANDLERS.task("write_then_fail", transactional=True)
def write_then_fail(ctx: Context) -> None:
    ctx.connection.execute(INSERT, (ctx.key,))
    raise PermanentError("no, after all", code="no")


@HANDLERS.task("savepoints", transactional=True)
def savepoints(ctx: Context) -> str:
    ctx.connection.execute(INSERT, (ctx.key,))
    try:
        with ctx.connection.transaction():
            ctx.connection.execute(INSERT, ("never",))
            ctx.connection.execute("select 1/0")
    except psycopg.errors.DivisionByZero:
        return "went on"
    return "never"


@HANDLERS.task("aborted", transactional=True)
def aborted(ctx: Context) -> str:
    ctx.connection.execute(INSERT, (ctx.key,))
    with pytest.raises(psycopg.errors.DivisionByZero):
        ctx.connection.execute("select 1/0")
    return "but the transaction is broken"


@HANDLERS.task("commits_itself", transactional=True)
def commits_itself(how: str, ctx: Context) -> str:
    ctx.connection.execute(INSERT, (ctx.key,))
    if how == "method":
        ctx.connection.commit()
    else:
        ctx.connection.execute("commit")
        ctx.connection.execute("begin")
    return "done"


@HANDLERS.task("sleep", transactional=True)
def sleep(ctx: Context) -> None:
    ctx.connection.execute(INSERT, (ctx.key,))
    ctx.connection.execute("select pg_sleep(60)")


@HANDLERS.task("sleep_async", transactional=True)
async def sleep_async(ctx: AsyncContext) -> None:
    await ctx.connection.execute(INSERT, (ctx.key,))
    await ctx.connection.execute("select pg_sleep(60)")


@HANDLERS.task("announce", transactional=True)
def announce(topic: str, fail: bool, ctx: Context) -> list[str]:
    ids = [
        ctx.publish(topic, {"n": 1, "total": "1.10"}, key="k", headers={"a": "b"}),
        ctx.publish(topic, {"n": 2}),
    ]
    if fail:
        raise PermanentError("nothing is announced")
    return ids


@pytest.fixture(scope="module")
def stack(servers: Servers, transport: str) -> Iterator[Stack]:
    GATES.renew()
    with make_stack(servers, HANDLERS, transport, concurrency=4) as made:
        make_effect_table(made.conn)
        yield made
        GATES.open_all()


def run_single(stack: Stack, name: str, task: str, *more: str) -> UUID:
    """Deploy a workflow of one step (no retries unless ``more`` says so) and start it."""
    lines = [f"name: {name}", "on_failure: fail", "steps:", "  - id: only", f"    task: {task}"]
    if not any(line.startswith("retry:") for line in more):
        lines.append("    retry: {attempts: 1}")
    lines += [f"    {line}" for line in more]
    deploy(stack.conn, "\n".join(lines))
    return stack.run(name)


def ends(stack: Stack, instance: UUID) -> str:
    return wait_for_ends(stack.conn, [instance])[0]


def effects_of(stack: Stack, instance: UUID) -> int:
    return dict(effects(stack.conn)).get(f"{instance}/only", 0)


def test_effect_and_completion_commit_together(stack: Stack) -> None:
    instance = run_single(stack, "together", "write", "with: {gate: together, result: [1.50]}")
    GATES["together"].await_arrivals()
    assert effects_of(stack, instance) == 0
    GATES["together"].open()
    assert ends(stack, instance) == "SUCCEEDED"
    assert effects_of(stack, instance) == 1


def test_an_async_handler_has_a_transaction_too(stack: Stack) -> None:
    retry = "retry: {attempts: 2, backoff: 10ms}"
    for name, fail in (("async", "false"), ("async-retry", "true")):
        instance = run_single(stack, name, "write_async", f"with: {{fail: {fail}}}", retry)
        assert ends(stack, instance) == "SUCCEEDED"
        assert effects_of(stack, instance) == 1


def test_what_follows_is_handed_off_in_the_same_commit(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: chain
        steps:
          - {id: a, task: write}
          - {id: b, task: write_async}
          - {id: c, task: write}
        """,
    )
    before = stack.worker.counters.snapshot()
    instance = stack.run("chain")
    assert ends(stack, instance) == "SUCCEEDED"
    after = stack.worker.counters.snapshot()
    assert after["claimed"] - before["claimed"] == 1
    assert after["handed_off"] - before["handed_off"] == 2
    written = dict(effects(stack.conn))
    assert [written[f"{instance}/{step}"] for step in "abc"] == [1, 1, 1]


def test_its_completion_is_accounted_for_as_any_other(stack: Stack) -> None:
    """A grant that stays listed for ever would have every renewal grow, and hide a lost one."""
    before = stack.worker.counters.snapshot()["completed"]
    ends(stack, run_single(stack, "counted", "write"))
    registration = stack.worker._registration  # pyright: ignore[reportPrivateUsage]
    assert registration is not None
    wait_until(lambda: registration.grants.snapshot()[0] == [], "its grant being let go")
    assert stack.worker.counters.snapshot()["completed"] == before + 1


def test_a_failure_rolls_the_effect_back(stack: Stack) -> None:
    instance = run_single(stack, "fails", "write_then_fail")
    assert ends(stack, instance) == "FAILED"
    assert effects_of(stack, instance) == 0
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "no"


def test_a_part_may_fail_in_a_savepoint(stack: Stack) -> None:
    instance = run_single(stack, "savepoint", "savepoints")
    assert ends(stack, instance) == "SUCCEEDED"
    assert effects_of(stack, instance) == 1
    assert dict(effects(stack.conn)).get("never") is None


def test_a_broken_transaction_completes_nothing(stack: Stack) -> None:
    instance = run_single(stack, "broken", "aborted")
    assert ends(stack, instance) == "FAILED"
    assert effects_of(stack, instance) == 0


@pytest.mark.parametrize("how", ["method", "statement"])
def test_a_handler_that_commits_itself_is_found_out(stack: Stack, how: str) -> None:
    instance = run_single(stack, f"itself-{how}", "commits_itself", f"with: {{how: {how}}}")
    assert ends(stack, instance) == "FAILED"
    error = task_of(stack.conn, instance, "only")["error"]
    assert (error["code"], error["unknown"]) == ("transaction.ended", True)


def test_a_refused_output_rolls_the_effect_back(stack: Stack) -> None:
    deploy(
        stack.conn,
        """
        name: refused
        on_failure: fail
        steps:
          - {id: only, task: write_nul}
        """,
    )
    instance = stack.run("refused")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["attempts"], row["error"]["code"]) == (1, "output.refused")
    assert "unknown" not in row["error"]
    assert effects_of(stack, instance) == 0


@HANDLERS.task("write_nul", transactional=True)
def write_nul(ctx: Context) -> str:
    ctx.connection.execute(INSERT, (ctx.key,))
    return "\0"


@pytest.mark.parametrize("task", ["sleep", "sleep_async"])
def test_a_transaction_past_its_time_is_ended_by_us(stack: Stack, task: str) -> None:
    instance = run_single(stack, f"late-{task}", task, "timeout: 500ms")
    assert ends(stack, instance) == "FAILED"
    assert task_of(stack.conn, instance, "only")["error"]["code"] == "timeout"

    def sleeping() -> int:
        row = stack.conn.execute(
            "select count(*) from pg_stat_activity where query like '%pg_sleep(60)%'"
            " and pid <> pg_backend_pid() and datname = current_database() and state <> 'idle'"
        ).fetchone()
        return row[0] if row else 0

    wait_until(lambda: sleeping() == 0, "the end of the handler's statement", 5)
    wait_until(lambda: stack.worker.busy == 0, "the handler's slot")
    assert effects_of(stack, instance) == 0


def test_the_late_end_of_a_handler_commits_nothing(stack: Stack) -> None:
    instance = run_single(stack, "late", "write", "with: {gate: late}", "timeout: 300ms")
    assert ends(stack, instance) == "FAILED"
    GATES["late"].open()
    wait_until(lambda: stack.worker.busy == 0, "the late handler's end")
    assert effects_of(stack, instance) == 0


def test_a_stale_completion_rolls_its_own_effect_back(stack: Stack) -> None:
    instance = run_single(
        stack,
        "stale",
        "write",
        "with: {gate: stale, result: $.instance.id}",
        "retry: {attempts: 2, backoff: 10ms}",
    )
    GATES["stale"].await_arrivals()
    # Somebody else ends this attempt, as tick does with one whose worker seems dead.
    ((fence,),) = stack.conn.execute(
        "select fence from onceflow.task where instance_id = %s", (instance,)
    ).fetchall()
    failure = Failure(instance, "only", fence, {"code": "twin", "message": "dead"}, True)
    fail_tasks(stack.conn, [failure])
    GATES["stale"].await_arrivals()  # its second attempt runs beside the first
    GATES["stale"].open()
    assert ends(stack, instance) == "SUCCEEDED"
    wait_until(lambda: stack.worker.busy == 0, "both handlers' end")
    assert effects_of(stack, instance) == 1


@pytest.mark.only("postgres", reason="over Kafka events are published")
def test_a_handler_that_publishes_where_there_is_no_kafka_fails_for_good(stack: Stack) -> None:
    instance = run_single(stack, "in-vain", "announce", "with: {topic: t, fail: false}")
    assert ends(stack, instance) == "FAILED"
    row = task_of(stack.conn, instance, "only")
    assert (row["state"], row["attempts"]) == ("DEAD_LETTER", 1)
    assert "the transport of this deployment is postgres" in row["error"]["message"]
    assert effects_of(stack, instance) == 0


@pytest.mark.only("kafka", reason="events need Kafka")
def test_events_are_published_with_the_completion_alone(stack: Stack) -> None:
    topic = f"{stack.settings.prefix}.invoices"
    assert Topics(stack.settings).make([topic]) == {}
    given = f"topic: {topic}"
    bad = run_single(stack, "silent", "announce", f"with: {{fail: true, {given}}}")
    assert ends(stack, bad) == "FAILED"
    good = run_single(stack, "loud", "announce", f"with: {{fail: false, {given}}}")
    assert ends(stack, good) == "SUCCEEDED"
    ids = task_of(stack.conn, good, "only")["output"]
    assert ids == [f"{good}/only/1", f"{good}/only/2"]
    assert sorted(consume(stack.settings, topic, 2), key=lambda m: m[0]["onceflow-event-id"]) == [
        ({"a": "b", "onceflow-event-id": ids[0]}, b"k", {"n": 1, "total": "1.10"}),
        ({"onceflow-event-id": ids[1]}, None, {"n": 2}),
    ]


@pytest.mark.parametrize(
    ("loses", "attempts"),
    [
        ("reply", 1),  # it was committed: the outcome is read and nothing is done again
        ("request", 2),  # it was rolled back: a failed attempt and another
    ],
)
def test_a_lost_commit_is_looked_up_by_its_fence(
    servers: Servers, transport: str, loses: Any, attempts: int
) -> None:
    handlers = Registry()
    handlers.add("write", write, transactional=True)
    GATES.renew()
    with make_stack(servers, handlers, transport, concurrency=0) as made:
        make_effect_table(made.conn)
        with (
            proxied(made.settings.dsn) as (proxy, dsn),
            worker(made.settings_with(dsn=dsn), handlers),
        ):
            instance = run_single(
                made,
                "lost",
                "write",
                f"with: {{gate: lost-{loses}}}",
                "retry: {attempts: 2, backoff: 10ms}",
            )
            GATES[f"lost-{loses}"].await_arrivals()
            proxy.set_trap(Trap(b"commit\0", loses))
            GATES[f"lost-{loses}"].open()
            assert ends(made, instance) == "SUCCEEDED"
            assert proxy.sprung.is_set()
        assert effects_of(made, instance) == 1
        assert task_of(made.conn, instance, "only")["attempts"] == attempts


def test_an_abort_while_the_connection_is_lost_is_quiet(dsn: str) -> None:
    # The lease's end aborts handlers whose connections Postgres may be ending at that moment; an
    # error here would leave the attempts behind it running.
    with closing(psycopg.connect(dsn, autocommit=True)) as control:
        for _ in range(50):
            session = Session(Connection.connect(dsn, autocommit=True))
            pid = session.sync.info.backend_pid
            waiting = Thread(target=_sleep_until_ended, args=(session,))
            waiting.start()
            wait_until(lambda: _is_active(control, pid), "the handler's statement")  # noqa: B023
            ending = Thread(target=control.execute, args=(END, (pid,)))
            ending.start()
            session.abort()
            for thread in (waiting, ending):
                thread.join()
            session.close()


END = "select pg_terminate_backend(%s)"


def _is_active(control: psycopg.Connection[Any], pid: int) -> bool:
    found = control.execute(
        "select from pg_stat_activity where pid = %s and state = 'active'", (pid,)
    )
    return found.rowcount == 1


def _sleep_until_ended(session: Session) -> None:
    with suppress(psycopg.Error):
        session.sync.execute("select pg_sleep(60)")
