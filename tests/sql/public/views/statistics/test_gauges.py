"""gauges"""

from typing import Any

import psycopg
import pytest

from onceflow.engine.monitoring.deployment import read_gauges

from ....play import Play, keep_unanalyzed, rows_read
from ....workflows import sequence

ENDED, RUNNING = 30_000, 3
"""More have ended than are ever counted."""

COPIES = """
with ids as materialized (
    select onceflow.uuid7(0, pg_catalog.clock_timestamp()) as id from generate_series(1, %(count)s)
), instances as (
    insert into onceflow.instance
    select (r.r).* from (
        select jsonb_populate_record(i, jsonb_build_object('id', k.id)) as r
        from onceflow.instance i cross join ids k where i.id = %(id)s offset 0) r
)
insert into onceflow.task
select (r.r).* from (
    select jsonb_populate_record(t, jsonb_build_object('instance_id', k.id)) as r
    from onceflow.task t cross join ids k where t.instance_id = %(id)s offset 0) r"""
"""Copies of an instance that has ended, with its one task."""


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
    conn.execute(COPIES, {"count": ENDED, "id": ended})
    for _ in range(RUNNING):
        play.take(play.start("flow"), "a")
    with conn.transaction():
        found = read_gauges(conn)
        assert rows_read(conn, "^(task|instance)_[0-9]") < 100
    assert {gauge.name: gauge.value for gauge in found}["queue_running"] == RUNNING
