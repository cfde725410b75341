"""(p) The reference load beside many instances that sleep, in turn with an empty database."""

from statistics import median

from ..bench import Bench
from ..bulk import start_many
from ..deployment import POSTGRES, deployed
from ..figures import Figures, medians
from ..load import ClosedLoop, Run
from ..results import Result
from ..workflows import sequence, sleeping

TITLE = "4 steps, closed loop, beside sleeping instances"
STEPS = 4
IN_FLIGHT = 256
CPU = "CPU µs postgres"


def run(bench: Bench) -> None:
    """Put so many to sleep in one of two databases, and load both in turn, as often as runs say."""
    count = bench.options.asleep
    with bench.servers.database() as empty, bench.servers.database() as full:
        _put_to_sleep(bench, full, count)
        beat = bench.bar("(p) turns", 2 * bench.options.runs)
        turns: dict[str, list[Run]] = {empty: [], full: []}
        for number in range(bench.options.runs):
            # Each begins as often as the other: what a turn leaves to the next is shared.
            for dsn in (empty, full) if number % 2 else (full, empty):
                turns[dsn].append(_turn(bench, dsn))
                beat(sum(len(runs) for runs in turns.values()))
    for dsn, load in ((empty, "empty database"), (full, f"beside {count:,} asleep")):
        per_step = medians([run.per_step for run in turns[dsn]])
        figures = [run.figures for run in turns[dsn]]
        bench.add(Result("p", f"onceflow {POSTGRES.name}", load, figures, per_step))
    pairs = list(zip(turns[full], turns[empty], strict=True))
    faster = median(a.figures["steps/s"] / b.figures["steps/s"] for a, b in pairs)
    dearer: Figures = {}
    if all(CPU in run.per_step for pair in pairs for run in pair):
        dearer[CPU] = median(a.per_step[CPU] / b.per_step[CPU] for a, b in pairs)
    load = f"median of {len(pairs)} pairs"
    bench.add(Result("p", "beside / empty", load, [{"ratio": faster}], dearer))


def _put_to_sleep(bench: Bench, dsn: str, count: int) -> None:
    with deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment:
        workflow = sleeping(1).register(deployment.conn)
        start_many(deployment, workflow, count, bench.bar("(p) putting to sleep", count))
        deployment.conn.execute("vacuum (analyze)")


def _turn(bench: Bench, dsn: str) -> Run:
    """Load a database for a window, with processes of its own; those of the other have ended."""
    with deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment:
        workflow = sequence(STEPS).register(deployment.conn)
        deployment.start_relay()
        deployment.start_workers()
        loop = ClosedLoop(deployment, workflow, STEPS, IN_FLIGHT)
        loop.keep_full(bench.options.warm_up, lambda _: None)
        run = loop.window(bench.options.window, lambda _: None)
        loop.drain()
        return run
