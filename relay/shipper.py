"""Ships the outbox: take a batch, produce it, delete what was acknowledged, commit.

The rows stay locked from the taking to the commit, so that two relays never hold the same one. A
crash in between ships a batch twice, never zero times; a claim absorbs the second.
"""

import logging
import threading
from collections import Counter
from collections.abc import Sequence

from ..engine import failpoints, meters
from ..engine.calls import OutboxRow, defer_outbox, drop_outbox, take_outbox
from ..engine.calls.base import Connection
from ..engine.kafka_names import dead_letter_topic, form_topic, is_topic, task_topic
from ..engine.logs import about
from ..engine.settings import Settings
from ..engine.sleeper import RELAY, Sleeper
from ..engine.tracing import id_of
from .broker import trouble_with
from .sender import Record, Sender
from .spans import shipping
from .topics import Topics

log = logging.getLogger("onceflow.relay.shipper")

FIRST_BATCH, BATCH = 250, 2000
"""Rows taken at a time, at first and at most: more gains little speed, and a crash repeats more."""

BATCH_BYTES = 32 * 1024 * 1024
"""What the values of a batch may weigh together."""


FAN_OUT, TOGETHER = 128, 16
"""Messages of one instance in a batch, more than which are a fan-out that all workers are to have;
and how many of those have one key, and so go to one partition of a topic."""


class BrokerAway(Exception):
    """No broker answers. Nothing of the batch is blamed for it."""


class Keys:
    """The keys of a batch's messages, which lead to a partition each.

    That of a task is its instance's. Of a fan-out one worker had all, so each further ``TOGETHER``
    of its messages have a number behind it; few are sooner done by one worker than by several.
    """

    def __init__(self, rows: Sequence[OutboxRow]) -> None:
        counted = Counter(row.key for row in rows if row.kind == "task" and row.key is not None)
        self._seen = {key: 0 for key, count in counted.items() if count > FAN_OUT}

    def of(self, row: OutboxRow) -> str | None:
        """Return the key of the next row."""
        if row.kind != "task" or row.key is None or row.key not in self._seen:
            return row.key
        before = self._seen[row.key]
        self._seen[row.key] = before + 1
        return row.key if before < TOGETHER else f"{row.key}/{before // TOGETHER}"


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
        """Ship one batch; return how many rows it had, with those that could not be shipped.

        Raises BrokerAway.
        """
        with conn.transaction():
            # It may be lost in a crash: this transaction deletes from the outbox and does nothing
            # else, and a row that comes back is shipped again.
            conn.execute("set local synchronous_commit = off")
            rows = take_outbox(conn, self._limit, BATCH_BYTES)
            if not rows:
                return 0
            self._limit = min(self._limit * 2, BATCH)
            records, refused, hopeless = self._address(rows)
            with shipping(rows):
                sent = self._sender.send(records)
            failpoints.hit("relay.after_produce")
            if sent.acknowledged:
                drop_outbox(conn, sent.acknowledged)
        for topic in sent.unknown_topics:
            self._topics.forget(topic)
        meters.count("onceflow_messages_shipped", len(sent.acknowledged))
        refused |= sent.refused
        hopeless |= sent.hopeless
        if sent.unanswered:
            trouble = trouble_with(self._sender.producer)
            if trouble:
                self._defer(conn, rows, refused, hopeless)
                raise BrokerAway(trouble)
            # The broker is well; a partition may be without a leader. The rows behind go on.
            refused |= sent.unanswered
        self._defer(conn, rows, refused, hopeless)
        return len(rows)

    def close(self) -> None:
        """End the producer."""
        self._sender.close()

    def _address(
        self, rows: list[OutboxRow]
    ) -> tuple[list[Record], dict[int, str], dict[int, str]]:
        """Return the records of the rows; by row what is wrong with its topic; what is hopeless.

        Rows like the last are refused where they are made: these come from elsewhere.
        """
        records: list[Record] = []
        ours, theirs = set[str](), set[str]()
        hopeless: dict[int, str] = {}
        keys = Keys(rows)
        for row in rows:
            topic = self._topic_of(row)
            if not is_topic(topic):
                hopeless[row.id] = f"{topic[:60]!r} is no name that Kafka takes for a topic"
            elif row.headers is None:
                hopeless[row.id] = f"its headers are no texts by names (topic {topic})"
            else:
                records.append(Record(row.id, topic, keys.of(row), row.value, row.headers))
                (theirs if row.kind == "event" else ours).add(topic)
        problems = self._topics.make(ours) | self._topics.check(
            theirs - ours, self._sender.producer
        )
        if not problems:
            return records, {}, hopeless
        return (
            [record for record in records if record.topic not in problems],
            {r.id: problems[r.topic] for r in records if r.topic in problems},
            hopeless,
        )

    def _topic_of(self, row: OutboxRow) -> str:
        if row.kind == "task":
            return task_topic(self._settings, row.topic)
        if row.kind == "form":
            return form_topic(self._settings)
        return dead_letter_topic(self._settings) if row.kind == "dead_letter" else row.topic

    def _defer(
        self,
        conn: Connection,
        rows: list[OutboxRow],
        refused: dict[int, str],
        hopeless: dict[int, str],
    ) -> None:
        """Put off what could not be shipped, in a transaction of its own, and say so."""
        errors = refused | hopeless
        if not errors:
            return
        meters.count("onceflow_messages_deferred", len(errors))
        put_off = defer_outbox(conn, list(errors), list(errors.values()), hopeless)
        gone = {row.id for row in put_off if row.outcome == "quarantined"}
        for error, count in Counter(errors.values()).items():
            traces = [id_of(row.headers) for row in rows if errors.get(row.id) == error]
            told = about(traces)
            log.warning(
                "%d of %d messages cannot be shipped now: %s", count, len(rows), error, extra=told
            )
        if gone:
            log.error(
                "%d messages were given up and are in quarantine: see the view "
                "onceflow.quarantined; release_quarantine() ships them again",
                len(gone),
                extra=about(id_of(row.headers) for row in rows if row.id in gone),
            )
