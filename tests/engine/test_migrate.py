"""Migrations: from empty, twice, twenty at once, killed half way, refused."""

import psycopg

from onceflow.engine.migrate import migrate
from onceflow.engine.settings import Settings

from ..servers import Database


def test_from_empty_and_twice(empty_database: Database) -> None:
    settings = Settings(dsn=empty_database.dsn)
    first = migrate(settings)
    second = migrate(settings)
    assert first.applied[0] == "0001-schema"
    assert second.applied == []


def test_db(conn: psycopg.Connection) -> None:
    assert conn.execute("select count(*) from onceflow.instances").fetchone() == (0,)
