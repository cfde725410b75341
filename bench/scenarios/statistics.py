"""(q) The reference load with statistics and scraped metrics, in turn with neither.

Both are turned on and off in the one deployment, between windows, as turns with processes of their
own spread far wider than what is looked for. Windows of one deployment spread too: so it is also
told how much of Postgres' CPU the sessions have used that sum and that are asked by scrapes. A
minute is summed when it has been over for half of one, so a window of a minute sums one, or at
times none or two; the report tells how many, and how many scrapes there were. What counting costs
within the processes is in both sides.
"""

import threading
import time
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, LiteralString

import httpx2
import psycopg

from onceflow.engine.dev.postgres import free_port

from ..bench import Bench
from ..deployment import POSTGRES, Deployment, deployed
from ..load import ClosedLoop, Run
from ..processes import cpu_seconds
from ..turns import CPU, Side, take_turns
from ..workflows import sequence

TITLE = "4 steps, closed loop, with statistics and metrics"
STEPS = 4
IN_FLIGHT = 256
SCRAPED_EVERY = 15.0
"""Seconds between two scrapes, as Prometheus is set up where nobody says otherwise."""
LONGEST_SCRAPE = 10.0
"""Seconds in which a scrape must be answered, likewise."""
LEFT = 1.5
"""Windows of load before the first turn: what it sums has been under load for all of a minute."""
OWN = ["relay clock of statistics", "relay metrics", "worker metrics"]
"""The sessions that do nothing else."""
OF_THAT = f"of {CPU} statistics, metrics"

# The job finds no row by which it could have itself to itself, and so does nothing.
OFF = (
    "delete from onceflow.job where name = 'sum_statistics'",
    "drop index onceflow.task_log_at",
)
# What was over while nothing was summed is left out: a window pays for its own minutes alone.
ON = (
    "create index task_log_at on onceflow.task_log using brin (at) with (autosummarize = on)",
    "delete from onceflow.statistic_minute",
    "update onceflow.statistic_clock set noted_until"
    " = date_trunc('minute', onceflow.now() - interval '30 seconds', 'UTC')",
    "insert into onceflow.job (name) values ('sum_statistics')",
)


def run(bench: Bench) -> None:
    """Load one database in turns, in every other of which nothing is summed or asked for."""
    with (
        bench.servers.database() as dsn,
        deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment,
    ):
        workflow = sequence(STEPS).register(deployment.conn)
        ports = _start(deployment, bench.options.workers)
        loop = ClosedLoop(deployment, workflow, STEPS, IN_FLIGHT)
        _switch(deployment.conn, OFF)
        loop.keep_full(LEFT * bench.options.window, lambda _: None)
        load = partial(loop.window, bench.options.window, lambda _: None)
        counted = Side("statistics, metrics", partial(_counted, deployment.conn, ports, load))
        take_turns(bench, "q", f"onceflow {POSTGRES.name}", counted, Side("neither", load))
        loop.drain()


def _counted(conn: psycopg.Connection[Any], ports: Sequence[int], load: Callable[[], Run]) -> Run:
    _switch(conn, ON)
    summed, own, began = _minutes(conn), _own_cpu(conn), time.monotonic()
    with _scraped(ports) as scrapes:
        run = load()
    steps = run.figures["steps/s"] * (time.monotonic() - began)
    run.per_step[OF_THAT] = 1e6 * (_own_cpu(conn) - own) / steps
    run.figures["minutes summed"] = _minutes(conn) - summed
    run.figures["scrapes"] = len(scrapes)
    _switch(conn, OFF)
    return run


def _switch(conn: psycopg.Connection[Any], statements: Sequence[LiteralString]) -> None:
    with conn.transaction():
        for statement in statements:
            conn.execute(statement)


def _own_cpu(conn: psycopg.Connection[Any]) -> float:
    """Return the CPU seconds that the sessions of OWN have used so far."""
    rows = conn.execute(
        "select pid from pg_catalog.pg_stat_activity where application_name = any (%s)",
        ([f"onceflow {name}" for name in OWN],),
    ).fetchall()
    return cpu_seconds(pid for (pid,) in rows) or 0.0


def _minutes(conn: psycopg.Connection[Any]) -> int:
    """Return how many minutes there are sums of."""
    row = conn.execute(
        "select count(distinct at) from onceflow.statistics where seconds = 60"
    ).fetchone()
    assert row is not None
    return row[0]


def _start(deployment: Deployment, workers: int) -> list[int]:
    """Start relay and workers; return the ports where they serve metrics."""
    ports = [free_port() for _ in range(1 + workers)]
    relay, *others = [{"ONCEFLOW_METRICS_PORT": str(port)} for port in ports]
    deployment.start_relay(env=relay)
    for env in others:
        deployment.start_workers(1, env=env)
    return ports


@contextmanager
def _scraped(ports: Sequence[int]) -> Generator[list[float]]:
    """Scrape as Prometheus does, and list when; at the end raise what one of them has raised."""
    over = threading.Event()
    begun: list[float] = []
    failed: list[Exception] = []

    def scrape() -> None:
        try:
            with httpx2.Client(timeout=LONGEST_SCRAPE) as client:
                while not over.wait(SCRAPED_EVERY):
                    begun.append(time.monotonic())
                    for port in ports:
                        client.get(f"http://127.0.0.1:{port}/metrics").raise_for_status()
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=scrape, name="scraper")
    thread.start()
    try:
        yield begun
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]
