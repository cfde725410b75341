"""Measures one workflow in one variant, with one number of instances in flight."""

from collections.abc import Generator
from contextlib import contextmanager

from .bench import Bench
from .costs import Counts, counted, per, read_counts
from .deployment import Deployment, Variant, connect, deployed
from .figures import Figures, medians
from .load import ClosedLoop, OneAtATime, Run
from .results import Result
from .workflows import Work

WARM_UP_ALONE = 20
"""Instances before the first that is measured, where there is one in flight."""


def measure(
    bench: Bench,
    scenario: str,
    variant: Variant,
    work: Work,
    in_flight: int,
    *,
    alone: int = 0,
    dsn: str = "",
    load: str = "",
) -> Result:
    """Measure with processes of its own; keep and return the result.

    ``alone`` is how many instances a run has where one is in flight (as the options say unless
    given), ``dsn`` a database (a new one unless given), ``load`` what the result is called.
    """
    result = Result(scenario, f"onceflow {variant.name}", load or f"{in_flight:,} in flight", [])
    with (
        bench.servers.database(dsn) as place,
        steps_counted(result, place),
        deployed(bench.servers, variant, bench.options, place) as deployment,
    ):
        workflow = work.register(deployment.conn)
        deployment.start_relay()
        deployment.start_workers()
        deployment.warm_up(workflow)
        if in_flight == 1:
            count = alone or bench.options.alone
            runs = _alone(bench, result, deployment, workflow, work.steps, count)
        else:
            runs = _loop(bench, result, deployment, workflow, work.steps, in_flight)
        result.counters = deployment.counters()
    result.runs = [run.figures for run in runs]
    result.per_step = medians([run.per_step for run in runs]) | result.per_step
    bench.add(result)
    return result


@contextmanager
def steps_counted(result: Result, dsn: str) -> Generator[None]:
    """Add what Postgres has counted in the block to the result, for each task that ended in it.

    What it counts is complete where the block ends the sessions that it began.
    """
    before, had = counts_of(dsn), tasks_of(dsn)
    yield
    result.per_step |= per(counted(before, counts_of(dsn)), max(1, tasks_of(dsn) - had))


def counts_of(dsn: str) -> Counts:
    """Read Postgres's counts of a database, all of them where its other sessions have ended."""
    with connect(dsn) as conn:
        return read_counts(conn)


def tasks_of(dsn: str) -> int:
    """Count the tasks that this database has seen end: those in the partitions of this time."""
    with connect(dsn) as conn:
        made = conn.execute("select pg_catalog.to_regclass('onceflow.task')::text").fetchone()
        if made is None or made[0] is None:
            return 0
        row = conn.execute(
            "select count(*) from onceflow.task where seq is not null and instance_id >="
            " onceflow.uuid7_bound(pg_catalog.clock_timestamp() - interval '1 day')"
        ).fetchone()
    assert row is not None
    return row[0]


def _loop(
    bench: Bench, result: Result, deployment: Deployment, workflow: str, steps: int, in_flight: int
) -> list[Run]:
    options = bench.options
    loop = ClosedLoop(deployment, workflow, steps, in_flight)
    total = options.warm_up + options.runs * options.window
    beat = bench.bar(f"({result.scenario}) {result.who}, {result.load}", total)
    loop.keep_full(options.warm_up, beat)
    runs: list[Run] = []
    for number in range(options.runs):
        passed = options.warm_up + number * options.window

        def forward(seconds: float, passed: float = passed) -> None:
            beat(passed + seconds)

        runs.append(loop.window(options.window, forward))
    loop.drain()
    return runs


def _alone(
    bench: Bench, result: Result, deployment: Deployment, workflow: str, steps: int, count: int
) -> list[Run]:
    options = bench.options
    alone = OneAtATime(deployment, workflow, steps)
    beat = bench.bar(f"({result.scenario}) {result.who}, {result.load}", options.runs * count)
    alone.run(min(count, WARM_UP_ALONE))
    runs: list[Run] = []
    for number in range(options.runs):

        def forward(done: float, before: int = number * count) -> None:
            beat(before + done)

        runs.append(alone.run(count, forward))
    idle = alone.background(options.quiet)
    for run in runs:
        run.figures["xids less idle"] = _less_idle(run.figures, idle)
    result.notes.append(f"idle, the deployment takes {idle:.1f} transaction ids a second")
    return runs


def _less_idle(figures: Figures, idle: float) -> float:
    return figures["xids/instance"] - idle / figures["instances/s"]
