"""Migrations: from empty, twice, twenty at once, killed half way, refused."""

import os
import shutil
import signal
import subprocess
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from onceflow.engine.dev.supervisor import onceflow_argv
from onceflow.engine.errors import MigrationError, SchemaTooNew
from onceflow.engine.migrate import migrate
from onceflow.engine.migrations.applied import wait_for_schema
from onceflow.engine.settings import Settings
from onceflow.sql import FOLDER

from ..servers import Database, Servers
from ..sql.play import execute
from ..support import wait_until

MIGRATIONS = sorted(path.stem for path in (FOLDER / "migrations").glob("*.sql"))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A small schema of two migrations, two functions that call each other, and a view."""
    for part in ("migrations", "core/sums", "public/client", "public/views"):
        (tmp_path / part).mkdir(parents=True)
    (tmp_path / "migrations" / "0001-first.sql").write_text(
        "create schema onceflow; create table onceflow.thing (id int primary key);"
    )
    (tmp_path / "migrations" / "0002-second.sql").write_text(
        "alter table onceflow.thing add name text; insert into onceflow.thing values (1, 'one');"
    )
    (tmp_path / "public/client/a.sql").write_text(
        "create or replace function onceflow.a() returns int language sql as"
        " $$ select onceflow.b() + 1 $$;"
    )
    (tmp_path / "core/sums/b.sql").write_text(
        "create or replace function onceflow.b() returns int language sql as $$ select 1 $$;"
    )
    (tmp_path / "public/views/things.sql").write_text(
        "create or replace view onceflow.things as select id, name from onceflow.thing;"
    )
    return tmp_path


def assert_complete(database: Database) -> None:
    """Check that the real schema is there, once and whole."""
    with database.connect() as conn:
        marks = conn.execute(
            "select migration from onceflow_migrations.content order by 1"
        ).fetchall()
        assert [name for (name,) in marks] == MIGRATIONS
        assert conn.execute("select count(*) from onceflow.instances").fetchone() == (0,)
        marks = conn.execute(
            "select migration_id from onceflow_migrations._yoyo_migration order by 1"
        )
        assert [name for (name,) in marks.fetchall()] == MIGRATIONS, "and yoyo knows of each"


def test_from_empty_and_again(empty_database: Database) -> None:
    settings = Settings(dsn=empty_database.dsn)
    assert migrate(settings).applied == MIGRATIONS
    again = migrate(settings)
    assert again.applied == []
    assert again.functions > 0, "functions and views are applied every time"
    assert_complete(empty_database)


def test_twenty_at_once(empty_database: Database) -> None:
    settings = Settings(dsn=empty_database.dsn)
    with ThreadPoolExecutor(20) as threads:
        done = list(threads.map(migrate, [settings] * 20))
    applied = [name for one in done for name in one.applied]
    assert sorted(applied) == MIGRATIONS
    assert_complete(empty_database)


# guarantee: migrate-held-up
def test_a_stranger_does_not_hold_up_the_first_migrate_nor_the_next(
    empty_database: Database,
) -> None:
    """Whoever is connected may hold any advisory lock, and of our private tables none."""
    settings = Settings(dsn=empty_database.dsn)
    role = f"onceflow_stranger_{uuid.uuid4().hex[:8]}"
    with empty_database.connect() as conn, empty_database.connect() as stranger:
        execute(conn, f"create role {role}")
        execute(stranger, f"set role {role}")
        stranger.execute(
            "select pg_advisory_lock(hashtextextended('onceflow.' || name, 0)),"
            " pg_advisory_lock(hashtext('onceflow.' || name))"
            " from unnest(array['migrate', 'partitions', 'ensure_partitions', 'tick']) name"
        )
        for _ in range(2):
            migrating = threading.Thread(target=migrate, args=(settings,))
            migrating.start()
            migrating.join(40)
            ended = not migrating.is_alive()
            if not ended:
                stranger.execute("select pg_advisory_unlock_all()")
                migrating.join()
            assert ended, "migrate waited for a stranger"
        for table in ("onceflow_migrations.release", "onceflow_migrations.content"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege), stranger.transaction():
                execute(stranger, f"lock table {table} in row exclusive mode")
        execute(conn, f"drop role {role}")


@pytest.mark.parametrize("point", ["migrate.in_migration", "migrate.in_functions"])
def test_killed_half_way(empty_database: Database, point: str) -> None:
    env = {**os.environ, "ONCEFLOW_DSN": empty_database.dsn, "ONCEFLOW_FAILPOINT": point}
    killed = subprocess.run(onceflow_argv("migrate"), env=env, capture_output=True, check=False)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert f"failpoint {point}" in killed.stderr.decode()
    migrate(Settings(dsn=empty_database.dsn))
    assert_complete(empty_database)


def test_functions_may_call_later_ones(empty_database: Database, folder: Path) -> None:
    done = migrate(Settings(dsn=empty_database.dsn), folder=folder)
    assert done.applied == ["0001-first", "0002-second"]
    with empty_database.connect() as conn:
        assert conn.execute("select onceflow.a(), name from onceflow.things").fetchone() == (
            2,
            "one",
        )


def test_a_function_put_out_of_shape_is_put_right(empty_database: Database, folder: Path) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder)
    with empty_database.connect() as conn:
        conn.execute("create or replace function onceflow.b() returns int return 7")
        migrate(settings, folder=folder)
        assert conn.execute("select onceflow.b()").fetchone() == (1,)


def test_a_faulty_function_changes_nothing(empty_database: Database, folder: Path) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder)
    (folder / "core/sums/b.sql").write_text(
        "create or replace function onceflow.b() returns int language sql as $$ select 5 $$;"
    )
    (folder / "core/sums/c.sql").write_text(
        "create or replace function onceflow.c() returns int language plpgsql as"
        " $$ begin return onceflow.nowhere( end $$;"
    )
    with pytest.raises(MigrationError, match=r"onceflow\.c\(\) is faulty: "):
        migrate(settings, folder=folder)
    with empty_database.connect() as conn:
        assert conn.execute("select onceflow.b()").fetchone() == (1,)


def test_a_faulty_file_is_named_with_its_line(empty_database: Database, folder: Path) -> None:
    (folder / "public/views/things.sql").write_text(
        "create or replace view onceflow.things as\nselect id,\n nothing from onceflow.thing;"
    )
    with pytest.raises(MigrationError, match=r"public/views/things\.sql:3 failed: .*nothing"):
        migrate(Settings(dsn=empty_database.dsn), folder=folder)


def test_a_faulty_migration_leaves_nothing(empty_database: Database, folder: Path) -> None:
    second = folder / "migrations" / "0002-second.sql"
    good = second.read_text()
    second.write_text("create table onceflow.other (); create table onceflow.thing ();")
    settings = Settings(dsn=empty_database.dsn)
    with pytest.raises(MigrationError, match=r"0002-second\.sql failed: .*already exists"):
        migrate(settings, folder=folder)
    with empty_database.connect() as conn:
        assert conn.execute("select to_regclass('onceflow.other')").fetchone() == (None,)
    second.write_text(good)
    assert migrate(settings, folder=folder).applied == ["0002-second"]


def test_a_changed_migration_is_refused(empty_database: Database, folder: Path) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder)
    with (folder / "migrations" / "0001-first.sql").open("a") as file:
        file.write("create table onceflow.more ();")
    with pytest.raises(MigrationError, match=r"0001-first\.sql is not the file"):
        migrate(settings, folder=folder)


def test_a_schema_with_unknown_migrations_is_refused(
    empty_database: Database, folder: Path
) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder)
    older = shutil.copytree(folder, folder / "older")
    (older / "migrations" / "0002-second.sql").unlink()
    with pytest.raises(SchemaTooNew, match="0002-second"):
        migrate(settings, folder=older)
    wait_for_schema(settings, "test", folder=older, wait=0)  # but older processes go on working


def test_functions_of_a_newer_release_are_not_put_back(
    empty_database: Database, folder: Path
) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder, version="1.10.0")
    with pytest.raises(SchemaTooNew, match=r"of Onceflow 1\.10\.0, and this is 1\.9\.3"):
        migrate(settings, folder=folder, version="1.9.3")
    migrate(settings, folder=folder, version="1.10.1")


def test_a_lock_that_others_hold_is_waited_for(empty_database: Database, folder: Path) -> None:
    settings = Settings(dsn=empty_database.dsn)
    migrate(settings, folder=folder)
    (folder / "migrations" / "0003-third.sql").write_text("alter table onceflow.thing add x int;")
    with empty_database.connect() as holder, empty_database.connect() as other:
        with holder.transaction():
            holder.execute("select * from onceflow.thing")
            with pytest.raises(MigrationError, match="could not get the locks for a migration"):
                migrate(settings, folder=folder, patience=0)

            thread = threading.Thread(target=migrate, args=(settings,), kwargs={"folder": folder})
            thread.start()
            wait_until(lambda: is_waiting(other), "migrate to wait for the lock")
            # Nobody queues behind the DDL for longer than its lock_timeout.
            assert other.execute("select count(*) from onceflow.thing").fetchone() == (1,)
        thread.join(60)
        assert other.execute("select x from onceflow.thing").fetchone() == (None,)


def is_waiting(conn: psycopg.Connection[Any]) -> bool:
    found = conn.execute(
        "select count(*) from pg_stat_activity where datname = current_database()"
        " and wait_event_type = 'Lock' and application_name = 'onceflow migrate'"
    ).fetchone()
    return found == (1,)


def test_processes_wait_for_migrate(empty_database: Database) -> None:
    settings = Settings(dsn=empty_database.dsn)
    with pytest.raises(MigrationError, match=r"lacks 0001.*run `onceflow migrate`"):
        wait_for_schema(settings, "test", wait=0)
    waiting = threading.Thread(target=wait_for_schema, args=(settings, "test"))
    waiting.start()
    migrate(settings)
    waiting.join(30)
    assert not waiting.is_alive()


@pytest.mark.parametrize("encoding", ["SQL_ASCII", "LATIN1"])
def test_another_encoding_is_refused_in_words(servers: Servers, encoding: str) -> None:
    name = f"{servers.token}_{encoding.lower()}"
    settings = Settings(dsn=make_conninfo(servers.dsn, dbname=name))
    create = "create database {} template template0 encoding {} locale 'C' locale_provider libc"
    with psycopg.connect(servers.dsn, autocommit=True) as conn:
        conn.execute(sql.SQL(create).format(sql.Identifier(name), sql.Literal(encoding)))
        try:
            with pytest.raises(MigrationError) as refused:
                migrate(settings)
        finally:
            drop = sql.SQL("drop database {} with (force)")
            conn.execute(drop.format(sql.Identifier(name)))
    assert f"has the encoding {encoding}, and Onceflow needs UTF8" in str(refused.value)
    assert "createdb --encoding UTF8" in str(refused.value)


def test_a_role_whose_path_reaches_the_schema_is_named(
    empty_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    reaching = (
        "create role onceflow login",
        "create role onceflow_test_set login",
        "alter role onceflow_test_set set search_path = public, onceflow",
        "create role onceflow_test_fine login",
        "create role onceflow_test_mended login",
        "alter role onceflow_test_mended set search_path = onceflow",
    )
    with empty_database.connect() as conn:
        database = sql.Identifier(empty_database.name)
        mended = sql.SQL("alter role onceflow_test_mended in database {} set search_path = public")
        try:
            for statement in reaching:
                conn.execute(sql.SQL(statement))
            conn.execute(mended.format(database))
            migrate(Settings(dsn=empty_database.dsn))
        finally:
            for role in ("onceflow", "onceflow_test_set", "onceflow_test_fine"):
                conn.execute(sql.SQL("drop role if exists {}").format(sql.Identifier(role)))
            conn.execute("drop role if exists onceflow_test_mended")
    named = [line for line in caplog.messages if "reaches the engine's schema" in line]
    assert len(named) == 2, named
    assert "the role onceflow reaches" in named[0]
    assert "alter role onceflow_test_set set search_path = public" in named[1]
