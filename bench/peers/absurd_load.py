"""Absurd under the reference load: a task with a checkpoint a step, claimed in batches.

Its schema is the one that its own command line (the package absurdctl) installs.
"""

import asyncio
import time
from typing import Any

import absurdctl
import psycopg
from absurd_sdk import Absurd, AsyncAbsurd
from peer_program import Asked, drive, read_asked, run_program, wait_for_stdin, workers

QUEUE = "bench"
TASK = "sequence"
# `poll_interval` of start_worker: 0.25 s by default, which is what one in flight would wait for.
POLL = 0.005
# `concurrency` (and with it the batch of a claim) of start_worker; 8 and 32 were slower.
CONCURRENCY = 128


class Load:
    """Absurd as ``drive`` sees it."""

    def __init__(self, asked: Asked) -> None:
        self._asked = asked
        self._conn = psycopg.connect(asked.dsn, autocommit=True)
        self._set = psycopg.connect(asked.dsn)
        self._client = Absurd(self._set, queue_name=QUEUE)

    def one(self) -> None:
        client = Absurd(self._conn, queue_name=QUEUE)
        spawned = client.spawn(TASK, {"steps": self._asked.steps}, queue=QUEUE)
        # Its own await_task_result backs off up to seconds; this looks as often as ours does.
        while True:
            found = client.fetch_task_result(spawned["task_id"])
            if found is not None and found.state == "completed":
                return
            time.sleep(0.0005)

    def start(self, count: int) -> None:
        for _ in range(count):  # one commit for the set
            self._client.spawn(TASK, {"steps": self._asked.steps}, queue=QUEUE)
        self._set.commit()

    def open(self) -> int:
        return self._count("state <> 'completed'")

    def samples(self, began: float, ended: float) -> list[float]:
        rows = self._conn.execute(
            f"select extract(epoch from r.completed_at - t.enqueue_at)::float"  # noqa: S608
            f" from absurd.r_{QUEUE} r join absurd.t_{QUEUE} t using (task_id)"
            " where r.completed_at >= to_timestamp(%s) and r.completed_at < to_timestamp(%s)",
            (began, ended),
        ).fetchall()
        return [float(row[0]) for row in rows]

    def total(self) -> int:
        return self._count("state = 'completed'")

    def _count(self, condition: str) -> int:
        row: Any = self._conn.execute(
            f"select count(*) from absurd.t_{QUEUE} where {condition}"  # noqa: S608
        ).fetchone()
        return row[0]


async def serve(asked: Asked) -> None:
    """Be a worker of the asynchronous client."""
    app = AsyncAbsurd(asked.dsn, queue_name=QUEUE)

    @app.register_task(TASK)
    async def sequence(params: Any, context: Any) -> None:
        async def step() -> None:
            return None

        for number in range(params["steps"]):
            await context.step(f"step-{number}", step)

    task = asyncio.create_task(
        app.start_worker(worker_id=asked.role, concurrency=CONCURRENCY, poll_interval=POLL)
    )
    await asyncio.to_thread(wait_for_stdin)
    app.stop_worker()
    task.cancel()


def main() -> None:
    asked = read_asked()
    if asked.role:
        asyncio.run(serve(asked))
        return
    with psycopg.connect(asked.dsn, autocommit=True) as conn:
        conn.execute(absurdctl.BUNDLED_SCHEMA_SQL)
        conn.execute("select absurd.create_queue(%s)", (QUEUE,))
    with workers(asked):
        drive(asked, Load(asked))


if __name__ == "__main__":
    run_program(main)
