"""Ship messages to Kafka, find those that the broker has lost, and turn the clock.

Several can run; without any, nothing moves that is not already on its way. It ends at SIGTERM or
Ctrl-C.
"""

# Three threads, each with its own connection: ``shipper`` ships the outbox, ``clock`` calls tick,
# ``upkeep`` makes topics and finds lost messages. One that loses Postgres or Kafka waits for it and
# goes on; one that fails for a reason of our own ends the process with exit code 1, so that whoever
# supervises it starts it afresh.

import argparse
import logging
import signal
import threading
import time
from collections.abc import Callable
from functools import partial

import psycopg
from confluent_kafka import KafkaException
from psycopg import errors

from ..engine.calls import list_queues
from ..engine.calls.base import Connection
from ..engine.errors import MigrationError, ServerError
from ..engine.migrate import wait_for_schema
from ..engine.pool import connect
from ..engine.settings import Settings
from .broker import dead_letter_topic, describe, task_topic, wait_for_broker
from .clock import Clock
from .lost_messages import LostMessages
from .shipper import BrokerAway, Shipper
from .topics import Topics

log = logging.getLogger("onceflow.relay")

Work = Callable[[Connection, threading.Event], None]

UPKEEP_EVERY = 1.0
"""Seconds between two looks for new queues."""

SEARCH_EVERY = 3.0
"""Seconds between two searches for lost messages: found after two or three of them."""

STATEMENT_TIMEOUT = 20.0
"""Seconds that a statement of the relay may take."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add nothing: all that the relay needs to know are settings."""


def run(args: argparse.Namespace, settings: Settings) -> int:
    """Run the relay until a signal ends it; return 0, or 1 where a thread of it has failed."""
    settings.require_dsn()
    settings.kafka_config()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, partial(_stop, stop))
    return Relay(settings, stop).run()


def _stop(stop: threading.Event, _number: int, _frame: object) -> None:
    stop.set()


class Relay:
    """The threads of one relay process."""

    def __init__(self, settings: Settings, stop: threading.Event) -> None:
        self._settings = settings
        self._stop = stop
        self._failed = False
        # It outlives lost connections: what it has seen before a broker failed tells what it lost.
        self._keeper = Upkeep(settings)

    def run(self) -> int:
        """Work until ``stop`` is set; return the exit code."""
        try:
            wait_for_schema(self._settings, "relay", stop=self._stop)
        except (ServerError, MigrationError):
            if not self._stop.is_set():
                raise
        threads = [
            threading.Thread(target=self._keep_working, args=(name, work), name=name)
            for name, work in (
                ("shipper", self._ship),
                ("clock", self._turn_clock),
                ("upkeep", self._upkeep),
            )
        ]
        for thread in threads:
            thread.start()
        # Signals are served between two waits of the main thread.
        while not self._stop.wait(0.5):
            pass
        for thread in threads:
            thread.join()
        self._keeper.close()
        log.info("the relay has ended")
        return 1 if self._failed else 0

    def _keep_working(self, name: str, work: Work) -> None:
        """Do the work on a connection; once a server is lost, wait for it and begin again."""
        try:
            while not self._stop.is_set():
                self._work(name, work)
        except BaseException:
            log.exception("the %s has failed", name)
            self._failed = True
            self._stop.set()

    def _work(self, name: str, work: Work) -> None:
        try:
            conn = connect(
                self._settings,
                f"relay {name}",
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
            except (BrokerAway, KafkaException) as error:
                log.warning("Kafka does not answer the %s: %s", name, describe(error))
            except psycopg.OperationalError as error:
                log.warning("the %s lost Postgres, or waited too long: %s", name, error)
                self._stop.wait(0.2)
            except (errors.UndefinedFunction, errors.InsufficientPrivilege) as error:
                # The first `onceflow migrate` makes tables, then functions, then rights.
                log.warning("the %s waits for `onceflow migrate`: %s", name, error)
                self._stop.wait(1)

    def _ship(self, conn: Connection, stop: threading.Event) -> None:
        wait_for_broker(self._settings, stop)
        shipper = Shipper(self._settings, stop)
        try:
            log.info("shipping to Kafka at %s", self._settings.kafka)
            shipper.run(conn, stop)
        finally:
            shipper.close()

    def _turn_clock(self, conn: Connection, stop: threading.Event) -> None:
        Clock().run(conn, stop)

    def _upkeep(self, conn: Connection, stop: threading.Event) -> None:
        wait_for_broker(self._settings, stop)
        while not stop.is_set():
            self._keeper.turn(conn)
            stop.wait(UPKEEP_EVERY)


class Upkeep:
    """Makes topics for all queues, and has lost messages shipped again. For one thread."""

    def __init__(self, settings: Settings) -> None:
        self._task_topic = partial(task_topic, settings)
        self._dead_letters = dead_letter_topic(settings)
        self._topics = Topics(settings)
        self._lost = LostMessages(settings)
        self._said: dict[str, str] = {}
        self._searched_at = -SEARCH_EVERY

    def turn(self, conn: Connection) -> None:
        """Make what topics are missing, and search where it is time. Raises KafkaException."""
        queues = {queue: self._task_topic(queue) for queue in list_queues(conn)}
        problems = self._topics.make([self._dead_letters, *queues.values()])
        for topic, problem in problems.items():
            if self._said.get(topic) != problem:
                log.error("%s", problem)
        self._said = problems
        if time.monotonic() - self._searched_at < SEARCH_EVERY:
            return
        self._searched_at = time.monotonic()
        # Where a topic cannot be made its messages are not lost: they were never taken.
        for queue in self._lost.search(conn, [q for q, t in queues.items() if t not in problems]):
            self._topics.forget(queues[queue])

    def close(self) -> None:
        """Close the connections to the broker."""
        self._lost.close()
