"""Calls of SQL functions are timed, in whoever's name they are made."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls, meters


class Noted:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.functions: list[str] = []

    def count(self, name: str, amount: float, labels: tuple[str, ...]) -> None:
        """Take no note of it."""

    def observe(self, function: str, seconds: float) -> None:
        """Note a call."""
        assert seconds > 0
        self.functions.append(function)


@pytest.fixture
def noted() -> Iterator[Noted]:
    sink = Noted()
    meters.count_into(sink)
    yield sink
    meters.count_into(None)


def test_a_call_that_the_audit_tells_is_timed_as_any_other(
    conn: psycopg.Connection[Any], noted: Noted
) -> None:
    calls.pause_queues(conn, ["default"])
    with calls.acting(lambda: calls.Actor("person ann")):
        calls.resume_queues(conn, ["default"])
    assert noted.functions == ["pause_queues", "resume_queues"]
