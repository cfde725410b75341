"""The relay's work on topics that start instances: a thread for each trigger, with a connection.

None waits for another: a trigger whose topic is missing, whose expressions are slow or whose
records are all wrong costs nobody but itself.
"""

import logging
import threading
import time
from typing import Final

import psycopg
from confluent_kafka import KafkaException

from ...engine.calls import Source, TopicTrigger, list_topic_triggers, note_topic
from ...engine.calls.base import Connection
from ...engine.errors import OnceflowError
from ...engine.kafka_names import intake_group
from ...engine.pool import connect
from ...engine.sessions import limit
from ...engine.settings import Settings
from ..broker import Admin, open_admin
from .formats import format_of
from .taker import Halted, Taker, told
from .topic_ids import TopicMissing

log = logging.getLogger("onceflow.relay.intake")

LOOK_EVERY: Final = 1.0
"""Seconds between two looks for triggers that are new, gone, paused, or have records released."""

AGAIN, AGAIN_AT_MOST = 0.5, 15.0
"""Seconds until a trigger begins anew that could not go on, at first and at most."""

STATEMENT_TIMEOUT, LOCK_TIMEOUT = 5.0, 2.0
"""Seconds that a call may take, and wait for a lock."""


class Intake:
    """The threads of all triggers. It outlives connections, as they do."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._admin = open_admin(settings)
        self._threads: dict[tuple[str, str], TriggerThread] = {}
        self._ending: list[TriggerThread] = []

    def run(self, conn: Connection, stop: threading.Event) -> None:
        """Keep a thread at work for each trigger until ``stop`` is set."""
        while not stop.is_set():
            self.turn(conn)
            stop.wait(LOOK_EVERY)
        self.close()

    def turn(self, conn: Connection) -> None:
        """Look once which triggers take records."""
        wanted = {
            (trigger.workflow, trigger.trigger): trigger
            for trigger in list_topic_triggers(conn)
            if trigger.takes
        }
        for key, thread in [*self._threads.items()]:
            trigger = wanted.get(key)
            if trigger is None or not thread.is_for(trigger):
                thread.end()
                self._ending.append(self._threads.pop(key))
        self._ending = [thread for thread in self._ending if thread.is_alive()]
        for key, trigger in wanted.items():
            # One at a time: the one before may still be in a call, and in the group.
            if key not in self._threads and all(key != thread.key for thread in self._ending):
                self._threads[key] = TriggerThread(self._settings, self._admin, trigger)
                self._threads[key].start()
            elif trigger.released and key in self._threads:
                self._threads[key].released.set()

    def close(self) -> None:
        """End all threads, and wait for them."""
        ending = [*self._threads.values(), *self._ending]
        for thread in ending:
            thread.end()
        for thread in ending:
            thread.join()
        self._threads, self._ending = {}, []


class TriggerThread(threading.Thread):
    """Takes the records of one trigger, and begins anew where that cannot go on."""

    def __init__(self, settings: Settings, admin: Admin, trigger: TopicTrigger) -> None:
        super().__init__(name=f"intake {trigger.workflow}/{trigger.trigger}", daemon=True)
        self.key = trigger.workflow, trigger.trigger
        self.released = threading.Event()
        self._settings = settings
        self._admin = admin
        self._trigger = trigger
        self._stop_event = threading.Event()
        self._said = ""

    def is_for(self, trigger: TopicTrigger) -> bool:
        """Tell whether it does what that trigger asks for now."""
        mine = self._trigger
        return (mine.topic, mine.group, mine.format, mine.is_checked) == (
            trigger.topic,
            trigger.group,
            trigger.format,
            trigger.is_checked,
        )

    def end(self) -> None:
        """Have it end soon; does not wait."""
        self._stop_event.set()

    def run(self) -> None:
        """Work until the end is asked for, whatever happens meanwhile."""
        pause = AGAIN
        while not self._stop_event.is_set():
            began = time.monotonic()
            try:
                self._work()
                continue
            except Halted:
                pause = LOOK_EVERY  # whoever looks for triggers ends this thread, or it goes on
            except (TopicMissing, KafkaException, psycopg.Error, OnceflowError) as error:
                pause = self._after(began, pause)
                self._say(told(error), pause)
            except Exception:
                pause = self._after(began, pause)
                log.exception("%s has failed; it begins anew in %g s", self.name, pause)
            self._stop_event.wait(pause)

    def _after(self, began: float, pause: float) -> float:
        lasted = time.monotonic() - began
        return AGAIN if lasted > AGAIN_AT_MOST else min(pause * 2, AGAIN_AT_MOST)

    def _work(self) -> None:
        trigger = self._trigger
        with self._connect() as conn:
            group = trigger.group or intake_group(self._settings, *self.key)
            try:
                reads = format_of(trigger.format, self._settings)
                taker = Taker(self._settings, conn, self._admin, trigger, group, reads)
            except (TopicMissing, OnceflowError) as error:
                self._note(conn, told(error))
                raise
            try:
                self._said = ""
                taker.run(self._stop_event.is_set, self.released)
            finally:
                taker.close()

    def _connect(self) -> Connection:
        conn = connect(
            self._settings,
            "relay intake",
            own_session=True,
            statement_timeout=STATEMENT_TIMEOUT,
            wait=None,
            stop=self._stop_event,
        )
        limit(conn, lock_timeout=f"{round(LOCK_TIMEOUT * 1000)}ms")
        return conn

    def _note(self, conn: Connection, problem: str) -> None:
        """Have a problem kept, for all who ask why nothing comes of the topic."""
        if problem != self._said:
            source = Source(*self.key, self._trigger.topic)
            note_topic(conn, source, problem, {})

    def _say(self, problem: str, pause: float) -> None:
        if problem != self._said and not self._stop_event.is_set():
            log.warning("%s: %s; it begins anew in %g s", self.name, problem, pause)
            self._said = problem
