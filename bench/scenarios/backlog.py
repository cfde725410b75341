"""(g) A backlog of tasks for slow workers: rate at its start and end, duplicates, memory."""

import time
from collections.abc import Sequence

from onceflow.engine.dev.process import Process

from ..bench import Bench
from ..bulk import expect_success, start_many
from ..deployment import HAND_OFF, Deployment, deployed
from ..processes import resident_bytes
from ..results import Result
from ..topic import Topic
from ..workflows import slow

TITLE = "a backlog of tasks of 20 ms, shipped before the first worker starts"
TASK = 0.02
"""Seconds that a task takes."""
EARLY = 100_000
"""Tasks after which memory is taken for the first time, or a tenth of them where they are fewer."""


def run(bench: Bench) -> None:
    """Fill the topic, then let the workers work it off; once, since it takes minutes."""
    count = bench.options.backlog
    result = Result("g", "onceflow hand-off", f"{count:,} tasks", [])
    with (
        bench.servers.database() as dsn,
        deployed(bench.servers, HAND_OFF, bench.options, dsn) as deployment,
    ):
        topic = Topic(deployment)
        workflow = slow(TASK).register(deployment.conn)
        early = min(EARLY, count // 10)
        figures: dict[str, float] = {}
        deployment.start_relay()
        _fill(bench, deployment, topic, workflow, count, early, figures)
        deployment.start_workers()
        _work_off(bench, deployment, count, early, figures)
        figures["relay MB end"] = _megabytes(deployment.relays)
        expect_success(deployment, count)
        figures |= _rates(deployment, count)
        if topic.counts_all:
            figures["duplicates shipped"] = topic.messages() - count
        result.counters = deployment.counters()
    result.runs = [figures]
    bench.add(result)


def _fill(
    bench: Bench,
    deployment: Deployment,
    topic: Topic,
    workflow: str,
    count: int,
    early: int,
    figures: dict[str, float],
) -> None:
    """Start all instances, wait until all messages are shipped; the relay's memory on the way."""
    start_many(deployment, workflow, early, bench.bar("(g) starting", early))
    deployment.wait_until(lambda: topic.shipped(early) >= early, "the first messages", 300)
    figures["relay MB early"] = _megabytes(deployment.relays)
    start_many(deployment, workflow, count - early, bench.bar("(g) starting", count - early))
    deployment.wait_until(lambda: topic.shipped(count) >= count, "all messages", 600)


def _work_off(
    bench: Bench, deployment: Deployment, count: int, early: int, figures: dict[str, float]
) -> None:
    beat = bench.bar("(g) working off", count)
    while (left := deployment.open_instances()) > 0:
        done = count - left
        beat(done)
        if done >= early and "workers MB early" not in figures:
            figures["workers MB early"] = _megabytes(deployment.workers)
        deployment.check()
        time.sleep(1)  # counting what is open costs more, the more there is
    figures["workers MB end"] = _megabytes(deployment.workers)


def _rates(deployment: Deployment, count: int) -> dict[str, float]:
    """Return tasks/s from 2 to 12 % of the ends and from 80 to 90 %.

    After that some partitions are empty, and their worker has nothing to do.
    """
    shares = (0.02, 0.12, 0.80, 0.90)
    row = deployment.conn.execute(
        "select percentile_disc(%s::float[]) within group (order by ended_at)"
        " from onceflow.instance",
        (list(shares),),
    ).fetchone()
    assert row is not None
    times = row[0]
    first = (times[1] - times[0]).total_seconds()
    last = (times[3] - times[2]).total_seconds()
    tenth = count / 10
    return {
        "tasks/s start": tenth / first,
        "tasks/s end": tenth / last,
        "end/start": first / last,
    }


def _megabytes(processes: Sequence[Process]) -> float:
    """Return the resident memory of the largest of some processes."""
    return max((resident_bytes(process.pid) or 0) / 1e6 for process in processes)
