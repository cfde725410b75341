"""The sessions of transactional handlers: Postgres itself ends one whose process stands still."""

import threading
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import psycopg
import pytest
from psycopg import rows, sql
from psycopg.conninfo import make_conninfo
from psycopg.types.string import TextLoader

from onceflow.engine.pool import connect as connect_as_worker
from onceflow.engine.sessions import Connection
from onceflow.engine.settings import Settings
from onceflow.worker.attempts import transactions
from onceflow.worker.attempts.transactions import Session, Sessions

from ...conftest import Connect
from ...support import wait_until


@pytest.fixture
def conn(settings: Settings) -> Iterator[Connection]:
    with closing(connect_as_worker(settings, "test", statement_timeout=0)) as opened:
        yield opened


def test_a_transaction_left_alone_is_ended_by_postgres(connect: Connect, conn: Connection) -> None:
    observer = connect()
    session = Session(conn)
    session.begin("marker", 0.1 - transactions.MARGIN)
    pid = conn.info.backend_pid

    def gone() -> bool:
        rows = observer.execute("select 1 from pg_stat_activity where pid = %s", (pid,))
        return not rows.fetchall()

    wait_until(gone, "the end of the idle transaction", 10)
    session.close()


def test_all_limits_are_those_of_the_transaction(conn: Connection) -> None:
    session = Session(conn)
    session.begin("marker", 8.0)
    names = ["statement_timeout", "idle_in_transaction_session_timeout"]
    if conn.info.server_version >= 170_000:
        names.append("transaction_timeout")
    shown = [conn.execute("select current_setting(%s)", (name,)).fetchone() for name in names]
    assert shown == [("10s",)] * len(names)
    conn.execute("rollback")
    left = [conn.execute("select current_setting(%s)", (name,)).fetchone() for name in names]
    assert left == [("0",)] * len(names)
    session.close()


SETS = (
    ("search_path", "pg_temp"),
    ("timezone", "Asia/Kolkata"),
    ("datestyle", "SQL, DMY"),
    ("statement_timeout", "1ms"),
    ("synchronous_commit", "off"),
    ("session_replication_role", "replica"),
    ("default_transaction_isolation", "serializable"),
    ("mine.own", "of an instance"),
)


def test_nothing_of_one_handler_reaches_the_next(settings: Settings, connect: Connect) -> None:
    watcher = connect()
    watcher.execute("create role onceflow_test_other; grant onceflow_test_other to current_user")
    sessions = Sessions(replace(settings, sql_search_path="public, other"))
    try:
        session = sessions.take(threading.Event())
        asked = sql.SQL("select {}").format(
            sql.SQL(", ").join(
                sql.SQL("nullif(current_setting({}, true), '')").format(n) for n, _ in SETS
            )
        )
        clean = session.sync.execute(asked).fetchone()
        session.begin("marker", 60)
        view = session.lend(asynchronous=False)
        assert isinstance(view, psycopg.Connection)
        view.row_factory = rows.dict_row
        view.adapters.register_loader("int4", TextLoader)
        view.prepare_threshold = 3
        view.execute("create temp table secret as select 1 as n")
        view.execute("create sequence counted; select nextval('counted')")
        view.execute("prepare mine as select 1")
        view.execute("declare c cursor with hold for select 1")
        view.execute("listen onceflow_test; select pg_advisory_lock(42)")
        for name, value in SETS:
            view.execute("select set_config(%s, %s, false)", (name, value))
        view.execute("set role onceflow_test_other")
        session.sync.execute("commit")
        watcher.execute("notify onceflow_test")
        sessions.put(session)

        again = sessions.take(threading.Event())
        assert again is session, "it is lent again"
        assert session.sync.execute(asked).fetchone() == clean
        assert clean is not None
        assert clean[0] == "public, other"
        own = watcher.execute("select current_user").fetchone()
        assert session.sync.execute("select current_user").fetchone() == own
        (held,) = watcher.execute(
            "select count(*) from pg_locks where locktype = 'advisory' and pid = %s",
            (session.sync.info.backend_pid,),
        ).fetchone() or (None,)
        assert held == 0
        session.begin("marker", 60)
        view = session.lend(asynchronous=False)
        assert isinstance(view, psycopg.Connection)
        for left in (
            "select from pg_prepared_statements",
            "select from pg_cursors where name = 'c'",
            "select pg_listening_channels()",
            "select from pg_class where relname = 'secret' and pg_table_is_visible(oid)",
        ):
            assert view.execute(left).rowcount == 0, left
        assert view.execute("select 1").fetchone() == (1,), "row factory and adapters are new"
        with pytest.raises(psycopg.errors.ObjectNotInPrerequisiteState):
            view.execute("select currval('counted')")
        session.sync.execute("rollback")
        sessions.put(session)
    finally:
        sessions.close()
        watcher.execute("drop role onceflow_test_other")


def test_a_view_that_a_handler_kept_is_of_no_use_later(settings: Settings) -> None:
    sessions = Sessions(settings)
    session = sessions.take(threading.Event())
    session.begin("marker", 60)
    kept = session.lend(asynchronous=False)
    session.sync.execute("rollback")
    sessions.put(session)
    session.begin("marker", 60)
    session.lend(asynchronous=True)
    assert isinstance(kept, psycopg.Connection)
    assert kept.closed
    with pytest.raises(psycopg.OperationalError, match="closed"):
        kept.execute("create table of_another ()")
    session.close()
    sessions.close()


def test_what_a_handler_set_is_not_met_by_the_completion(conn: Connection) -> None:
    session = Session(conn)
    session.begin("marker", 60)
    view = session.lend(asynchronous=False)
    assert isinstance(view, psycopg.Connection)
    view.execute("set local datestyle = 'German'; set local array_nulls = off; set role none")
    view.execute("set search_path = public")
    conn.rely(statement_timeout="7s")
    names = ("datestyle", "array_nulls", "statement_timeout", "search_path")
    shown = [conn.execute("select current_setting(%s)", (name,)).fetchone() for name in names]
    assert shown == [("ISO, MDY",), ("on",), ("7s",), ("public",)]
    conn.execute("rollback")
    session.take_back()
    session.close()


def test_a_table_of_a_handler_lands_among_the_users(settings: Settings, connect: Connect) -> None:
    """Even where the role is named like the engine's schema, which its own search_path finds."""
    owner = connect()
    owner.execute("create role onceflow superuser login password 'x'")
    try:
        dsn = make_conninfo(settings.dsn, user="onceflow", password="x")
        sessions = Sessions(replace(settings, dsn=dsn))
        session = sessions.take(threading.Event())
        session.begin("marker", 60)
        view = session.lend(asynchronous=False)
        assert isinstance(view, psycopg.Connection)
        view.execute("create table mine (n int)")
        found = view.execute("select 'mine'::regclass::text, to_regclass('onceflow.mine')")
        assert found.fetchone() == ("mine", None)
        assert view.execute("select to_regclass('public.mine')::text").fetchone() == ("mine",)
        session.sync.execute("rollback")
        sessions.put(session)
        sessions.close()
    finally:
        owner.execute("drop role onceflow")
