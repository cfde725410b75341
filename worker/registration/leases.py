"""A worker's registration and the lease on it: one row, renewed by one call, whatever it runs.

The lease is counted here on the monotonic clock from before each renewal was sent, so this process
never believes in it longer than the engine does. Once it is over, or the engine has declared the
worker dead, the registration is lost for good: what ran under it is told to stop, its answers are
dropped, and the worker registers anew under a fresh id.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import psycopg

from ...engine.calls import Key, register_worker, renew_worker, require_transport
from ...engine.errors import WorkerNotLive
from ...engine.json_text import Json
from ...engine.settings import Settings
from .deadlines import Deadline, Deadlines
from .grants import Grants
from .retrying_connection import Abandoned, RetryingConnection, Spoiled

log = logging.getLogger("onceflow.worker")


class Counters:
    """What this process has done since it began; sent along with each renewal."""

    NAMES = (
        "claimed",
        "handed_off",
        "skipped",
        "held",
        "completed",
        "failed",
        "stale",
        "deferred",
        "given_back",
        "quarantined",
    )

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter(dict.fromkeys(self.NAMES, 0))

    def add(self, name: str, count: int = 1) -> None:
        """Count ``count`` more of ``name``."""
        if count:
            with self._lock:
                self._counts[name] += count

    def snapshot(self) -> dict[str, int]:
        """Return all counts."""
        with self._lock:
            return dict(self._counts)


class Registration:
    """One life of this worker in the eyes of the engine; ``lost`` once it is over."""

    def __init__(self, worker_id: UUID, lease: float, registered_at: float) -> None:
        self.worker_id = worker_id
        self.lease = lease
        self.grants = Grants()
        self.lost = threading.Event()
        self.registered_at = registered_at
        """When, on the monotonic clock, the registration was sent: its first lease began."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What a worker tells the engine of itself.

    ``tasks`` are those that it has handlers for: it is granted no others. ``retries`` are their own
    policies, and ``signatures`` tell those that take one input from those that take another.
    """

    name: str
    queues: Sequence[str]
    tasks: Sequence[str]
    retries: Mapping[str, Json] = field(default_factory=dict[str, Json])
    signatures: Mapping[str, str] = field(default_factory=dict[str, str])


def register(
    connection: RetryingConnection,
    offer: Offer,
    settings: Settings,
    go_on: Callable[[], bool],
) -> Registration:
    """Register this process and return its registration, as soon as Postgres lets it.

    Raises Abandoned where ``go_on`` says no before that, Spoiled where a name, the lease or the
    transport is refused.
    """
    # The same in each try: one whose reply was lost has registered this process already.
    worker_id, sent = uuid4(), 0.0

    def send(conn: psycopg.Connection[Any]) -> UUID:
        nonlocal sent
        sent = time.monotonic()
        # In one transaction: no switch comes between the two.
        with conn.transaction():
            require_transport(conn, settings.transport)
            return register_worker(
                conn,
                offer.name,
                offer.queues,
                offer.tasks,
                settings.lease,
                offer.retries,
                worker_id,
                offer.signatures,
            )

    while True:
        try:
            connection.call("registering", send, go_on)
        except WorkerNotLive:  # an earlier try has registered it, and it was declared dead since
            worker_id = uuid4()
        else:
            return Registration(worker_id, settings.lease, sent)


class Lease:
    """The thread that renews one registration every third of its lease."""

    def __init__(
        self,
        settings: Settings,
        registration: Registration,
        deadlines: Deadlines,
        *,
        progress: Callable[[], Mapping[str, Json]],
        stats: Callable[[], Mapping[str, Json]],
        on_stop: Callable[[list[Key]], None],
        on_lost: Callable[[Registration, str], None],
    ) -> None:
        self._registration = registration
        self._deadlines = deadlines
        self._progress, self._stats = progress, stats
        self._on_stop, self._on_lost = on_stop, on_lost
        self._connection = RetryingConnection(settings, "worker lease")
        self._closed = threading.Event()
        self._end: Deadline = self._end_at(registration.registered_at)
        self._thread = threading.Thread(target=self._run, name="lease", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Renew no longer, and wait for a renewal under way; the engine is not told."""
        self._closed.set()
        self._end.cancel()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        pause = self._registration.lease / 3
        while not self._closed.wait(pause) and not self._registration.lost.is_set():
            began = time.monotonic()
            try:
                try:
                    self._renew(self._progress())
                except Spoiled as error:  # most likely a progress that Postgres cannot keep
                    log.warning("a renewal was refused and goes without progress: %s", error)
                    self._renew({})
            except WorkerNotLive as error:
                self._lose(str(error))
            except Abandoned:
                break
            except Spoiled as error:
                log.warning("a renewal was refused: %s", error)
            pause = max(0.0, self._registration.lease / 3 - (time.monotonic() - began))
        self._connection.close()

    def _renew(self, progress: Mapping[str, Json]) -> None:
        registration = self._registration
        sent = 0.0

        def send(conn: psycopg.Connection[Any]) -> list[Key]:
            nonlocal sent
            sent = time.monotonic()
            tokens, call = registration.grants.snapshot()
            return renew_worker(
                conn,
                registration.worker_id,
                tokens,
                call,
                progress,
                self._stats(),
            )

        to_stop = self._connection.call("renewing the lease", send, self._live, self._closed)
        self._end.cancel()
        self._end = self._end_at(sent)
        if to_stop:
            self._on_stop(to_stop)

    def _live(self) -> bool:
        return not self._closed.is_set() and not self._registration.lost.is_set()

    def _end_at(self, sent: float) -> Deadline:
        at = sent + self._registration.lease
        return self._deadlines.add_at(at, lambda: self._lose("the lease ran out unrenewed"))

    def _lose(self, reason: str) -> None:
        if not self._closed.is_set() and not self._registration.lost.is_set():
            self._registration.lost.set()
            self._on_lost(self._registration, reason)
