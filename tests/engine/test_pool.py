"""Connections: set up alike, patient at the start, replaced after a restart of Postgres."""

import logging
import threading
from typing import LiteralString

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from onceflow.engine.dev.postgres import EmbeddedPostgres, free_port
from onceflow.engine.errors import ServerError
from onceflow.engine.pool import connect, open_pool, place_of
from onceflow.engine.sessions import OWN_PATH, RELIED_ON
from onceflow.engine.settings import Settings

from ..servers import Database
from ..support import wait_until


def test_sessions_are_set_up(database: Database) -> None:
    settings = Settings(dsn=database.dsn)
    with open_pool(settings, "test", statement_timeout=7.5) as pool, pool.connection() as conn:
        shown = [
            conn.execute("select current_setting(%s)", (name,)).fetchone()
            for name in ("application_name", "statement_timeout", "transaction_isolation")
        ]
        assert conn.autocommit
    assert shown == [("onceflow test",), ("7500ms",), ("read committed",)]


def test_what_we_rely_on_is_set_whatever_the_database_says(database: Database) -> None:
    others: dict[str, LiteralString] = {
        "datestyle": "SQL, DMY",
        "intervalstyle": "iso_8601",
        "client_encoding": "LATIN1",
        "timezone": "Asia/Kolkata",
        "search_path": '"$user", public',
        "bytea_output": "escape",
        "extra_float_digits": "-15",
        "standard_conforming_strings": "off",
        "array_nulls": "off",
        "transform_null_equals": "on",
        "default_transaction_isolation": "serializable",
        "default_transaction_read_only": "on",
    }
    with database.connect() as conn:
        for name, value in others.items():
            conn.execute(
                sql.SQL("alter database {} set {} = {}").format(
                    sql.Identifier(database.name),
                    sql.Identifier(name),
                    sql.SQL(value) if name == "search_path" else sql.Literal(value),
                )
            )
    settings = Settings(dsn=database.dsn)
    expected = {**RELIED_ON, "client_encoding": "UTF8", "search_path": OWN_PATH}
    with (
        open_pool(settings, "test") as pool,
        pool.connection() as pooled,
        connect(settings, "test") as alone,
    ):
        for conn in (pooled, alone):
            for name, value in expected.items():
                row = conn.execute("select current_setting(%s)", (name,)).fetchone()
                assert row == (value,), name
    assert others.keys() <= expected.keys()


def test_what_the_dsn_says_goes_first(database: Database) -> None:
    dsn = make_conninfo(database.dsn, application_name="mine")
    with connect(Settings(dsn=dsn), "test") as conn:
        assert conn.execute("show application_name").fetchone() == ("mine",)


def test_no_server_is_an_error_that_says_where() -> None:
    port = free_port()
    settings = Settings(dsn=f"postgresql://me:hush@127.0.0.1:{port}/flows")
    with pytest.raises(ServerError) as caught:
        connect(settings, "test", wait=0)
    assert f"127.0.0.1:{port}/flows does not answer" in str(caught.value)
    assert "hush" not in str(caught.value)
    assert place_of(settings.dsn) == f"127.0.0.1:{port}/flows"


def test_waiting_is_said_and_ends_when_postgres_comes(
    own_postgres: EmbeddedPostgres, caplog: pytest.LogCaptureFixture
) -> None:
    own_postgres.stop()
    settings = Settings(dsn=own_postgres.dsn)
    found: list[object] = []

    def open_and_ask() -> None:
        with open_pool(settings, "test") as pool, pool.connection() as conn:
            found.append(conn.execute("select 1").fetchone())

    with caplog.at_level(logging.WARNING, "onceflow.pool"):
        asking = threading.Thread(target=open_and_ask)
        asking.start()
        wait_until(lambda: "waiting for Postgres at" in caplog.text, "the message")
        own_postgres.start()
        asking.join(30)
    assert found == [(1,)]
    assert "refused" in caplog.text, "the reason is given"


def test_waiting_can_be_stopped() -> None:
    settings = Settings(dsn=f"postgresql://me@127.0.0.1:{free_port()}/flows")
    stop = threading.Event()
    stop.set()
    with pytest.raises(ServerError, match="stopped while waiting"):
        open_pool(settings, "test", stop=stop)


def test_a_restart_of_postgres_is_survived(own_postgres: EmbeddedPostgres) -> None:
    settings = Settings(dsn=own_postgres.dsn)
    with open_pool(settings, "test", min_size=2, max_size=2) as pool:
        with pool.connection() as conn:
            assert conn.execute("select 1").fetchone() == (1,)
        own_postgres.stop(crash=True)
        own_postgres.start()
        for _ in range(4):
            with pool.connection() as conn:
                assert conn.execute("select 1").fetchone() == (1,)
