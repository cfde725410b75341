"""A broker that is away is one line in the log of each process, however long it is away."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from onceflow.engine.dev.broker import EmbeddedBroker
from onceflow.engine.settings import Settings

from ..support import wait_until
from .support import Conn, deploy, make_effect_table, start, wait_for_ends
from .test_crashes import process, quick

pytestmark = pytest.mark.only("kafka", reason="it is about a broker")

NOTHING: dict[str, Any] = {}
AWAY = timedelta(seconds=6)

ONE = """
name: one
steps:
  - {id: a, task: crash.inside}
"""


def wait_for_time(conn: Conn) -> None:
    """Wait until the relay has turned the clock for a while longer."""

    def turned_at() -> datetime | None:
        row = conn.execute("select turned_at from onceflow.heartbeat").fetchone()
        return None if row is None else row[0]

    first = wait_until(turned_at, "the first turn of the clock")
    wait_until(lambda: (turned_at() or first) > first + AWAY, "some time to pass")


def lines_about_it(log: Path) -> list[str]:
    """Return what a log says of the broker, as a warning or worse."""
    lines = log.read_text().splitlines()
    assert not [line for line in lines if "rdkafka" in line], lines
    about = re.compile("kafka|broker|librdkafka|127.0.0.1:|producer", re.IGNORECASE)
    serious = re.compile(" (WARNING|ERROR|CRITICAL) ")
    return [line for line in lines if serious.search(line) and about.search(line)]


# guarantee: outage-repeated
def test_one_line_tells_of_it_and_one_of_its_end(
    settings: Settings, conn: Conn, tmp_path: Path, own_broker: EmbeddedBroker
) -> None:
    settings = quick(replace(settings, kafka=own_broker.bootstrap))
    make_effect_table(conn)
    deploy(conn, ONE)
    logs = tmp_path / "relay.log", tmp_path / "worker.log"
    waiting = f"waiting for Kafka at {own_broker.bootstrap} ("
    with (
        process(settings, logs[0], "relay"),
        process(settings, logs[1], "worker", "--import", "tests.worker.crash_tasks"),
    ):
        assert set(wait_for_ends(conn, start(conn, "one", [NOTHING] * 5), 60)) == {"SUCCEEDED"}
        before = [len(lines_about_it(log)) for log in logs]
        own_broker.stop()
        late = start(conn, "one", [NOTHING] * 5)
        for log in logs:
            wait_until(lambda log=log: waiting in log.read_text(), f"{log.name} saying so", 60)
        wait_for_time(conn)
        told = [lines_about_it(log)[n:] for log, n in zip(logs, before, strict=True)]
        assert [len([one for one in lines if waiting in one]) for lines in told] == [1, 1], told
        assert [len(lines) for lines in told] <= [2, 1], told
        own_broker.start()
        for log in logs:
            wait_until(lambda log=log: " answers, after " in log.read_text(), "its end", 60)
        assert set(wait_for_ends(conn, late, 60)) == {"SUCCEEDED"}


def test_so_it_is_where_it_is_not_there_from_the_beginning(
    settings: Settings, conn: Conn, tmp_path: Path
) -> None:
    settings = replace(settings, kafka="127.0.0.1:1")
    logs = tmp_path / "relay.log", tmp_path / "worker.log"
    with (
        process(settings, logs[0], "relay"),
        process(settings, logs[1], "worker", "--import", "tests.worker.crash_tasks"),
    ):
        for log in logs:
            wait_until(lambda log=log: "waiting for Kafka" in log.read_text(), log.name, 60)
        wait_for_time(conn)
        assert [len(lines_about_it(log)) for log in logs] == [1, 1]
        assert all("refused" in lines_about_it(log)[0] for log in logs)
