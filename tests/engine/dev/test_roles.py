"""The logins of an embedded Postgres, and sql/roles.sql, which makes them."""

from contextlib import closing

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.dev.roles import GRANTS, OWNER, make_roles
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

OTHERS = """
    select c.oid::regclass::text from pg_class c join pg_namespace n on n.oid = c.relnamespace
     where n.nspname ~ '^onceflow' and c.relowner <> to_regrole(%(owner)s)
    union all
    select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
     where n.nspname ~ '^onceflow' and p.proowner <> to_regrole(%(owner)s)
    union all
    select t.oid::regtype::text from pg_type t join pg_namespace n on n.oid = t.typnamespace
     where n.nspname ~ '^onceflow' and t.typowner <> to_regrole(%(owner)s)
    union all
    select n.nspname from pg_namespace n
     where n.nspname ~ '^onceflow' and n.nspowner <> to_regrole(%(owner)s)"""


def test_a_schema_that_a_superuser_has_migrated_becomes_the_owners(
    own_postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    migrate(Settings(dsn=own_postgres.dsn))
    logins = make_roles(own_postgres.dsn)
    with closing(psycopg.connect(logins["owner"], autocommit=True)) as owner:
        assert owner.execute(OTHERS, {"owner": OWNER}).fetchall() == []
        done = migrate(Settings(dsn=logins["owner"]), grants=GRANTS)
        assert done.applied == []
        calls.ensure_partitions(owner)
        assert owner.execute(OTHERS, {"owner": OWNER}).fetchall() == []
    assert make_roles(own_postgres.dsn) == logins
    assert [r.getMessage() for r in caplog.records if r.levelname == "WARNING"] == []


def test_each_login_does_its_own_work_and_no_others(own_postgres: EmbeddedPostgres) -> None:
    logins = make_roles(own_postgres.dsn)
    migrate(Settings(dsn=logins["owner"]), grants=GRANTS)
    work = {
        "api": "select count(*) from onceflow.instances",
        "relay": "select onceflow.fire_timers(1)",
        "worker": "select onceflow.require_transport('kafka') from onceflow.workers",
    }
    for process in work:
        with closing(psycopg.connect(logins[process], autocommit=True)) as conn:
            for other, statement in work.items():
                if other == process:
                    conn.execute(statement.encode())
                else:
                    with pytest.raises(psycopg.errors.InsufficientPrivilege):
                        conn.execute(statement.encode())
            for statement in (
                "create temp table t (a int)",
                "create table public.t (a int)",
                "create schema mine",
                "create role other",
                "set role onceflow_owner",
                "select pg_read_file('PG_VERSION')",
            ):
                with pytest.raises(psycopg.errors.InsufficientPrivilege):
                    conn.execute(statement.encode())
            row = conn.execute("show statement_timeout").fetchone()
            assert row == ("30s",)


def test_a_workers_handlers_write_to_tables_that_the_owner_makes(
    own_postgres: EmbeddedPostgres,
) -> None:
    logins = make_roles(own_postgres.dsn)
    with closing(psycopg.connect(logins["owner"], autocommit=True)) as owner:
        owner.execute("create table public.account (id bigserial primary key, balance int)")
    with closing(psycopg.connect(logins["worker"], autocommit=True)) as worker:
        worker.execute("insert into public.account (balance) values (1)")
        worker.execute("update public.account set balance = balance + 1 returning id")
        worker.execute("delete from public.account")
    with (
        closing(psycopg.connect(logins["relay"], autocommit=True)) as relay,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        relay.execute("select from public.account")
