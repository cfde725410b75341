"""What the generated cases have met is told at the end, where many were tried."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from ..servers import Database, Servers, create_database, drop_database
from ..sql.play import Connection
from .cases.coverage import Coverage
from .cases.effort import TIMES
from .cases.engine_harness import Hand

COVERAGE = {"of the engine": Coverage(), "of the interpreter": Coverage()}


@pytest.fixture(scope="session")
def coverage() -> Coverage:
    """Count here what engine and interpreter were both asked."""
    return COVERAGE["of the engine"]


@pytest.fixture(scope="session")
def own_coverage() -> Coverage:
    """Count here what the interpreter alone was asked."""
    return COVERAGE["of the interpreter"]


@pytest.fixture(scope="session")
def seed(pytestconfig: pytest.Config) -> int:
    """What the cases are drawn by: always the same, but by --hypothesis-seed at length."""
    given = pytestconfig.getoption("--hypothesis-seed")
    return 0 if given is None or TIMES == 1 else int(given)


@pytest.fixture(scope="session")
def conn(servers: Servers) -> Iterator[Connection]:
    """One database for all cases: each has an instance of its own, and brings it to its end."""
    made: Database = create_database(servers, migrated=True)
    with closing(made.connect()) as opened:
        yield opened
    drop_database(servers, made.name)


@pytest.fixture(scope="session")
def worker(conn: Connection) -> Hand:
    return Hand(conn)


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables of a long run."""
    for what, counted in COVERAGE.items():
        if counted.cases and TIMES > 1:
            terminalreporter.section(f"coverage {what}")
            terminalreporter.write_line(str(counted))
