"""(f) Many retries that fall due within a minute: how late each is.

Every instance fails its first attempt and waits for its retry; then the driver spreads their due
times over the minute.
"""

from ..bench import Bench
from ..bulk import expect_success, start_many
from ..deployment import HAND_OFF, Deployment, deployed
from ..due import QUICK_SPAN, SPAN, lateness, spread
from ..results import Result
from ..workflows import retrying

TITLE = "retries due within a minute, lateness of the clock and of the claim"


def run(bench: Bench) -> None:
    """Fail all, spread them, wait, read the task log."""
    options = bench.options
    span = QUICK_SPAN if options.quick else SPAN
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
    spread(conn, "RETRYING", span, count)
    beat = bench.bar("(f) retrying", count)

    def none_waits() -> bool:
        beat(count - (now := waiting()))
        return now == 0

    deployment.wait_until(none_waits, "all retries", 600)
    deployment.wait_for_end(600)
    expect_success(deployment, count)
    return lateness(conn, {"queued": ("flaky", "QUEUED"), "claimed": ("flaky", "RUNNING")})
