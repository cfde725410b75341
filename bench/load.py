"""Drives instances through a deployment: a closed loop of K in flight, or one at a time.

The driver shares the machine with what it measures. It looks as rarely as twenty times what a look
costs, and starts what is missing in one call.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine.calls import start_instances

from .costs import Marks, per, spent
from .deployment import Deployment, inputs
from .figures import Figures, latencies, percentile

NEAR = 0.9
"""The part of what one instance takes after which the driver looks whether it has ended."""
LARGEST_SET = 500
"""Instances in one call of start_instances, at most."""


@dataclass(frozen=True, slots=True)
class Run:
    """One window: its figures, and what a step of it used."""

    figures: Figures
    per_step: Figures


class ClosedLoop:
    """Keeps ``in_flight`` instances of a workflow of ``steps`` steps open."""

    def __init__(self, deployment: Deployment, workflow: str, steps: int, in_flight: int) -> None:
        self._deployment = deployment
        self._conn = deployment.conn
        self._workflow = workflow
        self._steps = steps
        self._in_flight = in_flight
        self._first = _new_id(self._conn)
        self.started = 0

    def keep_full(self, seconds: float, beat: Callable[[float], None]) -> None:
        """Keep the loop full for a while; ``beat`` hears every so often how many seconds passed."""
        began = time.monotonic()
        while (passed := time.monotonic() - began) < seconds:
            looked = time.monotonic()
            missing = self._in_flight - self._open()
            cost = time.monotonic() - looked
            while missing > 0:
                count = min(missing, LARGEST_SET)
                start_instances(self._conn, self._workflow, inputs(count))
                self.started += count
                missing -= count
            self._deployment.check()
            beat(passed)
            time.sleep(min(0.05, max(0.001, 20 * cost)))

    def window(self, seconds: float, beat: Callable[[float], None]) -> Run:
        """Keep the loop full for a window and return what ended in it."""
        before, began = self._deployment.marks(), _now(self._conn)
        self.keep_full(seconds, beat)
        after, ended = self._deployment.marks(), _now(self._conn)
        return self._read(before, after, began, ended)

    def drain(self) -> None:
        """Wait for the end of all; raise RuntimeError where one did not succeed."""
        self._deployment.wait_until(lambda: not self._open(), "the last instances to end", 120)
        row = self._conn.execute(
            "select count(*) from onceflow.instance where id >= %s and state <> 'SUCCEEDED'",
            (self._first,),
        ).fetchone()
        assert row is not None
        if row[0]:
            raise RuntimeError(f"{row[0]} instances did not succeed")

    def _open(self) -> int:
        row = self._conn.execute(
            "select count(*) from onceflow.instance where state = 'RUNNING' and id >= %s",
            (self._first,),
        ).fetchone()
        assert row is not None
        return row[0]

    def _read(self, before: Marks, after: Marks, began: datetime, ended: datetime) -> Run:
        rows = self._conn.execute(
            "select extract(epoch from ended_at - started_at)::float from onceflow.instance"
            " where id >= %s and ended_at >= %s and ended_at < %s",
            (self._first, began, ended),
        ).fetchall()
        count = len(rows)
        seconds = (ended - began).total_seconds()
        figures = {"instances/s": count / seconds, "steps/s": count * self._steps / seconds}
        if not count:
            return Run(figures, {})
        figures |= latencies([row[0] for row in rows])
        return Run(figures, per(spent(before, after), count * self._steps))


class OneAtATime:
    """Runs instances one after the other; their time is the client's, from call to seen end."""

    def __init__(self, deployment: Deployment, workflow: str, steps: int) -> None:
        self._deployment = deployment
        self._conn = deployment.conn
        self._workflow = workflow
        self._steps = steps
        self._inside: deque[float] = deque(maxlen=20)
        self.started = 0

    def run(self, count: int, beat: Callable[[float], None] = lambda _: None) -> Run:
        """Run ``count`` instances and return the figures."""
        before, began = self._deployment.marks(), time.perf_counter()
        samples: list[float] = []
        inside: list[float] = []
        for number in range(count):
            sample, instance = self._one()
            samples.append(sample)
            inside.append(_seconds_inside(self._conn, instance))
            self._inside.append(inside[-1])
            beat(number + 1)
        seconds = time.perf_counter() - began
        after = self._deployment.marks()
        self.started += count
        figures = {"instances/s": count / seconds, "steps/s": count * self._steps / seconds}
        figures |= latencies(samples) | {"inside p50 ms": percentile(inside, 0.5) * 1000}
        figures["xids/instance"] = (after.xid - before.xid) / count
        return Run(figures, per(spent(before, after), count * self._steps))

    def background(self, seconds: float) -> float:
        """Return how many transaction ids a second the deployment takes while nothing runs."""
        before, began = self._deployment.marks(), time.monotonic()
        time.sleep(seconds)
        after = self._deployment.marks()
        return (after.xid - before.xid) / (time.monotonic() - began)

    def _one(self) -> tuple[float, UUID]:
        began = time.perf_counter()
        (started,) = start_instances(self._conn, self._workflow, [{}])
        # Looks cost Postgres something, so they begin when the end may be near: by the engine's own
        # times of the last ones, since what was slept through would count for ever after.
        near = NEAR * median(self._inside) if self._inside else 0.0
        time.sleep(max(0.0, near - (time.perf_counter() - began)))
        while not _has_ended(self._conn, started.instance_id):
            if time.perf_counter() - began > 60:
                raise TimeoutError(f"instance {started.instance_id} does not end")
            self._deployment.check()
            time.sleep(0.0003)
        return time.perf_counter() - began, started.instance_id


def _has_ended(conn: psycopg.Connection[Any], instance: UUID) -> bool:
    row = conn.execute("select state from onceflow.instance where id = %s", (instance,)).fetchone()
    assert row is not None
    if row[0] not in ("RUNNING", "SUCCEEDED"):
        raise RuntimeError(f"instance {instance} is {row[0]}")
    return row[0] == "SUCCEEDED"


def _seconds_inside(conn: psycopg.Connection[Any], instance: UUID) -> float:
    row = conn.execute(
        "select extract(epoch from ended_at - started_at)::float"
        " from onceflow.instance where id = %s",
        (instance,),
    ).fetchone()
    assert row is not None
    return row[0]


def _new_id(conn: psycopg.Connection[Any]) -> UUID:
    row = conn.execute("select onceflow.uuid7_bound(pg_catalog.clock_timestamp())").fetchone()
    assert row is not None
    return row[0]


def _now(conn: psycopg.Connection[Any]) -> datetime:
    row = conn.execute("select pg_catalog.clock_timestamp()").fetchone()
    assert row is not None
    return row[0]
