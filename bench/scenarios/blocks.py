"""(j) Blocks of one instance: a for_each of many items, undoing them, a parallel; peers' fans.

Beside a for_each as many steps run as instances of four steps, in turn with it on the same
processes, so that the ratio of the two holds on any machine.
"""

import time
from uuid import UUID

from onceflow.engine.calls import start_instances
from onceflow.engine.json_text import Json

from ..bench import Bench
from ..deployment import BROKER, Deployment, deployed, inputs, variants
from ..figures import Figures
from ..load import LARGEST_SET, OneAtATime, Run
from ..peers import run_fans
from ..results import Result
from ..workflows import for_each, parallel, sequence, undoing

TITLE = "blocks of one instance, alone, beside as many steps in instances of four"
WIDTH = 100
"""Branches of the parallel."""
SMALL = 10_000
"""Items of a for_each beyond which it runs once, and of a peer's fan at most."""


def run(bench: Bench) -> None:
    """Run each transport, then the peers."""
    for variant in variants(bench.options):
        if variant is BROKER:
            continue
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, variant, bench.options, dsn) as deployment,
        ):
            chain = sequence(4).register(deployment.conn)
            deployment.start_relay()
            deployment.start_workers()
            deployment.warm_up(chain)
            for items in bench.options.items:
                _each(bench, deployment, chain, items)
            _undo(bench, deployment, bench.options.undone)
            _parallel(bench, deployment)
    widths = [(items, 2) for items in bench.options.items if items <= SMALL]
    run_fans(bench, "j", [*widths, (WIDTH, 1)])


def _each(bench: Bench, deployment: Deployment, chain: str, items: int) -> None:
    """Run the for_each and, in turn with it, its steps as instances of four."""
    work = for_each()
    name, steps = work.register(deployment.conn), items * work.steps
    who = f"onceflow {deployment.variant.name}"
    ours = Result("j", who, f"for_each of {items:,}", [])
    others = Result("j", who, f"{steps:,} steps by four", [])
    runs: list[Figures] = []
    chains: list[Figures] = []
    count = bench.options.runs if items <= SMALL else 1
    beat = bench.bar(f"(j) {who}, {ours.load}", count)
    for number in range(count):
        began = time.monotonic()
        for started in range(0, steps // 4, LARGEST_SET):
            start_instances(deployment.conn, chain, inputs(min(LARGEST_SET, steps // 4 - started)))
        deployment.wait_for_end(600)
        chains.append(_figures(time.monotonic() - began, steps))
        began = time.monotonic()
        deployment.wait_for_end_of(_start(deployment, name, items))
        runs.append(_figures(time.monotonic() - began, steps))
        runs[-1]["µs an item"] = runs[-1]["s"] / items * 1e6
        runs[-1]["times by four"] = runs[-1]["s"] / chains[-1]["s"]
        beat(number + 1)
    ours.runs, others.runs = runs, chains
    bench.add(others)
    bench.add(ours)


def _undo(bench: Bench, deployment: Deployment, items: int) -> None:
    """Run items to their end, fail behind them, and see how long undoing them takes."""
    name = undoing().register(deployment.conn)
    who = f"onceflow {deployment.variant.name}"
    result = Result("j", who, f"undoing {items:,}", [])
    runs: list[Figures] = []
    beat = bench.bar(f"(j) {who}, {result.load}", bench.options.runs)
    for number in range(bench.options.runs):
        instance = _start(deployment, name, items)
        deployment.wait_for_end_of(instance, "COMPENSATED")
        row = deployment.conn.execute(
            "select extract(epoch from i.ended_at - l.at)::float from onceflow.instance i"
            " join onceflow.task_log l on l.instance_id = i.id and l.step is null"
            " and l.scope is null and l.state = 'CLOSING' where i.id = %s",
            (instance,),
        ).fetchone()
        assert row is not None
        runs.append({"s": row[0], "steps/s": items / row[0], "µs an item": row[0] / items * 1e6})
        beat(number + 1)
    result.runs = runs
    bench.add(result)


def _parallel(bench: Bench, deployment: Deployment) -> None:
    work = parallel(WIDTH)
    name = work.register(deployment.conn)
    who = f"onceflow {deployment.variant.name}"
    result = Result("j", who, f"parallel of {WIDTH}", [])
    alone = OneAtATime(deployment, name, work.steps)
    count = max(3, bench.options.alone // 10)
    beat = bench.bar(f"(j) {who}, {result.load}", bench.options.runs)
    alone.run(3)
    runs: list[Run] = []
    for number in range(bench.options.runs):
        runs.append(alone.run(count))
        beat(number + 1)
    result.runs = [run.figures for run in runs]
    bench.add(result)


def _start(deployment: Deployment, name: str, items: int) -> UUID:
    given: Json = {"items": list(range(items))}
    (started,) = start_instances(deployment.conn, name, [given])
    return started.instance_id


def _figures(seconds: float, steps: int) -> Figures:
    return {"s": seconds, "steps/s": steps / seconds}
