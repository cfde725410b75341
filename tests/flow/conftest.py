"""What the generated cases have met is told at the end, where many were tried."""

from typing import Any

import pytest

from .coverage import Coverage
from .effort import TIMES

COVERAGE = {"of the engine": Coverage(), "of the interpreter": Coverage()}


@pytest.fixture(scope="session")
def coverage() -> Coverage:
    """Count here what engine and interpreter were both asked."""
    return COVERAGE["of the engine"]


@pytest.fixture(scope="session")
def own_coverage() -> Coverage:
    """Count here what the interpreter alone was asked."""
    return COVERAGE["of the interpreter"]


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables of a long run."""
    for what, counted in COVERAGE.items():
        if counted.cases and TIMES > 1:
            terminalreporter.section(f"coverage {what}")
            terminalreporter.write_line(str(counted))
