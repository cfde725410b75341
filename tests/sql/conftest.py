"""Fixtures of the SQL tests: ``play`` for one session, ``sessions`` for several.

They share one migrated database, whose tables are emptied before each test: faster than one for
each. Tests that change the schema take ``conn`` and ``database`` of the root instead.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls

from ..servers import Database, Servers, create_database, drop_database
from .play import Play
from .sessions import Session, Sessions

EMPTY = """
    delete from onceflow.task_log;
    delete from onceflow.task;
    delete from onceflow.wait;
    delete from onceflow.delivery;
    delete from onceflow.event;
    delete from onceflow.scope;
    delete from onceflow.block;
    delete from onceflow.instance;
    delete from onceflow.outbox;
    delete from onceflow.quarantine;
    delete from onceflow.idempotency_key;
    delete from onceflow.search_value;
    delete from onceflow.worker;
    delete from onceflow.edge;
    delete from onceflow.step;
    delete from onceflow.trigger;
    delete from onceflow.workflow_version;
    delete from onceflow.workflow;
    delete from onceflow.queue;
    delete from onceflow.config_value;
    delete from onceflow.person;
    delete from onceflow.api_key;
    delete from onceflow.test_clock;
    delete from onceflow.audit_entry;
    delete from onceflow.statistic;
    delete from onceflow.label_statistic;
    delete from onceflow.statistic_minute;
    update onceflow.statistic_clock set noted_until = date_trunc('minute', now(), 'UTC'),
        labelled = false;
    update onceflow.deployment set transport = 'kafka', towards = null, cell = 0;
    update onceflow.clock set last_tick_at = null, turned_by = null, grace_until = null;
"""


@pytest.fixture(scope="session")
def shared_database(servers: Servers) -> Iterator[Database]:
    made = create_database(servers, migrated=True)
    with closing(made.connect()) as conn:
        # Partitions of the past, as a database has them that is older than a week.
        conn.execute("select onceflow.ensure_partitions(now() - interval '20 days')")
    yield made
    drop_database(servers, made.name)


@pytest.fixture(scope="session")
def shared_conn(shared_database: Database) -> Iterator[psycopg.Connection[Any]]:
    with closing(shared_database.connect()) as conn:
        yield conn


@pytest.fixture
def play(shared_conn: psycopg.Connection[Any]) -> Iterator[Play]:
    """An empty database to play in. In the end the invariants of all instances must hold."""
    shared_conn.execute(EMPTY)
    yield Play(shared_conn)
    assert calls.check_instances(shared_conn) == []


@pytest.fixture
def open_conn(shared_database: Database) -> Iterator[Callable[[], psycopg.Connection[Any]]]:
    """A function that opens more connections to the database of ``play``."""
    with ExitStack() as stack:
        yield lambda: stack.enter_context(closing(shared_database.connect()))


@pytest.fixture
def sessions(
    shared_conn: psycopg.Connection[Any], open_conn: Callable[[], psycopg.Connection[Any]]
) -> Iterator[Sessions]:
    """A function that opens sessions beside that of ``play``."""
    opened: list[Session] = []

    def open_session() -> Session:
        opened.append(Session(open_conn(), shared_conn))
        return opened[-1]

    yield open_session
    for session in opened:
        session.close()
