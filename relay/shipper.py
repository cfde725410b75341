"""Ships the outbox: take a batch, produce it, delete what was acknowledged, commit.

The rows stay locked from the taking to the commit, so that two relays never hold the same one. A
crash in between ships a batch twice, never zero times; a claim absorbs the second.
"""

import logging
import threading
from collections import Counter

from ..engine import failpoints
from ..engine.calls import OutboxRow, defer_outbox, drop_outbox, take_outbox
from ..engine.calls.base import Connection
from ..engine.kafka_names import dead_letter_topic, task_topic
from ..engine.settings import Settings
from ..engine.sleeper import RELAY, Sleeper
from .broker import trouble_with
from .sender import Record, Sender
from .topics import Topics

log = logging.getLogger("onceflow.relay.shipper")

FIRST_BATCH, BATCH = 250, 2000
"""Rows taken at a time, at first and at most: more gains little speed, and a crash repeats more."""

BATCH_BYTES = 32 * 1024 * 1024
"""What the values of a batch may weigh together: large ones come in smaller batches."""


class BrokerAway(Exception):
    """No broker answers. Nothing of the batch is blamed for it."""


class Shipper:
    """Ships batches over one producer. For one thread."""

    def __init__(self, settings: Settings, stop: threading.Event | None = None) -> None:
        """Open the producer; once ``stop`` is set nothing waits long for a broker."""
        self._settings = settings
        self._sender = Sender(settings, stop)
        self._topics = Topics(settings)
        self._limit = FIRST_BATCH

    def run(self, conn: Connection, stop: threading.Event) -> None:
        """Ship until ``stop`` is set. Raises BrokerAway, and what psycopg raises."""
        sleeper = Sleeper(conn, [RELAY], stop)
        while not stop.is_set():
            limit = self._limit
            shipped = self.ship(conn)
            if shipped < limit:
                sleeper.rest(shipped)
            else:
                sleeper.wake()

    def ship(self, conn: Connection) -> int:
        """Ship one batch; return how many rows it had, with those that could not be shipped."""
        with conn.transaction():
            # It may be lost in a crash: this transaction deletes from the outbox and does nothing
            # else, and a row that comes back is shipped again.
            conn.execute("set local synchronous_commit = off")
            rows = take_outbox(conn, self._limit)
            if not rows:
                return 0
            self._weigh(rows)
            records, refused = self._address(rows)
            sent = self._sender.send(records)
            failpoints.hit("relay.after_produce")
            if sent.acknowledged:
                drop_outbox(conn, sent.acknowledged)
        for topic in sent.unknown_topics:
            self._topics.forget(topic)
        refused |= sent.refused
        if sent.unanswered:
            trouble = trouble_with(self._sender.producer)
            if trouble:
                self._defer(conn, rows, refused)
                raise BrokerAway(trouble)
            # The broker is well; a partition may be without a leader. The rows behind go on.
            refused |= sent.unanswered
        self._defer(conn, rows, refused)
        return len(rows)

    def close(self) -> None:
        """End the producer."""
        self._sender.close()

    def _weigh(self, rows: list[OutboxRow]) -> None:
        """Let the next batch be larger, or smaller where this one weighs too much."""
        weight = sum(len(row.value) for row in rows)
        if weight > BATCH_BYTES:
            self._limit = max(1, len(rows) * BATCH_BYTES // weight)
        else:
            self._limit = min(self._limit * 2, BATCH)

    def _address(self, rows: list[OutboxRow]) -> tuple[list[Record], dict[int, str]]:
        """Return the records of the rows, and by row what keeps others from having one."""
        records = [
            Record(row.id, self._topic_of(row), row.key, row.value, row.headers) for row in rows
        ]
        ours = {r.topic for r, row in zip(records, rows, strict=True) if row.kind != "event"}
        theirs = {r.topic for r, row in zip(records, rows, strict=True) if row.kind == "event"}
        problems = self._topics.make(ours) | self._topics.check(
            theirs - ours, self._sender.producer
        )
        if not problems:
            return records, {}
        return (
            [record for record in records if record.topic not in problems],
            {r.id: problems[r.topic] for r in records if r.topic in problems},
        )

    def _topic_of(self, row: OutboxRow) -> str:
        if row.kind == "task":
            return task_topic(self._settings, row.topic)
        return dead_letter_topic(self._settings) if row.kind == "dead_letter" else row.topic

    def _defer(self, conn: Connection, rows: list[OutboxRow], errors: dict[int, str]) -> None:
        """Put off what could not be shipped, in a transaction of its own, and say so."""
        if not errors:
            return
        given_up = {
            row.id
            for row in defer_outbox(conn, list(errors), list(errors.values()))
            if row.outcome == "quarantined"
        }
        for error, count in Counter(errors.values()).items():
            log.warning("%d of %d messages cannot be shipped now: %s", count, len(rows), error)
        if given_up:
            log.error(
                "%d messages were given up after many tries and are in quarantine: see the view "
                "onceflow.quarantined; release_quarantine() ships them again",
                len(given_up),
            )
