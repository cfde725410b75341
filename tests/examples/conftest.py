"""Fixtures of the example's tests."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.examples.invoice.tables import make_tables

from ..rehearsal import Stage
from ..servers import Database, Servers, create_database, drop_database


@pytest.fixture
def shop_db(empty_database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a fresh database with the example's tables."""
    make_tables(Settings(dsn=empty_database.dsn))
    with empty_database.connect() as connection:
        yield connection


@pytest.fixture(scope="session")
def stage(servers: Servers) -> Iterator[Stage]:
    """One database and one clock for all workflows of the documents."""
    made = create_database(servers, migrated=True)
    with closing(made.connect()) as conn:
        yield Stage(conn)
    drop_database(servers, made.name)
