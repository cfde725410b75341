"""(q) The reference load with statistics and scraped metrics, in turn with neither.

A minute is summed when it has been over for half of one, so mostly in the next turn: windows begin
with the processes, and what one leaves to be summed is in the next one's account. A window shorter
than a minute and a half may see none summed; the report tells how many were, and how many scrapes.
"""

import threading
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any

import httpx2
import psycopg

from onceflow.engine.dev.postgres import free_port

from ..bench import Bench
from ..deployment import POSTGRES, Deployment, connect, deployed
from ..load import ClosedLoop, Run
from ..turns import Side, take_turns
from ..workflows import sequence

TITLE = "4 steps, closed loop, with statistics and metrics"
STEPS = 4
IN_FLIGHT = 256
SCRAPED_EVERY = 15.0
"""Seconds between two scrapes, as Prometheus is set up where nobody says otherwise."""
LONGEST_SCRAPE = 10.0
"""Seconds in which a scrape must be answered, likewise."""

# The job finds no row by which it could have itself to itself, and so does nothing.
OFF = "delete from onceflow.job where name = 'sum_statistics'"
NO_INDEX = "drop index onceflow.task_log_at"


def run(bench: Bench) -> None:
    """Load two databases in turn, of which one sums nothing and is asked nothing."""
    with bench.servers.database() as off, bench.servers.database() as on:
        with deployed(bench.servers, POSTGRES, bench.options, off):
            pass  # it is migrated
        with connect(off) as conn:
            conn.execute(OFF)
            conn.execute(NO_INDEX)
        counted = Side("statistics, metrics", partial(_turn, bench, on, counted=True))
        bare = Side("neither", partial(_turn, bench, off, counted=False))
        take_turns(bench, "q", f"onceflow {POSTGRES.name}", counted, bare)


def _turn(bench: Bench, dsn: str, *, counted: bool) -> Run:
    with deployed(bench.servers, POSTGRES, bench.options, dsn) as deployment:
        workflow = sequence(STEPS).register(deployment.conn)
        summed = _minutes(deployment.conn)
        ports = _start(deployment, bench.options.workers, counted=counted)
        loop = ClosedLoop(deployment, workflow, STEPS, IN_FLIGHT)
        with _scraped(ports) if ports else nullcontext([]) as scrapes:
            run = loop.window(bench.options.window, lambda _: None)
        run.figures["minutes summed"] = _minutes(deployment.conn) - summed
        run.figures["scrapes"] = len(scrapes)
        loop.drain()
        return run


def _minutes(conn: psycopg.Connection[Any]) -> int:
    """Return how many minutes there are sums of."""
    row = conn.execute(
        "select count(distinct at) from onceflow.statistics where seconds = 60"
    ).fetchone()
    assert row is not None
    return row[0]


def _start(deployment: Deployment, workers: int, *, counted: bool) -> list[int]:
    """Start relay and workers; return the ports where they serve metrics."""
    ports = [free_port() for _ in range(1 + workers)] if counted else []
    told = [{"ONCEFLOW_METRICS_PORT": str(port)} for port in ports] or [None] * (1 + workers)
    deployment.start_relay(env=told[0])
    for env in told[1:]:
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
