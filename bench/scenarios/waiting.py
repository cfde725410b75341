"""(n) Waiting: a child beside its step alone, many children of one parent, signals beside starts.

What is compared runs in turn on the same processes, so that the ratios hold on any machine.
"""

import time
from collections.abc import Callable, Sequence
from uuid import UUID

from onceflow.engine.calls import Signal, send_signals, start_instances
from onceflow.engine.json_text import Json

from ..bench import Bench
from ..deployment import BROKER, Deployment, deployed, inputs, variants
from ..figures import Figures, latencies
from ..load import LARGEST_SET, OneAtATime
from ..results import Result
from ..workflows import child, children, sequence, signalled

TITLE = "children beside instances of their own, signals beside starts"
WIDTH = 1_000
"""Children of one parent."""


def run(bench: Bench) -> None:
    """Run each transport."""
    for variant in variants(bench.options):
        if variant is BROKER:
            continue
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, variant, bench.options, dsn) as deployment,
        ):
            step = sequence(1).register(deployment.conn)
            deployment.start_relay()
            deployment.start_workers()
            deployment.warm_up(step)
            _alone(bench, deployment, step)
            _many(bench, deployment, step)
            _signals(bench, deployment, step)


def _alone(bench: Bench, deployment: Deployment, step: str) -> None:
    """Run a step, and a step whose instance is another's child, one at a time and in turn."""
    parent = child(step).register(deployment.conn)
    count = bench.options.alone
    loops = [OneAtATime(deployment, name, 1) for name in (step, parent)]
    beat = bench.bar(f"(n) onceflow {deployment.variant.name}, a child", bench.options.runs)
    runs: list[list[Figures]] = [[], []]
    for loop in loops:
        loop.run(5)
    for number in range(bench.options.runs):
        for loop, figures in zip(loops, runs, strict=True):
            figures.append(loop.run(count).figures)
        runs[1][-1]["xids more"] = runs[1][-1]["xids/instance"] - runs[0][-1]["xids/instance"]
        beat(number + 1)
    _add(bench, deployment, "a step", runs[0])
    _add(bench, deployment, "a child of a step", runs[1])


def _many(bench: Bench, deployment: Deployment, step: str) -> None:
    """Run many instances, and as many children of one parent, in turn."""
    width = 100 if bench.options.quick else WIDTH
    parent = children(step).register(deployment.conn)
    alone: list[Figures] = []
    family: list[Figures] = []
    given: Json = {"items": list(range(width))}

    def instances() -> None:
        for begun in range(0, width, LARGEST_SET):
            start_instances(deployment.conn, step, inputs(min(LARGEST_SET, width - begun)))

    def one_parent() -> None:
        start_instances(deployment.conn, parent, [given])

    beat = bench.bar(
        f"(n) onceflow {deployment.variant.name}, {width:,} children", bench.options.runs
    )
    for number in range(bench.options.runs):
        alone.append({"s": _seconds(deployment, instances)})
        family.append({"s": _seconds(deployment, one_parent)})
        family[-1]["times alone"] = family[-1]["s"] / alone[-1]["s"]
        beat(number + 1)
    _add(bench, deployment, f"{width:,} instances", alone)
    _add(bench, deployment, f"{width:,} children of one", family)


def _signals(bench: Bench, deployment: Deployment, step: str) -> None:
    """Start instances, and signal to others, one at a time: until the step behind is claimed."""
    waiter = signalled().register(deployment.conn)
    count = bench.options.alone
    starts: list[Figures] = []
    signals: list[Figures] = []
    beat = bench.bar(f"(n) onceflow {deployment.variant.name}, signals", bench.options.runs)
    for number in range(bench.options.runs):
        begun = start_instances(deployment.conn, waiter, inputs(count))
        started: list[tuple[float, UUID]] = []
        sent: list[tuple[float, UUID]] = []
        for each in begun:
            at = time.time()
            (of,) = start_instances(deployment.conn, step, inputs(1))
            started.append((at, of.instance_id))
            deployment.wait_for_end_of(of.instance_id)
            at = time.time()
            send_signals(deployment.conn, [Signal(each.instance_id, "go")])
            sent.append((at, each.instance_id))
            deployment.wait_for_end_of(each.instance_id)
        starts.append(_claimed(deployment, started))
        signals.append(_claimed(deployment, sent))
        signals[-1]["times a start"] = signals[-1]["p50 ms"] / starts[-1]["p50 ms"]
        beat(number + 1)
    _add(bench, deployment, "a start, to its claim", starts)
    _add(bench, deployment, "a signal, to the next claim", signals)


def _add(bench: Bench, deployment: Deployment, load: str, runs: Sequence[Figures]) -> None:
    bench.add(Result("n", f"onceflow {deployment.variant.name}", load, runs))


def _seconds(deployment: Deployment, begin: Callable[[], None]) -> float:
    began = time.monotonic()
    begin()
    deployment.wait_for_end(600)
    return time.monotonic() - began


def _claimed(deployment: Deployment, since: Sequence[tuple[float, UUID]]) -> Figures:
    """Return how long it took from these times until the instances' first claim."""
    rows = deployment.conn.execute(
        "select instance_id, extract(epoch from min(at))::float from onceflow.task_log"
        " where instance_id = any (%s) and state = 'RUNNING' and step is not null group by 1",
        ([instance for _, instance in since],),
    ).fetchall()
    claimed = dict(rows)
    return latencies([claimed[instance] - at for at, instance in since])
