"""(k) One wide instance of transactional handlers: each completion commits under its lock."""

from ..bench import Bench
from ..deployment import BROKER, deployed, variants
from ..figures import medians
from ..load import OneAtATime, Run
from ..results import Result
from ..workflows import sequence, wide

TITLE = "one wide instance of transactional handlers, alone"
CONCURRENCY = 20
"""Handlers of a worker, and with them its connections."""


def run(bench: Bench) -> None:
    """Run each transport."""
    work = wide(bench.options.wide)
    for variant in variants(bench.options):
        if variant is BROKER:
            continue
        result = Result("k", f"onceflow {variant.name}", f"{bench.options.wide:,} side by side", [])
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, variant, bench.options, dsn) as deployment,
        ):
            name = work.register(deployment.conn)
            deployment.start_relay()
            deployment.start_workers(concurrency=CONCURRENCY)
            deployment.warm_up(sequence(4).register(deployment.conn))
            alone = OneAtATime(deployment, name, work.steps)
            alone.run(1)  # connections, plans
            beat = bench.bar(f"(k) {result.who}", bench.options.runs)
            runs: list[Run] = []
            for number in range(bench.options.runs):
                runs.append(alone.run(1))
                beat(number + 1)
            result.counters = deployment.counters()
        result.runs = [run.figures for run in runs]
        result.per_step = medians([run.per_step for run in runs])
        bench.add(result)
