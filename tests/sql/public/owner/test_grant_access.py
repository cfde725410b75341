"""grant_access: what each kind of process or person may do, and no more"""

import secrets
from collections.abc import Callable, Iterator

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Event, Key
from onceflow.engine.errors import BadArgument

from ... import rooms
from ...play import Connection, Play, Worker, execute, take_messages, tick
from ...workflows import Step, sequence, workflow

TABLES = (
    "instance",
    "task",
    "task_log",
    "outbox",
    "worker",
    "idempotency_key",
    "workflow",
    "queue",
)
AsRole = Callable[[str], Connection]


@pytest.fixture
def as_role(play: Play, open_conn: Callable[[], Connection]) -> Iterator[AsRole]:
    """A function that makes a role with access of a kind, and a connection that is this role."""
    roles: list[str] = []

    def connect(kind: str) -> Connection:
        role = f"onceflow_test_{secrets.token_hex(6)}"
        execute(play.conn, f"create role {role}")
        roles.append(role)
        if kind:
            play.conn.execute("select onceflow.grant_access(%s, %s)", (role, kind))
        conn = open_conn()
        execute(conn, f"set role {role}")
        return conn

    yield connect
    for role in roles:
        execute(play.conn, f"drop owned by {role}")
        execute(play.conn, f"drop role {role}")


@pytest.mark.parametrize("kind", ["", "worker", "relay", "client", "operator"])
def test_tables_stay_private_to_everybody(play: Play, as_role: AsRole, kind: str) -> None:
    conn = as_role(kind)
    for table in TABLES:
        for statement in (f"select from onceflow.{table}", f"delete from onceflow.{table}"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                execute(conn, statement)


@pytest.mark.parametrize("kind", ["worker", "relay", "client", "operator"])
def test_each_kind_may_call_what_is_in_its_room(as_role: AsRole, kind: str) -> None:
    rows = as_role(kind).execute(
        "select proname from pg_proc p where pronamespace = 'onceflow'::regnamespace"
        " and has_function_privilege(p.oid, 'execute')"
    )
    assert {name for (name,) in rows.fetchall()} == rooms.open_to(kind)


@pytest.mark.parametrize("kind", ["worker", "relay", "client", "operator"])
def test_each_kind_may_read_the_views_that_say_so(as_role: AsRole, kind: str) -> None:
    """Clients and operators all; a worker or a relay what the health check looks at in its name."""
    rows = as_role(kind).execute(
        "select relname from pg_class c where relnamespace = 'onceflow'::regnamespace"
        " and relkind = 'v' and has_table_privilege(c.oid, 'select')"
    )
    assert {name for (name,) in rows.fetchall()} == {
        name for name in rooms.VIEWS if kind in rooms.readers(name)
    }


def test_who_was_granted_nothing_can_do_nothing(play: Play, as_role: AsRole) -> None:
    conn = as_role("")
    for statement in ("select onceflow.fire_timers(1)", "select * from onceflow.instances"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(conn, statement)


def test_a_worker_can_live_a_whole_life_and_nothing_else(play: Play, as_role: AsRole) -> None:
    instance = play.begin(workflow(Step("a"), Step("b"), Step("c"), Step("d", ("a",))))
    messages = take_messages(play.conn)
    conn = as_role("worker")
    worker = Worker(conn)
    a, b, c = worker.claim(*messages)
    (answer,), (d,) = worker.complete_and_take(a)
    assert answer.answer == "accepted"
    assert worker.fail(b)[0].state == "RETRYING"
    assert worker.give_back(c)[0].state == "QUEUED"
    calls.publish_events(conn, [Event("t", None, "v", {}, "1")])
    calls.quarantine_messages(conn, [calls.BadMessage("t", 0, 1, b"x", "bad")])
    assert worker.renew(d.fence) == []
    (outcome,) = calls.read_outcomes(conn, [calls.Fenced(instance, "d", d.fence)])
    assert outcome.answer == "running"
    worker.stop()
    forbidden: list[Callable[[], object]] = [
        lambda: calls.start_instances(conn, "flow", [{}]),
        lambda: calls.cancel_instances(conn, [instance]),
        lambda: calls.take_outbox(conn, 1),
        lambda: calls.fire_timers(conn, 1),
        lambda: execute(conn, "select * from onceflow.tasks"),
        lambda: execute(conn, "select onceflow.set_clock(now())"),
        lambda: execute(conn, "select onceflow.lock_instances('{}')"),
        lambda: execute(conn, "select onceflow.finish_transition('{}', '{}')"),
    ]
    for call in forbidden:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            call()


def test_a_relay_ships_and_turns_the_clock_and_nothing_else(play: Play, as_role: AsRole) -> None:
    instance = play.begin(sequence("a"))
    conn = as_role("relay")
    (row,) = calls.take_outbox(conn, 10)
    calls.defer_outbox(conn, [row.id], ["later"])
    calls.drop_outbox(conn, [row.id])
    assert calls.list_queues(conn) == ["default"]
    calls.requeue_lost_tasks(conn, "default", calls.read_watermark(conn), 1)
    tick(conn)
    calls.ensure_partitions(conn)
    forbidden: list[Callable[[], object]] = [
        lambda: Worker(conn),
        lambda: calls.cancel_instances(conn, [instance]),
        lambda: execute(conn, "select * from onceflow.instances"),
    ]
    for call in forbidden:
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            call()


def test_a_client_deploys_starts_and_reads_every_view(play: Play, as_role: AsRole) -> None:
    conn = as_role("client")
    calls.register_workflow(conn, sequence("a"))
    (started,) = calls.start_instances(conn, "flow", [{}])
    play.take(started.instance_id, "a")
    assert calls.explain_instance(conn, started.instance_id)
    views = play.rows(
        "select relname from pg_class"
        " where relnamespace = 'onceflow'::regnamespace and relkind = 'v'"
        " and relname not in ('grants', 'audit')"
    )
    for (view,) in views:
        execute(conn, f"select * from onceflow.{view}").fetchall()
    for view in ("grants", "audit"):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(conn, f"select * from onceflow.{view}")
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        calls.cancel_instances(conn, [started.instance_id])


def test_an_operator_decides_what_a_client_cannot(play: Play, as_role: AsRole) -> None:
    instance = play.begin(workflow(Step("a"), on_failure="suspend"))
    conn = as_role("operator")
    play.fail(instance, "a")
    assert calls.redrive_dead_letters(conn, [Key(instance, "a")])[0].outcome == "done"
    assert calls.suspend_instances(conn, [instance])[0].outcome == "done"
    assert calls.resume_instances(conn, [instance])[0].outcome == "done"
    assert calls.cancel_instances(conn, [instance])[0].outcome == "done"
    assert calls.check_instances(conn) == []
    rows = conn.execute("select state from onceflow.instances").fetchall()
    assert rows == [("CANCELLED",)]
    calls.skip_dead_letters(conn, [], [])
    calls.discard_dead_letters(conn, [])
    calls.release_quarantine(conn, 0, [])
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        Worker(conn)


# guarantee: role-without-timeout
@pytest.mark.parametrize("kind", ["worker", "relay", "client", "operator"])
def test_a_role_of_any_kind_has_a_statement_timeout_unless_it_has_one(
    play: Play, as_role: AsRole, kind: str
) -> None:
    conn = as_role(kind)
    ((role,),) = execute(conn, "select current_user").fetchall()
    settings = play.value("select rolconfig from pg_roles where rolname = %s", role)
    assert settings == ["statement_timeout=30s"]
    execute(play.conn, f"alter role {role} set statement_timeout = '5s'")
    play.conn.execute("select onceflow.grant_access(%s, %s)", (role, kind))
    settings = play.value("select rolconfig from pg_roles where rolname = %s", role)
    assert settings == ["statement_timeout=5s"]


# guarantee: role-with-temp
@pytest.mark.parametrize("kind", ["worker", "relay", "client", "operator"])
def test_a_role_of_any_kind_makes_no_temporary_tables(as_role: AsRole, kind: str) -> None:
    with pytest.raises(psycopg.errors.InsufficientPrivilege, match="temporary tables"):
        execute(as_role(kind), "create temp table t (a int)")


def test_it_can_be_repeated(play: Play, as_role: AsRole) -> None:
    conn = as_role("operator")
    ((role,),) = execute(conn, "select current_user").fetchall()
    counts = [play.value("select onceflow.grant_access(%s, 'operator')", role) for _ in range(2)]
    assert counts[0] == counts[1] > 10


def test_a_kind_or_a_role_that_is_not_there_is_refused(play: Play) -> None:
    with pytest.raises(BadArgument, match="there is no kind of access 'god'"):
        calls.base.fetch(play.conn, "select onceflow.grant_access('postgres', 'god')")
    with pytest.raises(psycopg.errors.UndefinedObject):
        play.conn.execute("select onceflow.grant_access('nobody_at_all', 'worker')")
