"""Turns the clock: its jobs, each with a connection and transactions of its own.

A call of a job is one transaction, so one candidate that cannot be handled, or whose row somebody
keeps locked, would hold up all others. So one that fails is tried again with half its size, down to
one candidate; what fails alone is passed over, loudly, and tried again later and later. No job
stands still behind another. Slow expressions fail their own steps; where there are many, in small
portions, and what needs none evaluated is done between.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import psycopg

from ..engine import failpoints, meters
from ..engine.calls import (
    analyze_partitions,
    apply_deliveries,
    begin_instances,
    enforce_deadlines,
    ensure_partitions,
    expire_workers,
    fail_lost_attempts,
    fire_timers,
    forget_events,
    remind_people,
    sum_statistics,
)
from ..engine.calls.base import Connection
from ..engine.calls.slow_expressions import ALL, SLOW_AT_MOST, struck_by, unevaluated
from ..engine.errors import OnceflowError
from ..engine.settings import Settings
from ..engine.sleeper import DELIVERIES, Sleeper
from .schedules import fire_due_schedules, start_waiting_runs
from .spans import TurnSpans

log = logging.getLogger("onceflow.relay.clock")

LIMIT = 500
"""Candidates of one call."""

PORTION = 8
"""Candidates of which all that come due are failed unevaluated, where many of them are slow."""

REST, REST_OF_INSTANCES, REST_OF_LEASES = 0.1, 0.25, 0.5
REST_OF_EVENTS, REST_OF_REMINDERS, REST_OF_STATISTICS, REST_OF_PLANS = 10.0, 5.0, 5.0, 1.0
"""Seconds between two calls of a job while nothing more is due: how late a timer may be, the start
or the deadline of an instance, and how late a lost worker is noticed. Leases are long, and that
look costs more than all others; events that are over only take up room; a minute is summed in the
second call after it is over, by which most transactions that did something in it have ended; a
partition may grow by thousands of rows a second."""

RETRY_SKIPPED, RETRY_SKIPPED_AT_MOST = 60.0, 3600.0
"""Seconds until what was passed over is tried again: twice as many each time, up to these."""

PARTITIONS_EVERY, PARTITIONS_AGAIN = 3600.0, 60.0
"""Seconds between two looks whether partitions are made ahead, and after one that failed."""

LOCK_TIMEOUT = 0.5
"""Seconds that a call waits for a lock."""

TIMEOUT, TIMEOUT_ALONE = 5.0, 20.0
"""Seconds that a call may take: of many candidates, and of one alone."""

GIVES_WAY = 3
"""How often in a row a call may fail by what says nothing about the candidates, until it does."""

# Classes of SQLSTATE that say nothing about the candidates: a lost connection, a deadlock, a
# resource that was short, a server that shuts down. All others do, our own statement_timeout too.
PASSING = ("08", "40", "53", "57", "58")
QUERY_CANCELED = "57014"


@dataclass(frozen=True, slots=True)
class Job:
    """A call with a limit and a number of candidates to pass over; it returns how many it did."""

    name: str
    call: Callable[[Connection, int, int], int]
    between: Callable[[Connection, int], int] | None = None
    """The same for candidates for which nothing is evaluated: called when expressions are slow."""
    rest: float = REST
    sleeps_on: str | None = None
    """What wakes it before its rest is over, and who finds nothing for long rests longer."""


def _expire_workers(conn: Connection, limit: int, skip: int) -> int:
    count = expire_workers(conn, limit, skip, f"relay {socket.gethostname()}:{os.getpid()}")
    if count:
        log.warning("%d workers were declared dead", count)
        meters.count("onceflow_workers_lost", count)
    return count


def _fire_timers(conn: Connection, limit: int, skip: int) -> int:
    fired = fire_timers(conn, limit, skip)
    count = fired.retried + fired.timed_out
    if count:
        failpoints.hit("relay.after_timers")
    return count


def _fire_without_evaluating(conn: Connection, limit: int) -> int:
    return fire_timers(conn, limit, evaluating=False).retried


def _apply_deliveries(conn: Connection, limit: int, skip: int) -> int:
    count = apply_deliveries(conn, limit, skip)
    if count:
        failpoints.hit("relay.after_apply")
    return count


JOBS = (
    Job("workers", _expire_workers, rest=REST_OF_LEASES),
    Job("timers", _fire_timers, _fire_without_evaluating),
    Job("starts", begin_instances, rest=REST_OF_INSTANCES),
    Job("lost attempts", fail_lost_attempts, rest=REST_OF_LEASES),
    Job("deadlines", enforce_deadlines, rest=REST_OF_INSTANCES),
    Job("deliveries", _apply_deliveries, sleeps_on=DELIVERIES),
    Job("events", forget_events, rest=REST_OF_EVENTS),
    Job("reminders", remind_people, rest=REST_OF_REMINDERS),
    Job("schedules", fire_due_schedules),
    Job("queued schedules", start_waiting_runs, rest=REST_OF_INSTANCES),
    Job("statistics", sum_statistics, rest=REST_OF_STATISTICS),
    Job("plans", analyze_partitions, rest=REST_OF_PLANS),
)
"""The jobs of the clock, by what they look after."""


def jobs_of(settings: Settings) -> list[Job]:
    """Return the jobs as the settings have them."""
    summing = partial(sum_statistics, labels=settings.metric_labels)
    return [replace(job, call=summing) if job.call is sum_statistics else job for job in JOBS]


class Turns:
    """How large the calls of a job may be now, and what they pass over. For one thread.

    It outlives connections: a candidate that ends one is found by halves too.
    """

    def __init__(self, job: Job) -> None:
        self.job = job
        self.limit = LIMIT
        self.skip = 0
        """How many candidates are passed over: the first of those that are due."""
        self.done = 0
        """How many the last call has handled."""
        self._retry_at = 0.0
        self._retry_after = RETRY_SKIPPED
        self._retried = 0
        """How many of these have failed again, since it was time to try them."""
        self._retried_last = False
        self._gave_way = 0
        self._timeout = 0.0
        self._late = ""
        """Instances whose expressions the next call fails unevaluated: they were too slow."""
        self._strikes = 0
        """How many were found so, until a call went well."""
        self._between = False
        """Whether an expression was too slow, and what needs none evaluated has its turn."""
        self._spans = TurnSpans()

    def run(self, conn: Connection, stop: threading.Event) -> None:
        """Turn until ``stop`` is set. Raises what psycopg raises where the connection is lost."""
        meters.count("onceflow_clock_failures", 0, self.job.name)
        self._timeout = 0.0
        conn.execute(
            "select pg_catalog.set_config('lock_timeout', %s, false)",
            (f"{round(LOCK_TIMEOUT * 1000)}ms",),
        )
        sleeper = Sleeper(conn, [self.job.sleeps_on], stop) if self.job.sleeps_on else None
        while not stop.is_set():
            self.done, began = 0, time.time_ns()
            more = self.turn(conn)
            self._spans.tell(self.job.name, self.done, began)
            if sleeper is None or self._gave_way:
                stop.wait(0 if more else self.job.rest)
            elif more:
                sleeper.wake()
            else:  # by one more may have been sent, of which its own lock would not tell it
                sleeper.rest(2 * self.done)

    def turn(self, conn: Connection) -> bool:
        """Call once; return whether the next call should follow at once."""
        if self._between and self.job.between:
            return self._turn_between(conn, self.job.between)
        # By turns with the others, which may wait behind it for as long as a call takes.
        due = self.skip > 0 and time.monotonic() >= self._retry_at
        retry = due and not self._retried_last and not self._late
        self._retried_last = retry
        limit, skip = (1, self._retried) if retry else (self.limit, self.skip)
        try:
            self._bound(conn, TIMEOUT_ALONE if limit == 1 else TIMEOUT)
            self.done = self._call(conn, limit, skip)
            meters.count("onceflow_clock_handled", self.done, self.job.name)
        except (psycopg.Error, OnceflowError) as error:
            meters.count("onceflow_clock_failures", 1, self.job.name)
            if self._is_passing(conn, error):
                log.info("%s: a call gave way: %s", self.job.name, error)
                return False
            self._between = struck_by(error) is not None
            if self._finds_late(error):
                return True
            if retry:
                self._retried += 1
                self._pass_over(self._retried, error)
            else:
                self._fail(error)
            if conn.closed:
                raise
            return True
        slow, self._late = bool(self._late), ""
        self._gave_way = self._strikes = 0
        if retry:
            self.skip -= 1  # it was handled, or is no longer due
            self._end_retries()
            return True
        full = self.done >= self.limit
        if not slow:  # behind slow ones there are often more
            self.limit = min(self.limit * 2, LIMIT)
        return full

    def _turn_between(self, conn: Connection, call: Callable[[Connection, int], int]) -> bool:
        self._between = False
        try:
            self._bound(conn, TIMEOUT)
            self._between = call(conn, LIMIT) >= LIMIT
        except (psycopg.Error, OnceflowError) as error:
            # Not by halves: they are candidates of the whole job too.
            log.warning("%s: a call between failed: %s", self.job.name, error)
            if conn.closed:
                raise
        return True

    def _call(self, conn: Connection, limit: int, skip: int) -> int:
        if not self._late:
            return self.job.call(conn, limit, skip)
        with unevaluated(conn, self._late, self._late.count(",") + 1):
            return self.job.call(conn, limit, skip)

    def _finds_late(self, error: Exception) -> bool:
        """Tell whether a call failed by an expression that the next one is to fail unevaluated."""
        slow = struck_by(error)
        if not slow or slow in self._late:
            self._late = ""
            return False
        self._late = f"{self._late},{slow}".lstrip(",")
        log.warning(
            "%s: an expression of instance %s is too slow, and its step is failed",
            self.job.name,
            slow,
        )
        self._strikes += 1
        if self._strikes >= SLOW_AT_MOST:
            self._bear_many()
        return True

    def _bear_many(self) -> None:
        """Let the others through: by halves, and once few are left, these fail together."""
        if self.limit > PORTION:
            self.limit //= 2
            if self.limit <= PORTION:
                self._strikes = 0  # of so few, it is to be seen whether many are slow
            return
        self._late = ALL
        log.warning(
            "%s: too many expressions are slow; of %d candidates all that come due are failed",
            self.job.name,
            self.limit,
        )

    def _bound(self, conn: Connection, seconds: float) -> None:
        if seconds != self._timeout:
            conn.execute(
                "select pg_catalog.set_config('statement_timeout', %s, false)",
                (f"{round(seconds * 1000)}ms",),
            )
            self._timeout = seconds

    def _is_passing(self, conn: Connection, error: psycopg.Error | OnceflowError) -> bool:
        state = error.sqlstate or ""
        if conn.closed or state == QUERY_CANCELED or not state.startswith(PASSING):
            return False
        self._gave_way += 1
        return self._gave_way <= GIVES_WAY

    def _fail(self, error: Exception) -> None:
        """Find the candidate that fails by halves; pass over it once it is found."""
        if self.limit > 1:
            self.limit //= 2
            log.warning(
                "%s: a call failed; it is tried again with %d: %s", self.job.name, self.limit, error
            )
            return
        if not self.skip:
            self._retry_after = RETRY_SKIPPED
            self._retry_at = time.monotonic() + self._retry_after
        self.skip += 1
        self._pass_over(self.skip, error)

    def _pass_over(self, position: int, error: Exception) -> None:
        log.error(
            "%s: number %d of what is due cannot be handled; the clock passes over it, and "
            "tries it again after %g s: %s",
            self.job.name,
            position,
            self._retry_after,
            error,
        )
        self._end_retries()

    def _end_retries(self) -> None:
        """Once all that is passed over was tried again, wait longer until the next time."""
        if self._retried and self._retried >= self.skip:
            self._retried = 0
            self._retry_after = min(self._retry_after * 2, RETRY_SKIPPED_AT_MOST)
            self._retry_at = time.monotonic() + self._retry_after


def make_partitions(conn: Connection, stop: threading.Event) -> None:
    """Look once whether partitions are made ahead, and wait for the time of the next look."""
    pause = PARTITIONS_EVERY
    try:
        made = ensure_partitions(conn)
    except psycopg.Error as error:
        # A long transaction may be in the way; there are others ahead, and an hour is short.
        log.warning("partitions could not be made ahead, which is tried again: %s", error)
        pause = PARTITIONS_AGAIN
    else:
        if made:
            log.info("made %d partitions ahead", made)
    conn.close()
    stop.wait(pause)
