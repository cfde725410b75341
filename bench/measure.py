"""Measures a sequence of no-op steps in one variant, with one number of instances in flight."""

from .bench import Bench
from .costs import Counts, counted, per, read_counts
from .deployment import Deployment, Variant, connect, deployed
from .figures import Figures, medians
from .load import ClosedLoop, OneAtATime, Run
from .results import Result
from .workflows import register, sequence

WARM_UP_ALONE = 20
"""Instances before the first that is measured, where there is one in flight."""
QUIET = 3.0
"""Seconds for which an idle deployment is watched, to know what it uses by itself."""


def measure(bench: Bench, scenario: str, variant: Variant, steps: int, in_flight: int) -> Result:
    """Measure on a new database with processes of its own; keep and return the result."""
    with bench.servers.database() as dsn:
        result = measure_on(bench, scenario, variant, steps, in_flight, dsn)
    bench.add(result)
    return result


def measure_on(
    bench: Bench, scenario: str, variant: Variant, steps: int, in_flight: int, dsn: str
) -> Result:
    """Measure on the database ``dsn``, which is migrated first."""
    result = Result(scenario, f"onceflow {variant.name}", f"{in_flight:,} in flight", [])
    with deployed(bench.servers, variant, bench.options, dsn) as deployment:
        before = counts_of(dsn)
        workflow = register(deployment.conn, sequence(steps))
        deployment.start_relay()
        deployment.start_workers()
        deployment.warm_up(workflow)
        one = in_flight == 1
        runs = (_alone if one else _loop)(bench, result, deployment, workflow, steps, in_flight)
        result.counters = deployment.counters()
        done = tasks_of(dsn)
    result.runs = [run.figures for run in runs]
    result.per_step = medians([run.per_step for run in runs])
    result.per_step |= per(counted(before, counts_of(dsn)), done)
    return result


def counts_of(dsn: str) -> Counts:
    """Read Postgres's counts of a database, all of them where its other sessions have ended."""
    with connect(dsn) as conn:
        return read_counts(conn)


def tasks_of(dsn: str) -> int:
    """Count the tasks of a database that have ended."""
    with connect(dsn) as conn:
        row = conn.execute("select count(*) from onceflow.task where seq is not null").fetchone()
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
    bench: Bench, result: Result, deployment: Deployment, workflow: str, steps: int, _one: int
) -> list[Run]:
    options = bench.options
    alone = OneAtATime(deployment, workflow, steps)
    beat = bench.bar(f"({result.scenario}) {result.who}, {result.load}", options.runs)
    alone.run(WARM_UP_ALONE)
    runs: list[Run] = []
    for number in range(options.runs):
        runs.append(alone.run(options.alone))
        beat(number + 1)
    idle = alone.background(QUIET)
    for run in runs:
        run.figures["xids/instance less idle"] = _less_idle(run.figures, idle)
    result.notes.append(f"idle, the deployment takes {idle:.1f} transaction ids a second")
    return runs


def _less_idle(figures: Figures, idle: float) -> float:
    return figures["xids/instance"] - idle / figures["instances/s"]
