"""Beside many instances a list reads no more than what it shows: what Postgres reads is counted."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import psycopg
import pytest

from bench.pages.database import fill
from onceflow.engine.calls.forms import FORM, FormFilter, list_open_forms
from onceflow.engine.calls.lists import dead_letters, instances
from onceflow.engine.calls.reads import InstanceFilter, Query, list_instances

from ..servers import Servers, create_database, drop_database

ENDED, UNENDED = 12_000, 3_000
MOST = 900
"""Blocks of 8 kB: a page of 50 rows takes about 500, all rows of one kind several thousand."""

pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="module")
def many(servers: Servers) -> Iterator[psycopg.Connection[Any]]:
    database = create_database(servers, migrated=True)
    with closing(database.connect()) as conn:
        fill(conn, ENDED, UNENDED, lambda made: None)
        yield conn
    drop_database(servers, database.name)


def blocks_read(conn: psycopg.Connection[Any], query: Query) -> int:
    """Run a question and return how many blocks Postgres has looked at."""
    explained = f"explain (analyze, buffers, format json) {query.text}"
    row = conn.execute(explained.encode(), query.parameters).fetchone()
    assert row is not None
    top: dict[str, Any] = row[0][0]["Plan"]
    return top["Shared Hit Blocks"] + top["Shared Read Blocks"]


@pytest.mark.parametrize(
    "query",
    [
        instances.find_looked_at(InstanceFilter(workflow="other-3", states=["RUNNING"]), 51),
        instances.find_looked_at(InstanceFilter(workflow="order", states=["RUNNING"]), 51),
        list_instances("id", InstanceFilter(workflow="other-3"), 51),
        list_instances("id", InstanceFilter(states=["CANCELLED", "CLOSING"]), 51),
        list_instances("id", InstanceFilter(states=["SUCCEEDED", "CLOSING", "RUNNING"]), 51),
        list_open_forms(FORM, FormFilter(), 51),
        list_open_forms(FORM, FormFilter(people=["managers"]), 51),
        dead_letters.page_dead_letters("task", dead_letters.DeadLetterFilter(code="shop.*"), 51),
        dead_letters.last_dead_letter(dead_letters.DeadLetterFilter(workflow="order")),
    ],
    ids=[
        *("a state of a workflow that never ran", "a state of one that has run", "it alone"),
        *("states of which there are few", "states of which there are many"),
        *("forms", "forms of a group", "dead letters by code", "the last dead letter looked at"),
    ],
)
def test_a_list_beside_many_instances_reads_little(
    many: psycopg.Connection[Any], query: Query
) -> None:
    assert blocks_read(many, query) < MOST
