"""Fixtures for all tests.

``database``  a fresh database with our schema; ``empty_database`` one without
``dsn``       how to connect to ``database``
``connect``   a function that opens connections to it (closed at the test's end); ``conn`` is one
``kafka``     bootstrap servers; ``prefix`` what this test's topics and groups begin with
``settings``  Settings with all of these
``transport`` see transports.py
``own_postgres``, ``own_broker``  servers of this test alone, for tests that stop or kill them
"""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from functools import cache
from pathlib import Path
from typing import Any

import httpcore2
import psycopg
import pytest
from hypothesis import settings as hypothesis_settings

from onceflow.engine import garbage
from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.dev.postgres import EmbeddedPostgres
from onceflow.engine.settings import Settings

from .servers import (
    Database,
    Servers,
    create_database,
    drop_database,
    fast_folder,
    start_broker,
    start_postgres,
    start_servers,
)
from .transports import DEFAULT, skip_unless_meant, transports_of, use

Connect = Callable[..., psycopg.Connection[Any]]

# A busy machine makes an example slow, not wrong.
hypothesis_settings.register_profile("onceflow", deadline=None)
hypothesis_settings.load_profile("onceflow")

STACK = pytest.StashKey[ExitStack]()
SERVERS = pytest.StashKey[Servers]()


def _servers_of(config: pytest.Config) -> Servers:
    """Return the servers of this session, starting them at the first call."""
    if SERVERS not in config.stash:
        stack = config.stash.setdefault(STACK, ExitStack())
        config.stash[SERVERS] = start_servers(stack)
    return config.stash[SERVERS]


def pytest_configure(config: pytest.Config) -> None:
    """Prepare what all tests share: one trust of HTTP clients, and a place for temporary files."""
    # Each client of the thousands that tests make would load all the authorities of the machine,
    # in 50 ms, to call a server that has no TLS.
    httpcore2.default_ssl_context = cache(httpcore2.default_ssl_context)
    _use_memory(config)


def _use_memory(config: pytest.Config) -> None:
    """Have all temporary files in memory, where nobody has named a place for them.

    Workers of xdist, and what tests start, inherit it. Postgres, as another user, passes through.
    """
    memory = fast_folder()
    if memory is None or "TMPDIR" in os.environ:
        return
    folder = tempfile.mkdtemp(prefix="onceflow-test-", dir=memory)
    Path(folder).chmod(0o1777)  # as the one that it stands for
    os.environ["TMPDIR"] = tempfile.tempdir = folder
    stack = config.stash.setdefault(STACK, ExitStack())
    stack.callback(shutil.rmtree, folder, ignore_errors=True)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """In xdist's controller: tell a new worker where the servers are."""
    node.workerinput["onceflow_servers"] = _servers_of(node.config).as_dict()


@pytest.hookimpl(trylast=True)  # its name stands last in the tests' ids
def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run what takes ``transport`` over each that it is meant for."""
    if "transport" in metafunc.fixturenames:
        metafunc.parametrize("transport", transports_of(metafunc), scope="module")


def pytest_collection_finish() -> None:
    """Look for garbage among what tests make, and not each time among the thousands of tests.

    A look at all of them takes a second on a busy machine, which is long for short leases.
    """
    garbage.relax()


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip what is about a transport that was not chosen."""
    skip_unless_meant(item)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the servers with the session."""
    if STACK in config.stash:
        config.stash[STACK].close()


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Servers:
    told: dict[str, Any] | None = getattr(request.config, "workerinput", None)
    if told is not None:
        return Servers(**told["onceflow_servers"])
    return _servers_of(request.config)


@pytest.fixture
def database(servers: Servers) -> Iterator[Database]:
    made = create_database(servers, migrated=True)
    yield made
    drop_database(servers, made.name)


@pytest.fixture
def empty_database(servers: Servers) -> Iterator[Database]:
    made = create_database(servers, migrated=False)
    yield made
    drop_database(servers, made.name)


@pytest.fixture
def dsn(database: Database) -> str:
    return database.dsn


@pytest.fixture
def connect(database: Database) -> Iterator[Connect]:
    with ExitStack() as stack:

        def open_connection(**options: Any) -> psycopg.Connection[Any]:
            return stack.enter_context(closing(database.connect(**options)))

        yield open_connection


@pytest.fixture
def conn(connect: Connect) -> psycopg.Connection[Any]:
    return connect()


@pytest.fixture
def kafka(servers: Servers) -> str:
    return servers.kafka


@pytest.fixture
def prefix(database: Database) -> str:
    return database.name.replace("_", "-")


@pytest.fixture
def settings(database: Database, servers: Servers, prefix: str) -> Settings:
    with closing(database.connect()) as conn:
        use(conn, DEFAULT)
    return Settings(
        dsn=database.dsn,
        kafka=servers.kafka,
        kafka_options=servers.kafka_options,
        transport=DEFAULT,
        prefix=prefix,
        partitions=2,
        port=0,
        lease=5.0,
    )


@pytest.fixture
def own_postgres() -> Iterator[EmbeddedPostgres]:
    with ExitStack() as stack:
        yield start_postgres(stack)


@pytest.fixture
def own_broker() -> Iterator[EmbeddedBroker]:
    with ExitStack() as stack:
        yield start_broker(stack)
