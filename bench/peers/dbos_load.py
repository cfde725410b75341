"""DBOS Transact under the reference load.

``direct``  each worker process calls the workflow itself, in threads: no queue, no start by others
``queue``   a client enqueues in sets, the worker processes dequeue

With one in flight this process calls the workflow directly; there is no faster way in DBOS.
A fan is one workflow that starts a child for each item: ``direct`` in its own process, ``queue`` by
the queue, for the worker processes.
"""

import threading
import time
from typing import Any

import psycopg
import sqlalchemy as sa
from dbos import DBOS, DBOSClient, DBOSConfig
from peer_program import Asked, drive, read_asked, run_program, wait_for_stdin, workers

QUEUE = "bench"
# `worker_concurrency` bounds what one process takes at a time (docs: Queues & Concurrency), so that
# the first to poll does not take everything; 64 and 128 were slower.
WORKER_CONCURRENCY = 16
# `polling_interval_sec`: how often a worker looks at its queue; 1 s by default, which would leave
# the workers idle between two looks.
POLLING = 0.05
# `sys_db_pool_size`: connections of a process to the system database; 20 by default.
POOL = 40
THREADS = 32
"""Callers in each worker process in the mode ``direct``; 4, 8 and 16 were slower."""


def launch(asked: Asked) -> None:
    """Start DBOS in this process."""
    config: DBOSConfig = {
        "name": "bench",
        "system_database_url": asked.dsn,
        "sys_db_pool_size": POOL,
        "application_version": "bench",
        "executor_id": asked.role or "driver",
        "log_level": "ERROR",
    }
    DBOS(config=config)
    if not asked.role:
        DBOS.listen_queues([])  # only the workers take what is enqueued
    DBOS.launch()


@DBOS.step()
def step() -> None:
    """Do nothing."""


@DBOS.workflow()
def sequence(steps: int) -> None:
    """Run steps one after the other."""
    for _ in range(steps):
        step()


@DBOS.workflow()
def fan(items: int, steps: int, queued: bool) -> None:
    """Run a child for each item, and await them all."""
    children = [
        DBOS.enqueue_workflow(QUEUE, sequence, steps)
        if queued
        else DBOS.start_workflow(sequence, steps)
        for _ in range(items)
    ]
    for child in children:
        child.get_result()


class Load:
    """DBOS as ``drive`` sees it."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._conn = psycopg.connect(asked.dsn, autocommit=True)
        self._engine = sa.create_engine(asked.dsn.replace("postgresql://", "postgresql+psycopg://"))
        self._client = DBOSClient(system_database_url=asked.dsn)

    def one(self) -> None:
        asked = self._asked
        if asked.items:
            fan(asked.items, asked.steps // asked.items, asked.mode == "queue")
        else:
            sequence(asked.steps)

    def start(self, count: int) -> None:
        with self._engine.begin() as connection:
            for _ in range(count):
                self._client.enqueue_in_transaction(
                    connection,
                    {"queue_name": QUEUE, "workflow_name": sequence.__qualname__},
                    self._asked.steps,
                )

    def open(self) -> int:
        if self._asked.mode == "direct":
            return self._asked.in_flight  # the workers themselves keep it full
        return self._count("status in ('ENQUEUED', 'PENDING')")

    def samples(self, began: float, ended: float) -> list[float]:
        rows = self._conn.execute(
            "select (completed_at - created_at) / 1000.0 from dbos.workflow_status"
            " where status = 'SUCCESS' and completed_at >= %s and completed_at < %s",
            (int(began * 1000), int(ended * 1000)),
        ).fetchall()
        return [float(row[0]) for row in rows]

    def total(self) -> int:
        done = "status = 'SUCCESS'"
        return self._count(f"{done} and name = '{fan.__qualname__}'" if self._asked.items else done)

    def _count(self, condition: str) -> int:
        row: Any = self._conn.execute(
            f"select count(*) from dbos.workflow_status where {condition}"  # noqa: S608
        ).fetchone()
        return row[0]


def work(asked: Asked) -> None:
    """Be one of the worker processes."""
    launch(asked)
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            sequence(asked.steps)

    callers = min(asked.share, THREADS) if asked.mode == "direct" and not asked.items else 0
    threads = [threading.Thread(target=call, daemon=True) for _ in range(callers)]
    for thread in threads:
        thread.start()
    wait_for_stdin()
    stop.set()
    for thread in threads:
        thread.join(10)


def main() -> None:
    asked = read_asked()
    if asked.role:
        work(asked)
        return
    launch(asked)  # makes the tables
    DBOS.register_queue(QUEUE, worker_concurrency=WORKER_CONCURRENCY, polling_interval_sec=POLLING)
    if asked.in_flight == 1 and not (asked.items and asked.mode == "queue"):
        drive(asked, Load(asked))
    else:
        with workers(asked):
            time.sleep(2)  # the queue's thread looks for queues once a second
            drive(asked, Load(asked))


if __name__ == "__main__":
    run_program(main)
