"""Fixtures of the example's tests."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from onceflow.engine.settings import Settings
from onceflow.examples.invoice.tables import make_tables

from ..servers import Database


@pytest.fixture
def shop_db(empty_database: Database) -> Iterator[psycopg.Connection[Any]]:
    """A connection to a fresh database with the example's tables."""
    make_tables(Settings(dsn=empty_database.dsn))
    with empty_database.connect() as connection:
        yield connection
