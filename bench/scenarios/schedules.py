"""(l) Many schedules due within a minute: how late each is; what they cost while none is due."""

import time
from datetime import UTC, datetime, timedelta

from onceflow.engine.schedules import EPOCH, Plan

from ..bench import Bench
from ..costs import spent
from ..deployment import POSTGRES, Deployment, deployed
from ..figures import Figures, latencies
from ..results import Result
from ..workflows import scheduled, sequence

TITLE = "schedules due within a minute: lateness; what an idle deployment does beside them"
SPAN, QUICK_SPAN = 60, 5
"""Seconds over which all fall due, by their jitter."""
ENTRIES = 50
"""Schedules of one workflow, as many as a definition may have."""
NEVER = {"cron": "0 0 29 2 *"}


def run(bench: Bench) -> None:
    """Watch the idle deployment without schedules and with them; then let all of them be due."""
    options = bench.options
    count, span = options.schedules, QUICK_SPAN if options.quick else SPAN
    with (
        bench.servers.database() as dsn,
        deployed(bench.servers, POSTGRES, options, dsn) as deployment,
    ):
        deployment.start_relay()
        deployment.start_workers(1)
        deployment.warm_up(sequence(1).register(deployment.conn))
        seconds = 2 * options.quiet
        bench.add(Result("l", "idle", "no schedules", [_idle(deployment, seconds)]))
        _deploy(bench, deployment, count, NEVER)
        bench.add(Result("l", "idle", f"{count:,} schedules", [_idle(deployment, seconds)]))
        often = {"every": f"{span}s", "jitter": f"{span}s"}
        _deploy(bench, deployment, count, often)
        late = _lateness(bench, deployment, count, span)
        bench.add(Result("l", "onceflow", f"{count:,} in {span} s", [late]))


def _deploy(bench: Bench, deployment: Deployment, count: int, plan: dict[str, str]) -> None:
    beat = bench.bar(f"(l) deploying {count:,} schedules", count)
    for number in range(0, count, ENTRIES):
        entries = min(ENTRIES, count - number)
        scheduled(number // ENTRIES, entries, plan).register(deployment.conn)
        beat(number + entries)
    new = "select count(*) from onceflow.trigger where due_at = '-infinity'"
    deployment.wait_until(lambda: _count(deployment, new) == 0, "all plans to be read", 120)


def _count(deployment: Deployment, query: str, *values: object) -> int:
    row = deployment.conn.execute(query.encode(), values).fetchone()
    assert row is not None
    return row[0]


def _idle(deployment: Deployment, seconds: float) -> Figures:
    """Return what is used a second, by all sessions, while nothing is due."""
    time.sleep(1.5)  # so long sessions may keep their counts to themselves
    before, commits, began = deployment.marks(), _commits(deployment), time.monotonic()
    time.sleep(seconds)
    used = spent(before, deployment.marks())
    passed = time.monotonic() - began
    return {
        "xids/s": used["xids"] / passed,
        "commits/s": (_commits(deployment) - commits) / passed,
        "CPU % postgres": 100 * used.get("CPU s postgres", 0) / passed,
    }


def _commits(deployment: Deployment) -> int:
    return _count(
        deployment,
        "select xact_commit from pg_catalog.pg_stat_database"
        " where datname = pg_catalog.current_database()",
    )


def _lateness(bench: Bench, deployment: Deployment, count: int, span: int) -> Figures:
    """Return how late the starts of one planned time are, and their claims."""
    every = timedelta(seconds=span)
    planned = EPOCH + ((datetime.now(UTC) - EPOCH) // every + 1) * every
    beat = bench.bar(f"(l) {count:,} schedules in {span} s", count)

    def started() -> bool:
        runs = "select count(*) from onceflow.schedule_run where planned_at = %s"
        beat(now := _count(deployment, runs, planned))
        return now == count

    deployment.wait_until(started, "all schedules to start", 4 * span + 60)
    ran = "select count(*) from onceflow.instance where scheduled_at = %s and ended_at is not null"
    deployment.wait_until(
        lambda: _count(deployment, ran, planned) == count, "all that they start to end", 120
    )
    rows = deployment.conn.execute(
        "select w.name || '/' || r.trigger, r.at,"
        " min(l.at) filter (where l.state = 'RUNNING' and l.step is not null)"
        " from onceflow.schedule_run r join onceflow.workflow w on w.id = r.workflow_id"
        " join onceflow.task_log l on l.instance_id = r.instance_id"
        " where r.planned_at = %s group by w.name, r.trigger, r.at",
        (planned,),
    ).fetchall()
    due = [Plan(name, every=span, jitter=span).due(planned) for name, _, _ in rows]
    figures: Figures = {}
    for column, key in ((1, "started"), (2, "claimed")):
        late = [(row[column] - at).total_seconds() for row, at in zip(rows, due, strict=True)]
        figures |= {f"{key} {name}": value for name, value in latencies(late).items()}
    return figures
