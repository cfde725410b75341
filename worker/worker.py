"""The worker: takes tasks from its queues, runs their handlers, and records what they answer.

Threads: the *turn* (claims and records, one call each over a set), the *delivery* (messages from
Kafka; or, without a broker, it tells when some wait in the outbox), the *lease* (renewals), the
*deadlines*, an event loop for async handlers and threads for the others. They meet at the *slots*.
A turn::

    delivery ──messages──▶ slots ──▶ turn: record, claim ──grants──▶ executor ──answers──▶ slots

While it waits the turn is lent to a handler that ends, where it is the last that runs and is not
transactional: its thread records the answer and starts what is handed off in return.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..engine import meters
from ..engine.calls import Grant, Key, stop_worker
from ..engine.errors import ServerError, WorkerNotLive
from ..engine.json_text import Json
from ..engine.settings import Settings
from .attempts.attempt import Outcome, Running
from .attempts.engine_calls import EngineCalls
from .attempts.executor import Executor
from .attempts.slots import Slots, Waiting, Work
from .handlers.registry import Registry, registry
from .registration.deadlines import Deadlines
from .registration.leases import Counters, Lease, Offer, Registration, register
from .registration.retrying_connection import Abandoned, RetryingConnection, Spoiled

log = logging.getLogger("onceflow.worker")

LONGEST_WAIT = 0.5
"""Seconds that a turn waits for something to do before it looks around."""
LAST_CALLS = 5.0
"""Seconds after the grace within which what is left must be given back."""


class Delivery(Protocol):
    """How the tasks of a worker's queues come to it: over Kafka, or straight out of the outbox.

    It tells the slots that there is something to claim; the turn has it claimed.
    """

    @property
    def paused(self) -> bool: ...
    @property
    def partitions(self) -> int: ...
    @property
    def stats(self) -> Mapping[str, int]: ...
    def claim(self, calls: EngineCalls, waiting: Waiting) -> list[Grant]: ...
    def stop(self) -> None: ...
    def join(self, timeout: float) -> None: ...


@dataclass(frozen=True, slots=True)
class Options:
    """What a worker is told when it is started.

    ``queues`` are those it listens on: where there are none, those of its handlers. ``concurrency``
    is how many handlers may run at once. ``grace`` is how many seconds running ones get when the
    worker is stopped. Without ``hand_off`` each step takes the way through the broker, so that its
    next step may run on any worker.
    """

    queues: Sequence[str] = ()
    concurrency: int = 10
    name: str = ""
    grace: float = 30.0
    hand_off: bool = True


class Worker:
    """One worker process (or thread): ``run`` until ``stop``."""

    def __init__(self, settings: Settings, options: Options, handlers: Registry = registry) -> None:
        if options.concurrency < 1:
            raise ValueError("a worker needs a concurrency of at least 1")
        self._settings = settings
        self._grace = options.grace
        self._name = options.name or f"{socket.gethostname()}:{os.getpid()}"
        self._queues = sorted(set(options.queues)) or handlers.queues() or ["default"]
        self._offer = Offer(
            self._name, self._queues, handlers.names(), handlers.retries(), handlers.signatures()
        )
        self.counters = Counters()
        self._slots = Slots(options.concurrency, hand_off=options.hand_off)
        self._running = Running()
        self._deadlines = Deadlines()
        self._executor = Executor(
            settings, handlers, self._slots, self._running, self._deadlines, self._take_turn
        )
        self._connection = RetryingConnection(settings, "worker")
        self._delivery: Delivery | None = None
        self._registration: Registration | None = None
        self._calls: EngineCalls | None = None
        self._failed: BaseException | None = None  # in a turn that was lent
        self._stopping = threading.Event()
        self._stop_by = float("inf")

    def run(self) -> int:
        """Work until ``stop`` is called; return the exit code: 0 where all was given back.

        Raises ServerError where the engine refuses the registration, as for the name of a queue or
        where the deployment's messages travel by another transport, SessionNeeded behind a pooler.
        """
        if not self._connect():
            return 0
        delivery = self._delivery = self._open_delivery()
        try:
            while True:
                try:
                    return self._live()
                except WorkerNotLive as error:
                    self._lose(self._registration, str(error))
                except Abandoned:
                    if self._stopping.is_set():
                        return self._unclean()
                except Spoiled as error:
                    raise ServerError(f"the worker cannot register: {error}") from error
        finally:
            self._stopping.set()
            delivery.stop()
            delivery.join(LAST_CALLS)
            self._executor.close()
            self._deadlines.close()
            self._connection.close()

    def _connect(self) -> bool:
        """Wait for Postgres, before there is anything that needs it; False: stopped meanwhile."""
        connected = False
        try:
            self._connection.call("connecting", lambda _: None, lambda: not self._stopping.is_set())
            connected = True
        except Abandoned:
            pass
        finally:
            if not connected:
                self._executor.close()
                self._deadlines.close()
        return connected

    def stop(self, grace: float | None = None) -> None:
        """Stop: take nothing more, finish what runs within ``grace`` seconds, give back the rest.

        May be called from any thread, and again with a smaller grace.
        """
        grace = self._grace if grace is None else grace
        self._stop_by = min(self._stop_by, time.monotonic() + grace)
        if not self._stopping.is_set():
            log.info("stopping: %d tasks run and get %g s", len(self._running.all()), grace)
        self._stopping.set()
        self._slots.stop_accepting()
        if self._delivery is not None:
            self._delivery.stop()
        self._slots.wake()

    @property
    def busy(self) -> int:
        """How many slots are taken by handlers that have not returned."""
        return self._slots.busy

    @property
    def waiting(self) -> int:
        """How many messages lie here unclaimed."""
        return self._slots.waiting

    @property
    def paused(self) -> bool:
        """Whether it takes no messages for want of room."""
        return self._delivery is not None and self._delivery.paused

    @property
    def partitions(self) -> int:
        """From how many partitions it receives."""
        return 0 if self._delivery is None else self._delivery.partitions

    @property
    def registered(self) -> bool:
        """Whether the engine believes it to live."""
        registration = self._registration
        return registration is not None and not registration.lost.is_set()

    def numbers(self) -> dict[str, float]:
        """Return what it has done since it began, by the names of Counters, and its slots."""
        return {
            **self.counters.snapshot(),
            "slots": self._slots.total,
            "busy": self.busy,
            "unclaimed": self.waiting,
            "paused": self.paused,
            "partitions": self.partitions,
        }

    def _stats(self) -> dict[str, Json]:
        delivery: Mapping[str, int] = {} if self._delivery is None else self._delivery.stats
        slots = {"slots": self._slots.total, "busy": self._slots.busy}
        secrets = self._settings.secrets.names()
        return {**self.counters.snapshot(), **slots, **delivery, "secrets": secrets}

    def _open_delivery(self) -> Delivery:
        # Imported here: who needs no broker needs no client of it.
        if self._settings.transport == "kafka":
            from .delivery.kafka import KafkaDelivery

            return KafkaDelivery(self._settings, self._queues, self._name, self._slots)
        from .delivery.postgres import PostgresDelivery

        return PostgresDelivery(self._settings, self._queues, self._slots)

    def _live(self) -> int:
        """Live through one registration, until the worker is stopped."""
        registration = self._registration = register(
            self._connection,
            self._offer,
            self._settings,
            lambda: not self._stopping.is_set(),
        )
        log.info(
            "worker %s (%s) serves %s", self._name, registration.worker_id, ", ".join(self._queues)
        )
        lease = Lease(
            self._settings,
            registration,
            self._deadlines,
            progress=self._running.progress,
            stats=self._stats,
            on_stop=self._tell_to_stop,
            on_lost=self._lose,
        )
        calls = EngineCalls(self._connection, registration, self.counters, self._may_go_on)
        self._calls = calls
        try:
            while not self._finished():
                self._turn(calls, registration)
            return self._leave(calls, registration)
        finally:
            lease.close()

    def _turn(self, calls: EngineCalls, registration: Registration) -> None:
        """One turn: what was answered is recorded, what waits is claimed, what is granted runs."""
        work = self._take_work(LONGEST_WAIT)
        self._record(calls, registration, work)
        waiting = self._slots.take_waiting()
        if self._delivery is None or not (waiting.messages or waiting.share):
            return
        try:
            self._executor.start(self._delivery.claim(calls, waiting), registration)
        except BaseException:
            # Never claimed, perhaps, and not committed: this worker must see them again.
            self._slots.put_back(waiting.messages)
            raise

    def _take_turn(self, work: Work) -> None:
        """Do the work of a turn that was lent, in a handler's thread; raises nothing.

        What is rolled back, as for a lock that was not had in time, is left to the turn's own
        thread: on the loop may be what lets go of the lock.
        """
        left: Sequence[Outcome] = ()
        self._connection.hurried = True
        try:
            calls, registration = self._calls, self._registration
            if calls is None or registration is None:
                raise Abandoned("there is no registration")
            self._record(calls, registration, work)
        except Abandoned:
            left = work.outcomes
        except BaseException as error:
            self._failed = error
            self._slots.wake()
        finally:
            self._connection.hurried = False
            self._slots.end_turn(left)

    def _take_work(self, timeout: float) -> Work:
        """Wait for something to do. Raises what a turn that was lent has come to."""
        work = self._slots.take(timeout)
        failed, self._failed = self._failed, None
        if failed is not None:
            raise failed
        return work

    def _record(self, calls: EngineCalls, registration: Registration, work: Work) -> None:
        if registration.lost.is_set():
            raise Abandoned("the registration is lost")
        if outcomes := self._of_this(registration, work.outcomes):
            self._executor.start(calls.record(outcomes, work.room), registration)

    def _of_this(self, registration: Registration, outcomes: list[Outcome]) -> list[Outcome]:
        """Drop answers of tasks that were held under a lost registration: they are stale."""
        live = [o for o in outcomes if o.attempt.registration is registration]
        self.counters.add("stale", len(outcomes) - len(live))
        return live

    def _finished(self) -> bool:
        """Whether the worker is stopped and has nothing left to wait for."""
        if not self._stopping.is_set():
            return False
        if time.monotonic() >= self._stop_by:
            return True
        return not self._running.all() and not self._slots.unrecorded

    def _may_go_on(self) -> bool:
        registration = self._registration
        if registration is None or registration.lost.is_set():
            return False
        return time.monotonic() < self._stop_by + LAST_CALLS

    def _leave(self, calls: EngineCalls, registration: Registration) -> int:
        """Give back what has not ended and end the registration; return the exit code."""
        left = [attempt for attempt in self._running.all() if attempt.settle()]
        for attempt in left:
            attempt.stop("the worker stops")
        self._executor.close()  # async handlers have ended before their tasks are given out again
        if outcomes := self._of_this(registration, self._take_work(0).outcomes):
            calls.record(outcomes, 0)
        if left:
            calls.give_back(left)
        self._connection.call(
            "ending the registration",
            lambda conn: stop_worker(conn, registration.worker_id),
            self._may_go_on,
        )
        log.info("stopped; %d tasks given back", len(left))
        return 0

    def _unclean(self) -> int:
        if self._registration is None:
            return 0
        log.error("stopped without Postgres: its tasks are given out again when the lease is over")
        return 1

    def _tell_to_stop(self, keys: list[Key]) -> None:
        for attempt in self._running.find(keys):
            attempt.stop("its instance is ending")

    def _lose(self, registration: Registration | None, reason: str) -> None:
        """Drop everything that was held under a registration which the engine gave up, or will."""
        if registration is None:
            return
        registration.lost.set()
        meters.count("onceflow_leases_lost")
        dropped = self._executor.drop(registration, reason)
        self.counters.add("stale", dropped)
        log.warning("the registration is lost (%s); %d tasks are dropped", reason, dropped)
        self._slots.wake()
