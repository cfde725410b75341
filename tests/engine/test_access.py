"""Access by ``migrate --grant``, with an owner that is no superuser; and what migrate warns of."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from onceflow.engine.commands.cli import main
from onceflow.engine.errors import MigrationError
from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Database

MakeRole = Callable[[str], tuple[str, str]]


@pytest.fixture
def make_role(empty_database: Database) -> Iterator[MakeRole]:
    """A function that makes a role, and returns its name and how to log in as it."""
    made: list[sql.Identifier] = []
    with closing(empty_database.connect()) as conn:

        def make(what: str) -> tuple[str, str]:
            name, password = f"onceflow_test_{what}_{secrets.token_hex(4)}", secrets.token_hex(8)
            made.append(sql.Identifier(name))
            conn.execute(sql.SQL("create role {} login password {}").format(made[-1], password))
            return name, make_conninfo(empty_database.dsn, user=name, password=password)

        yield make
        for role in reversed(made):
            conn.execute(sql.SQL("drop owned by {} cascade").format(role))
            conn.execute(sql.SQL("drop role {}").format(role))


def warned(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def give(database: Database, statement: str, *names: str) -> None:
    with closing(database.connect()) as conn:
        conn.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))  # pyright: ignore


def test_an_owner_that_is_no_superuser_migrates_and_lets_others_work(
    empty_database: Database, make_role: MakeRole, monkeypatch: pytest.MonkeyPatch
) -> None:
    (owner, dsn), (worker, login) = make_role("owner"), make_role("worker")
    give(empty_database, "alter database {} owner to {}", empty_database.name, owner)
    monkeypatch.setenv("ONCEFLOW_DSN", dsn)
    for _ in range(2):
        assert main(["migrate", f"--grant={worker}=worker"]) == 0
    with psycopg.connect(login, autocommit=True) as conn:
        conn.execute("select onceflow.require_transport('kafka')")
        assert conn.execute("select count(*) from onceflow.workers").fetchone() == (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege, match="temporary tables"):
            conn.execute("create temp table t (a int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("create table public.t (a int)")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            conn.execute("select onceflow.fire_timers(1)")
    give(empty_database, "alter database {} owner to current_user", empty_database.name)


def test_what_a_caller_may_not_do_for_a_role_it_says(
    empty_database: Database, make_role: MakeRole, caplog: pytest.LogCaptureFixture
) -> None:
    """One that owns the schema and not the database, and has not made the role."""
    (owner, dsn), (client, _) = make_role("owner"), make_role("client")
    give(empty_database, "grant create on database {} to {}", empty_database.name, owner)
    migrate(Settings(dsn=dsn), grants=[(client, "client")])
    assert warned(caplog) == [
        f"the role {client} may make temporary tables, which nothing of the engine needs: "
        f"`revoke temporary on database {empty_database.name} from public`",
        f"the role {client} has no statement_timeout, so that one input may hold locks for "
        f"long: `alter role {client} set statement_timeout = '30s'`",
    ]
    hints: list[str | None] = []
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.add_notice_handler(lambda notice: hints.append(notice.message_hint))
        conn.execute("select onceflow.grant_access(%s, 'client')", (client,))
    assert hints == [
        f"Type, as a superuser: alter role {client} set statement_timeout = '30s';",
        f"Type, as its owner: revoke temporary on database {empty_database.name} from public;",
    ]


def test_a_role_that_was_let_make_temporary_tables_is_warned_of(
    empty_database: Database, make_role: MakeRole, caplog: pytest.LogCaptureFixture
) -> None:
    (relay, _) = make_role("relay")
    give(empty_database, "grant temporary on database {} to {}", empty_database.name, relay)
    migrate(Settings(dsn=empty_database.dsn), grants=[(relay, "relay")])
    (warning,) = warned(caplog)
    assert f"revoke temporary on database {empty_database.name} from {relay}" in warning


def test_a_role_that_is_not_there_and_a_kind_that_is_none_are_refused(
    empty_database: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(MigrationError, match=r'at access on .*: role "nobody_at_all" does not'):
        migrate(Settings(dsn=empty_database.dsn), grants=[("nobody_at_all", "worker")])
    for wrong in ("somebody", "somebody=king", "=worker"):
        with pytest.raises(SystemExit):
            main(["migrate", "--grant", wrong])
        assert "is no ROLE=KIND" in capsys.readouterr().err
