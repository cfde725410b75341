"""PgQueuer under the reference load: a plain job queue, chained by hand.

Each step is a job whose handler enqueues the next. That is less than a workflow engine does: no
record of the instance, no state between steps, and a step may run again with its successor already
enqueued. It is the floor of what a queue in Postgres costs.
"""

import asyncio
import json
import os
import time
import traceback
from datetime import timedelta
from typing import Any

import asyncpg
import psycopg
import uvloop  # PgQueuer's own benchmark runs on it
from peer_program import Asked, drive, read_asked, run_program, wait_for_stdin, workers
from pgqueuer import QueueManager
from pgqueuer.db import AsyncpgPoolDriver
from pgqueuer.models import Job
from pgqueuer.queries import Queries

# `batch_size` of run(): 10 by default, which was slower, as was 50.
BATCH = 100
POOL = 10
"""Connections of a worker: a handler enqueues while others do."""


def payload(began: float, step: int) -> bytes:
    """Return what a job carries: when its instance began, and which step it is."""
    return json.dumps([began, step]).encode()


class Load:
    """PgQueuer as ``drive`` sees it; its asynchronous client runs on a loop of its own."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._conn = psycopg.connect(asked.dsn, autocommit=True)
        self._loop = asyncio.new_event_loop()
        self._pool = self._loop.run_until_complete(_pool(asked.dsn, 2))
        self._queries = Queries(AsyncpgPoolDriver(self._pool))

    def install(self) -> None:
        self._loop.run_until_complete(self._queries.install())  # logged tables: "durable"
        # The instance's end is a row, as its last step is to leave something behind.
        self._conn.execute(
            "create table ended"
            " (began double precision, ended timestamptz default clock_timestamp())"
        )

    def one(self) -> None:
        before = self.total()
        self.start(1)
        while self.total() == before:
            time.sleep(0.0005)

    def start(self, count: int) -> None:
        now = time.time()
        self._loop.run_until_complete(
            self._queries.enqueue(
                ["step"] * count, [payload(now, 1) for _ in range(count)], [0] * count
            )
        )

    def open(self) -> int:
        return self._value("select count(*) from pgqueuer where entrypoint = 'step'")

    def samples(self, began: float, ended: float) -> list[float]:
        rows = self._conn.execute(
            "select extract(epoch from ended)::float - began from ended"
            " where ended >= to_timestamp(%s) and ended < to_timestamp(%s)",
            (began, ended),
        ).fetchall()
        return [float(row[0]) for row in rows]

    def total(self) -> int:
        return self._value("select count(*) from ended")

    def _value(self, query: str) -> int:
        row: Any = self._conn.execute(query.encode()).fetchone()
        return row[0]


async def _pool(dsn: str, size: int) -> Any:
    return await asyncpg.create_pool(dsn, min_size=size, max_size=size)


async def serve(asked: Asked) -> None:
    """Be one of the worker processes."""
    pool = await _pool(asked.dsn, POOL)
    queries = Queries(AsyncpgPoolDriver(pool))
    manager = QueueManager(queries)

    @manager.entrypoint("step")
    async def step(job: Job) -> None:
        began, number = json.loads(job.payload or b"")
        if number < asked.steps:
            await queries.enqueue("step", payload(began, number + 1))
        else:
            await pool.execute("insert into ended (began) values ($1)", began)

    running = asyncio.create_task(
        manager.run(batch_size=BATCH, dequeue_timeout=timedelta(seconds=5))
    )
    waiting = asyncio.create_task(asyncio.to_thread(wait_for_stdin))
    await asyncio.wait({running, waiting}, return_when=asyncio.FIRST_COMPLETED)
    if running.done():
        traceback.print_exception(running.exception())
    os._exit(running.done())  # the thread that waits for stdin would keep us


def main() -> None:
    asked = read_asked()
    if asked.role:
        uvloop.run(serve(asked))
        return
    load = Load(asked)
    load.install()
    with workers(asked):
        drive(asked, load)


if __name__ == "__main__":
    run_program(main)
