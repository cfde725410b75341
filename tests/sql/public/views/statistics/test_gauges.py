"""gauges"""

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from bench.seeding import seed
from onceflow.engine.monitoring.deployment import read_gauges

from ....play import Play, keep_unanalyzed, rows_read
from ....workflows import sequence

ENDED, RUNNING = 30_000, 3
"""More have ended than are ever counted."""


# guarantee: gauges-by-index
@pytest.mark.parametrize("counted", ["never", "while all of it ran"])
def test_they_read_what_they_count_and_no_history(
    conn: psycopg.Connection[Any], counted: str
) -> None:
    keep_unanalyzed(conn)
    play = Play(conn)
    play.deploy(sequence("a"))
    ended = play.start("flow")
    grant = play.take(ended, "a")
    if counted != "never":
        conn.execute("analyze onceflow.task")
    play.worker.complete(grant)
    now = datetime.now(UTC)
    seed(conn, str(ended), ENDED, lambda _: None, span=(now, now + timedelta(seconds=1)))
    for _ in range(RUNNING):
        play.take(play.start("flow"), "a")
    with conn.transaction():
        found = read_gauges(conn)
        assert rows_read(conn, "^(task|instance)_[0-9]") < 100
    assert {gauge.name: gauge.value for gauge in found}["queue_running"] == RUNNING
