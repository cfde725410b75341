"""Ship messages to Kafka, find those that the broker has lost, and turn the clock.

With ONCEFLOW_TRANSPORT=postgres workers take their messages themselves: it turns the clock alone.
Several can run; without any, nothing moves that is not already on its way. It ends at SIGTERM or
Ctrl-C.
"""

# Threads, each with its own connection: one for each job of the clock (clock.py); over Kafka
# (kafka.py) ``shipper`` ships the outbox, ``upkeep`` makes topics and finds lost messages,
# ``intake`` has threads for topics that start instances. One that loses a server waits for it and
# goes on; one that fails for a reason of our own says so and begins anew, later and later: the
# others go on meanwhile.

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import psycopg
from psycopg import errors

from ..engine import garbage
from ..engine.calls import require_transport
from ..engine.calls.base import Connection
from ..engine.errors import MigrationError, Refused, ServerError
from ..engine.migrations.applied import wait_for_schema
from ..engine.monitoring.monitor import Monitor
from ..engine.pool import connect
from ..engine.settings import Settings
from ..engine.traces.spans import sending
from .clock import Turns, jobs_of, make_partitions

log = logging.getLogger("onceflow.relay")

Work = Callable[[Connection, threading.Event], None]

WAITS_FOR_MIGRATE = errors.UndefinedFunction, errors.InsufficientPrivilege
"""The first `onceflow migrate` makes tables, then functions, then rights."""

AFRESH, AFRESH_AT_MOST = 1.0, 30.0
"""Seconds until a thread that has failed begins anew, at first and at most."""

STATEMENT_TIMEOUT = 20.0
"""Seconds that a statement of the relay may take."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: all that the relay needs to know are settings."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the relay until a signal ends it; return 0, or 1 where a thread of it has failed."""
    settings.require_servers()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stop))
    garbage.relax()
    with Monitor(settings, "relay") as monitor, sending("relay"):
        if monitor.metrics is not None:
            # Here: who serves no metrics does not wait for what makes them.
            from ..engine.monitoring.deployment import Sums, gauge_metrics, read_gauges

            monitor.add_answers(read_gauges, gauge_metrics)
            monitor.add_answers(Sums().read, Sums.metrics)
            if settings.metric_labels:
                from ..engine.monitoring.labelled import LabelledSums

                monitor.add_answers(LabelledSums(settings.metric_labels).read, LabelledSums.metrics)
        return Relay(settings, stop).run()


def _stop(stop: threading.Event, _number: int, _frame: object) -> None:
    stop.set()


class Relay:
    """The threads of one relay process."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._failed = False
        self._works: dict[str, Work] = {
            **{f"clock of {job.name}": Turns(job).run for job in jobs_of(settings)},
            "clock of partitions": make_partitions,
        }

    def run(self) -> int:
        """Work until ``stop`` is set; return the exit code."""
        try:
            wait_for_schema(self._settings, "relay", stop=self._stop, own_session=True)
            self._require_transport()
        except (ServerError, MigrationError):
            if not self._stop.is_set():
                raise
        kafka = None
        if self._settings.transport == "kafka":
            from .kafka import Kafka  # who needs no broker needs no client of it

            kafka = Kafka(self._settings)
            self._works |= {
                "shipper": kafka.ship,
                "upkeep": kafka.keep_up,
                "intake": kafka.take_in,
            }
        threads = [
            threading.Thread(target=self._keep_working, args=(name, work), name=name)
            for name, work in self._works.items()
        ]
        for thread in threads:
            thread.start()
        # Signals are served between two waits of the main thread.
        while not self._stop.wait(0.5):
            pass
        for thread in threads:
            thread.join()
        if kafka is not None:
            kafka.close()
        log.info("the relay has ended")
        return 1 if self._failed else 0

    def _keep_working(self, name: str, work: Work) -> None:
        """Do the work on a connection; once a server is lost, wait for it and begin again."""
        pause = AFRESH
        while not self._stop.is_set():
            began = time.monotonic()
            try:
                self._work(name, work)
                continue
            except Refused as error:  # the transport was switched
                log.error("the %s ends: %s", name, error)
                self._failed = True
                self._stop.set()
            except Exception:
                # Whatever it was, starting the whole process afresh would meet it again.
                lasted = time.monotonic() - began
                pause = AFRESH if lasted > AFRESH_AT_MOST else min(pause * 2, AFRESH_AT_MOST)
                log.exception("the %s has failed; it begins anew in %g s", name, pause)
                self._stop.wait(pause)

    def _work(self, name: str, work: Work) -> None:
        try:
            conn = connect(
                self._settings,
                f"relay {name}",
                own_session=True,
                statement_timeout=STATEMENT_TIMEOUT,
                wait=None,
                stop=self._stop,
            )
        except ServerError:
            if self._stop.is_set():
                return
            raise
        with conn:
            try:
                work(conn, self._stop)
            except psycopg.OperationalError as error:
                log.warning("the %s lost Postgres, or waited too long: %s", name, error)
                self._stop.wait(0.2)
            except WAITS_FOR_MIGRATE as error:
                log.warning("the %s waits for `onceflow migrate`: %s", name, error)
                self._stop.wait(1)

    def _require_transport(self) -> None:
        """Raise Refused where messages travel by another transport; wait for a first migrate."""
        with connect(self._settings, "relay", wait=None, stop=self._stop) as conn:
            while not self._stop.is_set():
                try:
                    require_transport(conn, self._settings.transport)
                except WAITS_FOR_MIGRATE as error:
                    log.warning("the relay waits for `onceflow migrate`: %s", error)
                    self._stop.wait(1)
                else:
                    break
