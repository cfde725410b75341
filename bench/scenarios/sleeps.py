"""(m) Many sleeps that are over within a minute: how late each instance goes on."""

import time

from ..bench import Bench
from ..bulk import expect_success, start_many
from ..costs import per, spent
from ..deployment import POSTGRES, Deployment, deployed
from ..due import QUICK_SPAN, SPAN, lateness, spread
from ..figures import Figures
from ..results import Result
from ..workflows import sequence, sleeping

TITLE = "sleeps over within a minute, lateness of the clock and of the next step's claim"


def run(bench: Bench) -> None:
    """Start all, spread the ends of their sleeps, wait, read the task log."""
    options = bench.options
    span = QUICK_SPAN if options.quick else SPAN
    with (
        bench.servers.database() as dsn,
        deployed(bench.servers, POSTGRES, options, dsn) as deployment,
    ):
        figures, cost = _once(bench, deployment, options.sleeps, span)
        result = Result("m", "onceflow", f"{options.sleeps:,} in {span:g} s", [figures], cost)
    result.notes.append("'per step' is per instance")
    bench.add(result)


def _once(bench: Bench, deployment: Deployment, count: int, span: float) -> tuple[Figures, Figures]:
    conn = deployment.conn
    deployment.start_relay()
    deployment.start_workers()
    deployment.warm_up(sequence(1).register(conn))
    (warmed,) = conn.execute("select count(*)::int from onceflow.instance").fetchone() or (0,)
    start_many(deployment, sleeping(1).register(conn), count, bench.bar("(m) starting", count))
    conn.execute("vacuum (analyze) onceflow.task, onceflow.instance")
    lead = spread(conn, "WAITING", span, count)
    before = deployment.marks()
    # The driver's looks read what is open: not while it is measured.
    time.sleep(lead + span)
    deployment.wait_for_end(600)
    cost = per(spent(before, deployment.marks()), count)
    expect_success(deployment, warmed + count)
    return lateness(conn, {"woken": ("nap", "SUCCEEDED"), "claimed": ("step-1", "RUNNING")}), cost
