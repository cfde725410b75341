"""Brings the schema of a database to the state of this release.

Every step is one transaction that begins by locking one table and looks again at what is done, so
any number of migrates may run at once, through a pooler too, and a kill at any point leaves nothing
half done. The table is private: an advisory lock could be held by whoever is connected.

1. the schema ``onceflow_migrations``, which keeps the list of what was applied;
2. each migration that is missing (sql/migrations, immutable files), with its mark;
3. all functions and views (sql/public, sql/core), every time; with the first of them, how
   messages travel (ONCEFLOW_TRANSPORT), which only `onceflow transport` changes later;
4. the partitions of the coming weeks;
5. access for the roles that are named, and a look at what roles may do.
"""

import importlib.metadata
import logging
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, LiteralString, TypeVar, cast

import psycopg
from psycopg import errors as pg

from .. import sql
from . import failpoints
from .errors import MigrationError, SchemaTooNew
from .migrations import access
from .migrations.applied import is_there, known_migrations, read_contents
from .migrations.yoyo_backend import Backend, read_migrations
from .pool import connect, place_of
from .settings import Settings

log = logging.getLogger("onceflow.migrate")

LOCK_TIMEOUT = "2s"  # DDL that waits longer than this lets those behind it pass, and tries again
_Result = TypeVar("_Result")

# What every later step locks. Of two that make it at once the second waits, and then fails.
ROOM = """
    create schema if not exists onceflow_migrations;
    create table onceflow_migrations.release (
        one boolean primary key default true check (one),
        version text not null,
        applied_at timestamptz not null
    )"""
LOCK = "lock table onceflow_migrations.release in exclusive mode"

BOOKKEEPING = """
    grant usage on schema onceflow_migrations to public;
    create table if not exists onceflow_migrations.content (
        migration text primary key,
        sha256 text not null,
        applied_at timestamptz not null default pg_catalog.clock_timestamp()
    );
    grant select on onceflow_migrations.content to public"""


@dataclass(frozen=True, slots=True)
class Migrated:
    """What a migrate did: the migrations it applied, and how many files of functions and views."""

    applied: list[str]
    functions: int


def migrate(
    settings: Settings,
    *,
    folder: Path = sql.FOLDER,
    version: str | None = None,
    patience: float = 60,
    wait: float | None = 0,
    grants: Sequence[tuple[str, str]] = (),
) -> Migrated:
    """Migrate the database; ``wait`` is how long to wait for Postgres (see ``pool.connect``).

    ``grants`` are roles and the kinds of access (``onceflow.grant_access``) that they then get.
    A lock that a step needs and others hold is asked for again and again, for ``patience`` seconds.
    Raises SchemaTooNew where the schema is of a newer release than ``version`` (ours by default),
    MigrationError where a file fails, was changed, or a lock is not to be had, ServerError.
    """
    version = version or importlib.metadata.version("onceflow")
    applied: list[str] = []
    with connect(settings, "migrate", statement_timeout=0, wait=wait) as conn:
        _require_encoding(conn, settings)
        step = _Step(conn, settings, time.monotonic() + patience)
        step.run("its own schema", lambda _: _make_room(conn), locked=False)
        step.run("its bookkeeping", lambda backend: _make_books(conn, backend))
        while True:
            name = step.run("a migration", lambda b: _apply_next(conn, b, folder, version))
            if name is None:
                break
            log.info("applied %s", name)
            applied.append(name)
        count = step.run(
            "functions and views", lambda _: _apply_code(conn, folder, version, settings.transport)
        )
        step.run("partitions", lambda _: _make_partitions(conn))
        step.run("access", lambda _: _grant(conn, grants))
        step.run("a look at roles", lambda _: _warn(conn))
    return Migrated(applied, count)


def _require_encoding(conn: psycopg.Connection[Any], settings: Settings) -> None:
    """Raise MigrationError where the database cannot keep every text that JSON can hold."""
    row = conn.execute("show server_encoding").fetchone()
    if row is None or row[0] != "UTF8":
        raise MigrationError(
            f"the database {place_of(settings.dsn)} has the encoding {row and row[0]}, and "
            "Onceflow needs UTF8, in which every text can be kept",
            hint="make another: createdb --encoding UTF8 --template template0 NAME",
        )


def _grant(conn: psycopg.Connection[Any], grants: Sequence[tuple[str, str]]) -> None:
    for role, kind in grants:
        conn.execute("select onceflow.grant_access(%s::name, %s)", (role, kind))


def _warn(conn: psycopg.Connection[Any]) -> None:
    """Say what of the rights in this database endangers the schema and is not ours to change."""
    for warning in access.warnings(conn):
        log.warning("%s", warning)


class _Step:
    """Runs functions, each in a transaction that holds our lock, and again where locks fail."""

    def __init__(self, conn: psycopg.Connection[Any], settings: Settings, deadline: float) -> None:
        self.conn = conn
        self.settings = settings
        self.deadline = deadline

    def run(
        self, what: str, function: Callable[[Backend], _Result], *, locked: bool = True
    ) -> _Result:
        """Run ``function``. Not ``locked``: again too where another migrate came before it."""
        again: tuple[type[psycopg.Error], ...] = (pg.LockNotAvailable, pg.DeadlockDetected)
        if not locked:
            again = (*again, pg.UniqueViolation, pg.DuplicateTable)
        pause = 0.1
        while True:
            try:
                with self._transaction(locked) as backend:
                    return function(backend)
            except again as error:
                if time.monotonic() >= self.deadline:
                    raise MigrationError(
                        f"migrate could not get the locks for {what}: {_first_line(error)}",
                        hint=f"end what holds them and migrate again; {self._oldest()}",
                    ) from error
                log.info("waiting for locks (%s)", _first_line(error))
            except psycopg.Error as error:
                raise MigrationError(
                    f"migrate failed at {what} on {place_of(self.settings.dsn)}: "
                    f"{_first_line(error)}"
                ) from error
            # Others' work goes on between two tries: nobody queues behind us meanwhile.
            time.sleep(pause)
            pause = min(pause * 2, 2.0)

    @contextmanager
    def _transaction(self, locked: bool) -> Generator[Backend, None, None]:
        backend = Backend(self.conn)
        with backend.transaction():
            self.conn.execute(
                # All of the transaction, not of the session: a pooler may give each another one.
                "select pg_catalog.set_config('lock_timeout', '0', true),"
                " pg_catalog.set_config('statement_timeout', '0', true),"
                " pg_catalog.set_config('idle_in_transaction_session_timeout', '0', true),"
                " pg_catalog.set_config('search_path', 'onceflow_migrations, pg_catalog', true)"
            )
            # Of the transaction, not of the session: a pooler may give each another session. Nobody
            # but a migrate has rights on the table, so none but a migrate is waited for.
            if locked:
                _execute(self.conn, LOCK)
            self.conn.execute(
                "select pg_catalog.set_config('lock_timeout', %s, true)", (LOCK_TIMEOUT,)
            )
            yield backend

    def _oldest(self) -> str:
        """Name the oldest transactions, which most likely hold the locks."""
        rows = self.conn.execute(
            "select pid, application_name, (pg_catalog.now() - xact_start)::text, state"
            " from pg_catalog.pg_stat_activity where datname = pg_catalog.current_database()"
            " and xact_start is not null and pid <> pg_catalog.pg_backend_pid()"
            " order by xact_start limit 3"
        ).fetchall()
        shown = "; ".join(f"process {p} ({n or 'no name'}), {s}, for {t}" for p, n, t, s in rows)
        return f"the oldest transactions are: {shown}" if rows else "none is open now"


def _make_room(conn: psycopg.Connection[Any]) -> None:
    if not is_there(conn, "onceflow_migrations.release"):
        _execute(conn, ROOM)


def _make_books(conn: psycopg.Connection[Any], backend: Backend) -> None:
    _execute(conn, BOOKKEEPING)
    backend.make_tables()


def _apply_next(
    conn: psycopg.Connection[Any], backend: Backend, folder: Path, version: str
) -> str | None:
    """Apply the first migration that is missing and return its name, or None if none is."""
    recorded = read_contents(conn)
    files = read_migrations(folder / "migrations")
    _refuse_newer(conn, recorded.keys() - {file.name for file in files}, version)
    for file in files:
        if backend.is_marked(file):
            if recorded.get(file.name) != file.digest:
                raise MigrationError(
                    f"{file.name}.sql is not the file that was applied to this database: "
                    "migrations that were released never change",
                    hint="restore the file, and put the change into a new migration",
                )
            continue
        try:
            backend.apply_and_mark(file)
        except (pg.LockNotAvailable, pg.DeadlockDetected):
            raise
        except psycopg.Error as error:
            raise MigrationError(f"{file.name}.sql failed: {_first_line(error)}") from error
        conn.execute(
            "insert into onceflow_migrations.content (migration, sha256) values (%s, %s)",
            (file.name, file.digest),
        )
        failpoints.hit("migrate.in_migration")
        return file.name
    return None


def _refuse_newer(conn: psycopg.Connection[Any], unknown: set[str], version: str) -> None:
    row = conn.execute("select version from onceflow_migrations.release").fetchone()
    theirs = str(row[0]) if row else ""
    if unknown or (theirs and _ordered(theirs) > _ordered(version)):
        names = f" (it has {', '.join(sorted(unknown))})" if unknown else ""
        raise SchemaTooNew(
            f"the schema in this database is of Onceflow {theirs or 'a newer release'}{names}, "
            f"and this is {version}, which would put older functions in its place",
            hint="migrate with the newer release, or name another database in ONCEFLOW_DSN",
        )


def _apply_code(conn: psycopg.Connection[Any], folder: Path, version: str, transport: str) -> int:
    """Apply all functions and views, check them, and record our version and transport."""
    # Another migrate may have come between our last migration and this transaction.
    _refuse_newer(conn, read_contents(conn).keys() - known_migrations(folder), version)
    # A function may call one that comes later: bodies are checked once all are there.
    conn.execute(
        "select pg_catalog.set_config('check_function_bodies', 'off', true),"
        " pg_catalog.set_config('search_path', '', true)"
    )
    paths = [*sql.functions(folder), *sql.views(folder)]
    for path in paths:
        text = path.read_text(encoding="utf-8")
        try:
            _execute(conn, text)
        except (pg.LockNotAvailable, pg.DeadlockDetected):
            raise
        except psycopg.Error as error:
            position = error.diag.statement_position
            line = text.count("\n", 0, int(position) - 1) + 1 if position else 0
            where = f"{path.relative_to(folder)}" + (f":{line}" if line else "")
            raise MigrationError(f"{where} failed: {_first_line(error)}") from error
    failpoints.hit("migrate.in_functions")
    _check_bodies(conn)
    access.keep_types_private(conn)
    conn.execute(
        "insert into onceflow_migrations.release as r values (true, %s, pg_catalog.now())"
        " on conflict (one) do update set version = excluded.version,"
        " applied_at = excluded.applied_at",
        (version,),
    )
    if is_there(conn, "onceflow.deployment"):
        conn.execute(
            "insert into onceflow.deployment (transport) values (%s) on conflict (one) do nothing",
            (transport,),
        )
    return len(paths)


def _check_bodies(conn: psycopg.Connection[Any]) -> None:
    """Let Postgres check the body of each function, as it does when one is created alone."""
    conn.execute("select pg_catalog.set_config('check_function_bodies', 'on', true)")
    functions = conn.execute(
        "select p.oid, p.oid::regprocedure::text, l.lanvalidator::regproc::text"
        " from pg_catalog.pg_proc p join pg_catalog.pg_language l on l.oid = p.prolang"
        " where p.pronamespace = (select n.oid from pg_catalog.pg_namespace n"
        "     where n.nspname = 'onceflow') and l.lanvalidator <> 0 order by 2"
    ).fetchall()
    for oid, name, validator in functions:
        try:
            _execute(conn, f"select {validator}({oid}::oid)")
        except psycopg.Error as error:
            raise MigrationError(f"function {name} is faulty: {_first_line(error)}") from error


def _make_partitions(conn: psycopg.Connection[Any]) -> None:
    """Make the partitions of the coming weeks; from then on the relay does."""
    found = conn.execute(
        "select pg_catalog.to_regproc('onceflow.ensure_partitions') is not null"
    ).fetchone()
    if found and found[0]:
        conn.execute("select onceflow.ensure_partitions()")


def _execute(conn: psycopg.Connection[Any], text: str) -> None:
    """Run a text of one or more statements that stands in our own files."""
    conn.execute(cast(LiteralString, text))


def _first_line(error: psycopg.Error) -> str:
    lines = [error.diag.message_primary or str(error).strip()]
    lines += [part for part in (error.diag.message_detail, error.diag.message_hint) if part]
    return "; ".join(lines)


def _ordered(version: str) -> tuple[int, ...]:
    """Return the numbers of a version, for comparison: ``1.10.2`` is newer than ``1.9``."""
    numbers: list[int] = []
    for part in version.split("."):
        digits = "".join(c for c in part if c.isdigit())
        numbers.append(int(digits or "0"))
    return tuple(numbers)
