"""The delivery without a broker: tasks are taken straight out of the outbox and claimed at once.

The turn takes them itself, as many as it has slots for. This thread lets it look, and sleeps while
nothing is there; it is woken by the commit of whoever queues a task (see ``engine.sleeper``).
"""

import logging
import threading
from collections.abc import Sequence
from dataclasses import dataclass

import psycopg

from ...engine.calls import Grant
from ...engine.errors import ServerError
from ...engine.pool import connect
from ...engine.settings import Settings
from ...engine.sleeper import Sleeper
from ..attempts.engine_calls import EngineCalls
from ..attempts.slots import Slots, Waiting

log = logging.getLogger("onceflow.worker")

RECONNECT = 0.2
"""Seconds between two looks while there is no connection to be woken by."""

LONGEST_WAIT = 0.2
"""Seconds after which a turn that has not looked is taken to be full."""


@dataclass(frozen=True, slots=True)
class Look:
    """What the turn has found; ``all``: it had room for more."""

    found: int
    all: bool


class PostgresDelivery:
    """Takes the tasks of some queues."""

    paused = False
    partitions = 0

    def __init__(self, settings: Settings, queues: Sequence[str], slots: Slots) -> None:
        self._settings = settings
        self._queues = queues
        self._slots = slots
        self._stopping = threading.Event()
        self._looked = threading.Condition()
        self._look: Look | None = None
        slots.look_there(True)
        self._thread = threading.Thread(target=self._run, name="delivery", daemon=True)
        self._thread.start()

    def claim(self, calls: EngineCalls, waiting: Waiting) -> list[Grant]:
        """Take what a turn has room for; where that was all, the thread says when to look again."""
        grants, found = calls.take(self._queues, waiting.share)
        look = Look(found, found < waiting.share)
        if look.all:
            self._slots.look_there(False)
        with self._looked:
            self._look = look
            self._looked.notify()
        return grants

    @property
    def stats(self) -> dict[str, int]:
        """What is told with each renewal: nothing."""
        return {}

    def stop(self) -> None:
        """Let the turn look no more; does not wait."""
        self._stopping.set()
        with self._looked:
            self._looked.notify()

    def join(self, timeout: float) -> None:
        """Wait for the thread's end, at most ``timeout`` seconds."""
        self._thread.join(timeout)

    def _run(self) -> None:
        said = ""
        while not self._stopping.is_set():
            try:
                with connect(self._settings, "worker delivery", own_session=True) as conn:
                    said = ""
                    self._watch(Sleeper(conn, self._queues, self._stopping))
            except (psycopg.Error, ServerError) as error:
                if str(error) != said and not self._stopping.is_set():
                    said = str(error)
                    log.warning("nobody wakes the worker, so it looks by itself: %s", said)
            self._slots.look_there(True)
            self._stopping.wait(RECONNECT)

    def _watch(self, sleeper: Sleeper) -> None:
        """Say after each look when the next one is due."""
        while not self._stopping.is_set():
            look = self._next_look()
            if look is not None and look.all:
                sleeper.rest(look.found)
                self._slots.look_there(True)
            else:
                sleeper.wake()  # more is there than the worker has room for

    def _next_look(self) -> Look | None:
        """Wait for the turn to look; None where it does not, for want of room."""
        with self._looked:
            self._looked.wait_for(
                lambda: self._look is not None or self._stopping.is_set(), LONGEST_WAIT
            )
            look, self._look = self._look, None
            return look
