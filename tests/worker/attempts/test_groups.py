"""Transactional handlers that share a transaction: what one does costs none of the others."""

from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any, Literal
from uuid import UUID

import psycopg
import pytest

from onceflow.engine.calls import Failure, cancel_instances, fail_tasks
from onceflow.engine.settings import Settings
from onceflow.worker import Context, Later, PermanentError, RetryableError
from onceflow.worker.attempts import shared_transaction

from ...servers import Servers, create_database, drop_database
from ...support import wait_until
from ...transports import use
from ..proxy import Trap, proxied
from ..support import Conn, Gate, task_of
from .turns import Turn, prepare, runs, turn

ALL = ["SUCCEEDED"] * 5


@pytest.fixture(scope="module")
def base(servers: Servers) -> Iterator[Settings]:
    database = create_database(servers, migrated=True)
    with closing(database.connect()) as conn:
        use(conn, "postgres")
        prepare(conn)
    yield Settings(dsn=database.dsn, transport="postgres", prefix="groups", lease=60.0)
    drop_database(servers, database.name)


@pytest.fixture
def conn(base: Settings) -> Iterator[Conn]:
    with psycopg.connect(base.dsn, autocommit=True) as opened:
        yield opened


@pytest.fixture
def one(base: Settings, conn: Conn) -> Iterator[Turn]:
    with turn(base, conn) as made:
        yield made


def nothing(n: int, ctx: Context) -> int:
    return n


def first_run(ctx: Context) -> bool:
    return runs([ctx.instance_id]) == [1]


def without(ids: list[UUID], n: int) -> list[UUID]:
    return ids[:n] + ids[n + 1 :]


def require_once(made: Turn, ids: list[UUID]) -> None:
    """Require that all have succeeded at their first attempt, with one effect each."""
    assert set(made.states(ids)) == {"SUCCEEDED"}
    assert [len(xids) for xids in made.done(ids)] == [1] * len(ids)
    assert made.attempts(ids) == {1}


@pytest.mark.parametrize("workflow", ["member", "member_async"])
def test_quick_handlers_of_one_turn_share_one_transaction(one: Turn, workflow: str) -> None:
    ids = one.run(nothing, workflow=workflow)
    require_once(one, ids)
    assert len({xids[0] for xids in one.done(ids)}) == 1
    assert one.counters.snapshot()["completed"] == 5
    assert one.registration.grants.snapshot()[0] == []


def test_a_handler_that_wants_to_be_alone_is(one: Turn) -> None:
    ids = one.run(nothing, workflow="hermit")
    require_once(one, ids)
    assert len({xids[0] for xids in one.done(ids)}) == 5


def test_one_that_has_little_time_is_alone(one: Turn) -> None:
    ids = one.run(nothing, workflow="limited")
    require_once(one, ids)
    assert len({xids[0] for xids in one.done(ids)}) == 5


# guarantee: group-new-alone
def test_what_is_new_is_presumed_quick(one: Turn) -> None:
    ids = one.begin(nothing, known=False)
    one.end()
    require_once(one, ids)
    assert len({xids[0] for xids in one.done(ids)}) == 1


# guarantee: group-new-slow
# guarantee: group-one-new-slow
@pytest.mark.parametrize("first", [1, 5])
def test_what_is_new_and_slow_has_others_wait_once(one: Turn, first: int) -> None:
    gate = Gate()
    ids = one.begin(lambda n, ctx: gate.wait(), first, known=False)
    gate.await_arrivals()
    one.cut()
    ids += one.begin(lambda n, ctx: gate.wait(), 6 - first, known=False)
    gate.await_arrivals(5)  # all of them, at once
    gate.open()
    one.end()
    require_once(one, ids)
    assert len({xids[0] for xids in one.done(ids)}) == 6


@pytest.mark.parametrize("how", ["raises", "statement", "swallowed", "output"])
def test_one_that_fails_costs_itself_alone(one: Turn, how: str) -> None:
    def act(n: int, ctx: Context) -> str:
        if n == 2 and how == "raises":
            raise PermanentError("not this one", code="no")
        if n == 2 and how == "statement":
            ctx.connection.execute("select 1/0")
        if n == 2 and how == "swallowed":
            with suppress(psycopg.Error):
                ctx.connection.execute("select 1/0")
        return "\0" if n == 2 and how == "output" else "done"

    ids = one.run(act)
    require_once(one, without(ids, 2))
    assert one.done(ids)[2] == []
    error = task_of(one.conn, ids[2], "only")["error"]
    codes = {"raises": "no", "statement": "exception.DivisionByZero"}
    codes |= {"swallowed": "transaction.ended", "output": "output.refused"}
    assert error["code"] == codes[how]
    shared = {xids[0] for xids in one.done(without(ids, 2))}
    assert len(shared) == (5 - 1 if how == "output" else 1)


def test_a_failure_is_told_only_when_what_it_saw_stands(one: Turn) -> None:
    def act(n: int, ctx: Context) -> None:
        if n == 0 and not first_run(ctx):
            raise RetryableError("the second time it does not do it")
        if n == 1:
            key = f"{ids_of[0]}/only"
            found = ctx.connection.execute("select from done where key = %s", (key,))
            if found.rowcount:
                raise PermanentError("it is there already", code="there")
        if n == 2 and first_run(ctx):
            ctx.connection.execute("select pg_terminate_backend(pg_backend_pid())")

    ids_of: list[UUID] = []
    ready = Gate()

    def wait_and_act(n: int, ctx: Context) -> None:
        ready.wait()
        act(n, ctx)

    ids_of += one.begin(wait_and_act)
    ready.open()
    one.end()
    assert one.states(ids_of)[:2] == ["RETRYING", "SUCCEEDED"]
    require_once(one, ids_of[1:])


def hold_the_third(one: Turn) -> tuple[Gate, list[UUID]]:
    """Begin a turn of which the third waits at the gate, and those behind it have ended."""
    gate = Gate()

    def act(n: int, ctx: Context) -> None:
        if n == 2:
            gate.wait()

    ids = one.begin(act)
    gate.await_arrivals()
    one.cut()
    wait_until(lambda: one.states(ids[3:]) == ALL[3:], "the end of those behind it", 10)
    return gate, ids


def test_those_behind_a_slow_one_do_not_wait_for_it(one: Turn) -> None:
    gate, ids = hold_the_third(one)
    assert one.done(ids)[:3] == [[], [], []], "they are not committed yet"
    gate.open()
    one.end()
    require_once(one, ids)
    first = [xids[0] for xids in one.done(ids)]
    assert len(set(first[:3])) == 1
    assert first[3] not in first[:3]


def test_those_before_a_slow_one_do_not_wait_for_ever(one: Turn) -> None:
    gate = Gate()

    def act(n: int, ctx: Context) -> None:
        if n == 2 and first_run(ctx):
            gate.wait()

    ids = one.begin(act)
    gate.await_arrivals()
    one.cut()
    one.free_hostages()
    others = without(ids, 2)
    wait_until(lambda: one.states(others) == ALL[1:], "the end of all others", 10)
    require_once(one, others)
    gate.open()
    one.end()
    require_once(one, ids)
    assert runs(ids) == [2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    "how", ["commit", "commit; begin", "rollback", "rollback; begin", "method"]
)
def test_one_that_ends_the_transaction_ends_its_own_alone(one: Turn, how: Any) -> None:
    def act(n: int, ctx: Context) -> None:
        if n == 2:
            with suppress(psycopg.Error):
                ctx.connection.commit() if how == "method" else ctx.connection.execute(how)

    ids = one.run(act)
    require_once(one, without(ids, 2))
    error = task_of(one.conn, ids[2], "only")["error"]
    assert (error["code"], error["unknown"]) == ("transaction.ended", True)
    again = one.run(act)
    assert runs(again)[:2] == [1, 1], "it is in no group any more"


def test_a_deferred_constraint_blames_whom_it_concerns(one: Turn) -> None:
    one.conn.execute(
        "create table late (n int unique deferrable initially deferred,"
        " m int unique deferrable initially immediate)"
    )

    def act(n: int, ctx: Context) -> str:
        do = ctx.connection.execute
        if n == 0:
            do("set constraints all deferred")
            do("insert into late values (1, 1)")
        if n == 1:  # what is deferred, is so, and holds in the end
            do("insert into late values (2, 2), (2, 3); delete from late where m = 3")
        if n == 2:  # does not hold
            do("insert into late values (1, 4)")
        if n == 3:  # what is immediate, is so again
            with pytest.raises(psycopg.errors.UniqueViolation), ctx.connection.transaction():
                do("insert into late values (5, 1)")
        return "done"

    ids = one.run(act)
    require_once(one, without(ids, 2))
    assert len({xids[0] for xids in one.done(without(ids, 2))}) == 1
    row = task_of(one.conn, ids[2], "only")
    assert (row["error"]["code"], row["attempts"]) == ("output.refused", 1)
    one.conn.execute("drop table late")


SETS = (
    "set search_path = pg_temp; set timezone = 'Asia/Kolkata'",
    "select set_config('mine.own', 'secret', false), set_config('datestyle', 'German', true)",
    "create temp table secret as select 1 as n; prepare mine as select 1",
    "declare c cursor with hold for select 1; listen onceflow_groups",
    "select pg_advisory_lock(815); set session_replication_role = replica; set role onceflow_other",
    "set local statement_timeout = '1ms'",
)
ASKED = """
select current_setting('search_path'), current_setting('timezone'), current_setting('datestyle'),
    current_setting('statement_timeout') = '1ms', coalesce(current_setting('mine.own', true), ''),
    current_setting('session_replication_role'), current_user = session_user,
    to_regclass('pg_temp.secret') is null, (select count(*) from pg_prepared_statements),
    (select count(*) from pg_cursors where name = 'c'),
    (select count(*) from pg_locks
        where locktype = 'advisory' and objid = 815 and pid = pg_backend_pid())
"""


@pytest.mark.parametrize("fails", [False, True])
def test_nothing_of_one_handlers_session_reaches_the_next(one: Turn, fails: bool) -> None:
    seen: list[Any] = []

    def act(n: int, ctx: Context) -> None:
        if n in (0, 2):
            ctx.connection.row_factory = psycopg.rows.dict_row  # type: ignore[assignment]
            for statement in SETS:
                ctx.connection.execute(statement.encode())
            if fails:
                raise PermanentError("and then it fails")
        else:
            seen.append(ctx.connection.execute(ASKED.encode()).fetchone())

    one.conn.execute("create role onceflow_other")
    try:
        ids = one.run(act)
    finally:
        one.conn.execute("drop role onceflow_other")
    expected = ("public", "UTC", "ISO, MDY", False, "", "origin", True, True, 0, 0, 0)
    assert seen == [expected] * 3
    assert runs(ids) == [1] * 5
    succeeded = [ids[n] for n in (1, 3, 4)]
    require_once(one, succeeded if fails else ids)


def test_a_context_that_was_kept_is_of_no_use_to_the_next(one: Turn) -> None:
    kept: list[Context] = []

    def act(n: int, ctx: Context) -> None:
        if n == 1:
            with pytest.raises(psycopg.OperationalError, match="closed"):
                kept[0].connection.execute("delete from done")
        kept.append(ctx)

    require_once(one, one.run(act))


@pytest.mark.parametrize(("loses", "times"), [("reply", 1), ("request", 2)])
def test_after_a_lost_commit_each_is_asked_for(
    base: Settings, conn: Conn, loses: Literal["reply", "request"], times: int
) -> None:
    gate = Gate()

    def act(n: int, ctx: Context) -> None:
        if n == 0:
            gate.wait()

    with proxied(base.dsn) as (proxy, dsn), turn(replace(base, dsn=dsn), conn) as made:
        ids = made.begin(act)
        gate.await_arrivals()
        proxy.set_trap(Trap(b"commit\0", loses))
        gate.open()
        made.end()
        assert proxy.sprung.is_set()
        require_once(made, ids)
        assert runs(ids) == [times] * 5


def test_a_connection_that_is_lost_in_the_middle_costs_no_attempt(one: Turn) -> None:
    def act(n: int, ctx: Context) -> None:
        if n == 2 and first_run(ctx):
            ctx.connection.execute("select pg_terminate_backend(pg_backend_pid())")

    ids = one.run(act)
    require_once(one, ids)
    assert runs(ids) == [2, 2, 2, 1, 1]


def test_one_that_the_engine_does_not_accept_is_rolled_back_alone(one: Turn) -> None:
    def act(n: int, ctx: Context) -> None:
        if n == 2 and first_run(ctx):  # somebody else ends it, as for a worker that seems dead
            ((fence,),) = one.conn.execute(
                "select fence from onceflow.task where instance_id = %s", (ctx.instance_id,)
            ).fetchall()
            error = {"code": "twin", "message": "dead"}
            fail_tasks(one.conn, [Failure(ctx.instance_id, "only", fence, error, True)])

    ids = one.run(act)
    require_once(one, without(ids, 2))
    assert one.states(ids)[2] == "RETRYING"
    assert one.done(ids)[2] == []
    assert one.counters.snapshot()["stale"] == 1


def test_the_end_of_one_instance_is_no_matter_of_the_others(one: Turn) -> None:
    def act(n: int, ctx: Context) -> None:
        if n == 2:
            cancel_instances(one.conn, [ctx.instance_id])
            for attempt in one.running.all():
                if attempt.grant.instance_id == ctx.instance_id:
                    attempt.stop("its instance is ending")
            ctx.raise_if_cancelled()

    ids = one.run(act)
    require_once(one, without(ids, 2))
    assert one.states(ids)[2] == "CANCELLED"
    assert one.done(ids)[2] == []
    assert runs(ids) == [1] * 5


def test_one_past_its_time_is_ended_alone(one: Turn) -> None:
    gate, ids = hold_the_third(one)
    (slow,) = [a for a in one.running.all() if a.grant.instance_id == ids[2]]
    one.executor.time_out(slow, 300.0)
    others = without(ids, 2)
    wait_until(lambda: one.states(others) == ALL[1:], "the end of all others", 10)
    require_once(one, others)
    gate.open()
    one.end()
    row = task_of(one.conn, ids[2], "only")
    assert (row["state"], row["error"]["code"]) == ("RETRYING", "timeout")
    assert one.done(ids)[2] == []


@pytest.mark.parametrize("how", ["lease", "stop"])
def test_what_ends_with_the_lease_or_the_worker_runs_no_more(one: Turn, how: str) -> None:
    gate = Gate()

    def act(n: int, ctx: Context) -> None:
        if n == 2:
            gate.wait()

    ids = one.begin(act)
    gate.await_arrivals()
    one.cut()
    wait_until(lambda: one.states(ids[3:]) == ALL[3:], "the end of those behind it", 10)
    if how == "lease":
        one.registration.lost.set()
        assert one.executor.drop(one.registration, "the test says so") == 3
    else:  # all that runs is given back
        left = [attempt for attempt in one.running.all() if attempt.settle()]
        assert len(left) == 3
        for attempt in left:
            attempt.stop("the worker stops")
            one.running.remove(attempt)
    gate.open()
    one.end()
    assert one.done(ids[:3]) == [[], [], []]
    assert one.states(ids[:3]) == ["RUNNING"] * 3
    assert runs(ids[:3]) == [1, 1, 1]


def test_one_that_waits_for_a_lock_lets_go_of_the_others(
    one: Turn, base: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shared_transaction, "LOCK_PATIENCE", 0.05)
    one.conn.execute("create table held (n int); insert into held values (1)")

    def act(n: int, ctx: Context) -> None:
        if n == 2:
            ctx.connection.execute("update held set n = n + 1")

    with psycopg.connect(base.dsn) as holder:
        holder.execute("select from held for update")
        ids = one.begin(act)
        others = without(ids, 2)
        wait_until(lambda: one.states(others) == ALL[1:], "the end of all others", 10)
    one.end()
    require_once(one, ids)
    assert runs(ids) == [1, 1, 2, 1, 1]
    one.conn.execute("drop table held")


@pytest.mark.parametrize("patience", [0.05, 30.0])
def test_groups_that_cross_each_other_cost_no_attempt(
    one: Turn, base: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch, patience: float
) -> None:
    """With more patience than Postgres has, it is Postgres that finds the deadlock."""
    monkeypatch.setattr(shared_transaction, "LOCK_PATIENCE", patience)
    conn.execute("create table crossed (n int); insert into crossed values (0), (1)")
    gates = Gate(), Gate()

    def acts(first: int) -> Any:
        def act(n: int, ctx: Context) -> None:
            row = first if n == 0 else 1 - first
            ctx.connection.execute("update crossed set n = n where n = %s", (row,))
            if n == 0 and first_run(ctx):
                gates[first].wait()

        return act

    with turn(base, conn) as other:
        ids = one.begin(acts(0), 2), other.begin(acts(1), 2)
        for gate in gates:
            gate.await_arrivals()
        for gate in gates:
            gate.open()
        one.end()
        other.end()
    for those in ids:
        require_once(one, those)
    conn.execute("drop table crossed")


def test_what_comes_later_waits_in_the_same_commit(one: Turn) -> None:
    def act(n: int, ctx: Context) -> Any:
        return Later(3600) if n == 2 else n

    ids = one.run(act)
    assert one.states(ids) == ["SUCCEEDED"] * 2 + ["WAITING"] + ["SUCCEEDED"] * 2
    assert len({xids[0] for xids in one.done(ids)}) == 1
