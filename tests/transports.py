"""Which transports a test is run over.

A test that takes ``transport`` is run over both, unless it is about one of them:
``@pytest.mark.only("kafka", reason="…")``. Where it is ``@pytest.mark.dear`` the other has its turn
at length alone (make check-long). ``ONCEFLOW_TEST_TRANSPORT`` runs the whole suite over
one, the fixture ``settings`` and what builds on it too; what is about the other is skipped.
"""

import os
from typing import Any

import psycopg
import pytest

from onceflow.engine.calls import switch_transport
from onceflow.engine.settings import TRANSPORTS

from .fuzz.effort import TIMES

CHOSEN = os.environ.get("ONCEFLOW_TEST_TRANSPORT", "")
DEFAULT = CHOSEN or "kafka"


def transports_of(metafunc: pytest.Metafunc) -> list[str]:
    """Return the transports that a test is to be run over, as chosen or as its marker says."""
    marker = metafunc.definition.get_closest_marker("only")
    wanted: list[str] = [marker.args[0]] if marker else [*TRANSPORTS]
    if metafunc.definition.get_closest_marker("dear") and TIMES == 1 and not marker:
        wanted = [DEFAULT]
    return [name for name in wanted if CHOSEN in ("", name)] or wanted


def skip_unless_meant(item: pytest.Item) -> None:
    """Skip a test that is about a transport which is not the one chosen."""
    marker = item.get_closest_marker("only")
    if marker and CHOSEN not in ("", marker.args[0]):
        pytest.skip(f"ONCEFLOW_TEST_TRANSPORT={CHOSEN}: {marker.kwargs['reason']}")


def use(conn: psycopg.Connection[Any], transport: str) -> None:
    """Have a new database's messages travel by ``transport``."""
    assert switch_transport(conn, transport).done
