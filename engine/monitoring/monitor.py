"""Serves metrics and health of one process where a port is set for it."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import psycopg

from .. import meters
from ..errors import OnceflowError
from ..pool import connect
from ..settings import Settings
from .answers import TEXT, Answer

if TYPE_CHECKING:
    from prometheus_client.core import Metric

    from .registry import Metrics, Numbers
    from .server import MonitoringServer

log = logging.getLogger("onceflow.monitoring")
T = TypeVar("T")

STATEMENT_TIMEOUT = 5.0
"""Seconds that a question of a scrape may take."""
FRESH = 5.0
"""Seconds for which an answer of Postgres is told again, however many ask."""


class Asked:
    """The one connection that scrapes and probes share; one of them asks at a time."""

    def __init__(self, settings: Settings, process: str) -> None:
        self._settings = settings
        self._name = f"{process} metrics"
        self._conn: psycopg.Connection[Any] | None = None
        self._lock = threading.Lock()

    def ask(self, question: Callable[[psycopg.Connection[Any]], T]) -> T:
        """Return the answer. Raises what psycopg and ``connect`` raise, and TimeoutError."""
        if not self._lock.acquire(timeout=2 * STATEMENT_TIMEOUT):
            raise TimeoutError("another question takes too long")
        try:
            if self._conn is None or self._conn.closed:
                self._conn = connect(
                    self._settings, self._name, statement_timeout=STATEMENT_TIMEOUT
                )
            try:
                return question(self._conn)
            except psycopg.OperationalError:
                self._conn.close()
                raise
        finally:
            self._lock.release()

    def close(self) -> None:
        """End the connection, unless it is busy: then it ends with the process."""
        if self._lock.acquire(timeout=1):
            try:
                if self._conn is not None:
                    self._conn.close()
            finally:
                self._lock.release()


class Fresh:
    """What Postgres has answered a moment ago, for all who ask now."""

    def __init__(self, asked: Asked, question: Callable[[psycopg.Connection[Any]], T]) -> None:
        self._asked, self._question = asked, question
        self._lock = threading.Lock()
        self._until = 0.0
        self._answer: Any = None

    def read(self) -> Any:
        """Return the answer; None where there is none now."""
        with self._lock:
            if time.monotonic() >= self._until:
                try:
                    self._answer = self._asked.ask(self._question)
                except (psycopg.Error, OnceflowError, TimeoutError) as error:
                    log.warning("metrics that Postgres is asked for are not told: %s", error)
                    self._answer = None
                self._until = time.monotonic() + FRESH
            return self._answer


class Monitor:
    """The server of one process; where no port is set it does nothing, and costs nothing.

    ``ready`` says what is wrong with the process itself, empty where nothing is: Postgres is asked
    besides. Use it as a context manager.
    """

    def __init__(
        self, settings: Settings, process: str, ready: Callable[[], str] = lambda: ""
    ) -> None:
        self._settings, self._process, self._ready = settings, process, ready
        self._asked = Asked(settings, process)
        self._alive: Fresh | None = None
        self._server: MonitoringServer | None = None
        self.metrics: Metrics | None = None
        if settings.metrics_port is not None:
            from . import registry  # who serves none does not wait for it

            self.metrics = registry.Metrics(process)
            self._alive = Fresh(self._asked, _is_alive)

    def __enter__(self) -> Self:
        """Listen. Raises ServerError where the address cannot be had."""
        port = self._settings.metrics_port
        if self.metrics is not None and port is not None:
            from .server import MonitoringServer

            meters.count_into(self.metrics)
            self._server = MonitoringServer(
                self._settings.metrics_host,
                port,
                {"/metrics": self._tell, "/health/live": _live, "/health/ready": self._tell_ready},
            )
        return self

    def __exit__(self, *_: object) -> None:
        if self._server is not None:
            self._server.close()
            meters.count_into(None)
            self._asked.close()

    @property
    def port(self) -> int | None:
        """Where it listens; None: nowhere."""
        return None if self._server is None else self._server.port

    def add_numbers(
        self,
        read: "Callable[[], Numbers]",
        gauges: Mapping[str, tuple[str, str]],
        counters: Mapping[str, tuple[str, str]] | None = None,
    ) -> None:
        """Have numbers of the process told: see ``Metrics.add_numbers``."""
        if self.metrics is not None:
            self.metrics.add_numbers(read, gauges, counters)

    def add_answers(
        self,
        question: Callable[[psycopg.Connection[Any]], T],
        metrics_of: "Callable[[T], Iterable[Metric]]",
    ) -> None:
        """Have told what Postgres answers; where it does not, these are left out."""
        if self.metrics is not None:
            fresh = Fresh(self._asked, question)

            def collect() -> "Iterable[Metric]":
                answer = fresh.read()
                return [] if answer is None else metrics_of(answer)

            self.metrics.add(collect)

    def _tell(self) -> Answer:
        from prometheus_client import CONTENT_TYPE_LATEST

        return 200, CONTENT_TYPE_LATEST, b"" if self.metrics is None else self.metrics.text()

    def _tell_ready(self) -> Answer:
        wrong = self._ready()
        if not wrong and (self._alive is None or self._alive.read() is None):
            wrong = "Postgres does not answer"
        return (503, TEXT, f"{wrong}\n".encode()) if wrong else (200, TEXT, b"ok\n")


def _live() -> Answer:
    return 200, TEXT, b"ok\n"


def _is_alive(conn: psycopg.Connection[Any]) -> bool:
    conn.execute("select 1").fetchone()
    return True
