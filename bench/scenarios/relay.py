"""(e) The relay alone: rows from the outbox to acknowledged in the broker.

The rows are those of real instances, started while neither relay nor worker runs; afterwards
workers claim every one of them.
"""

import time

from ..bench import Bench
from ..bulk import expect_success, start_many
from ..costs import per, spent
from ..deployment import HAND_OFF, Deployment, deployed
from ..figures import Figures, medians
from ..results import Result
from ..topic import Topic
from ..workflows import sequence

TITLE = "relay alone, rows from the outbox to acknowledged in the broker"
FROM, TO = 0.1, 0.9
"""Shares of the rows between which the rate is taken, to leave the start of the process out."""


def run(bench: Bench) -> None:
    """Fill the outbox, let one relay drain it, then let workers finish; once a run."""
    rows = 10_000 if bench.options.quick else 100_000
    result = Result("e", "onceflow relay", f"{rows:,} rows", [])
    runs: list[Figures] = []
    costs: list[Figures] = []
    for _ in range(bench.options.runs):
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, HAND_OFF, bench.options, dsn) as deployment,
        ):
            workflow = sequence(1).register(deployment.conn)
            start_many(deployment, workflow, rows, bench.bar("(e) filling the outbox", rows))
            figures, cost = _drain(bench, deployment, rows)
            deployment.start_workers()
            deployment.wait_for_end()
            expect_success(deployment, rows)
            result.counters = deployment.counters()
        runs.append(figures)
        costs.append(cost)
    result.runs, result.per_step = runs, medians(costs)
    bench.add(result)


def _drain(bench: Bench, deployment: Deployment, rows: int) -> tuple[Figures, Figures]:
    """Start the relay and watch the broker until it holds all rows."""
    beat = bench.bar("(e) draining the outbox", rows)
    before = deployment.marks()
    deployment.start_relay()
    samples: list[tuple[float, int]] = []
    deadline = time.monotonic() + 300
    topic = Topic(deployment)
    while not samples or samples[-1][1] < rows:
        shipped = topic.shipped(rows)
        samples.append((time.monotonic(), shipped))
        beat(samples[-1][1])
        deployment.check()
        if time.monotonic() > deadline:
            raise TimeoutError("the relay does not drain the outbox")
        time.sleep(0.02)
    first = next(sample for sample in samples if sample[1] >= FROM * rows)
    last = next(sample for sample in samples if sample[1] >= TO * rows)
    if last[0] <= first[0]:  # so few rows that one look saw them all
        first = samples[0]
    rate = (last[1] - first[1]) / (last[0] - first[0])
    return {"rows/s": rate}, per(spent(before, deployment.marks()), rows)
