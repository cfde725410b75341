"""(f) Many retries that fall due within a minute: how late each is.

Every instance fails its first attempt and waits for its retry; then the driver spreads their due
times over the minute, since failing that many takes longer than a minute itself.
"""

from ..bench import Bench
from ..bulk import expect_success, start_many
from ..deployment import HAND_OFF, Deployment, deployed
from ..figures import latencies
from ..results import Result
from ..workflows import retrying

TITLE = "retries due within a minute, lateness of the clock and of the claim"
SPAN = 60.0
"""Seconds over which the retries fall due."""
LEAD = 3.0
"""Seconds from now to the first."""


def run(bench: Bench) -> None:
    """Fail all, spread them, wait, read the task log."""
    options = bench.options
    span = 4.0 if options.quick else SPAN
    runs = 1 if options.retries > 10_000 else options.runs
    result = Result("f", "onceflow", f"{options.retries:,} in {span:g} s", [])
    for _ in range(runs):
        with (
            bench.servers.database() as dsn,
            deployed(bench.servers, HAND_OFF, options, dsn) as deployment,
        ):
            result.runs = [*result.runs, _once(bench, deployment, options.retries, span)]
    bench.add(result)


def _once(bench: Bench, deployment: Deployment, count: int, span: float) -> dict[str, float]:
    conn = deployment.conn
    workflow = retrying().register(conn)
    deployment.start_relay()
    deployment.start_workers()
    start_many(deployment, workflow, count, bench.bar("(f) starting", count))
    beat = bench.bar("(f) failing once", count)

    def waiting() -> int:
        row = conn.execute(
            "select count(*) from onceflow.task where due_at is not null and state = 'RETRYING'"
        ).fetchone()
        assert row is not None
        return row[0]

    def all_wait() -> bool:
        beat(now := waiting())
        return now == count

    deployment.wait_until(all_wait, "all tasks to wait for their retry", 600)
    conn.execute("create table public.due (instance_id uuid, due_at timestamptz)")
    # Random order: a retry that is due is not one that was written beside the last.
    conn.execute(
        "with changed as ("
        " update onceflow.task set due_at = pg_catalog.clock_timestamp()"
        "  + pg_catalog.make_interval(secs => %s + pg_catalog.random() * %s)"
        " where state = 'RETRYING' returning instance_id, due_at)"
        " insert into public.due select instance_id, due_at from changed",
        (LEAD, span),
    )
    conn.execute("analyze public.due")
    beat = bench.bar("(f) retrying", count)

    def none_waits() -> bool:
        beat(count - (now := waiting()))
        return now == 0

    deployment.wait_until(none_waits, "all retries", 600)
    deployment.wait_for_end(600)
    expect_success(deployment, count)
    return _lateness(deployment)


def _lateness(deployment: Deployment) -> dict[str, float]:
    figures: dict[str, float] = {}
    for state, name in (("QUEUED", "queued"), ("RUNNING", "claimed")):
        rows = deployment.conn.execute(
            "select extract(epoch from max(l.at) - d.due_at)::float from public.due d"
            " join onceflow.task_log l on l.instance_id = d.instance_id"
            " where l.step is not null and l.state = %s group by d.instance_id, d.due_at",
            (state,),
        ).fetchall()
        samples = [float(row[0]) for row in rows]
        figures |= {f"{name} {key}": value for key, value in latencies(samples).items()}
    return figures
