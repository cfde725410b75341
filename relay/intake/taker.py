"""Takes the records of one trigger: what a set of them starts is one transaction with its offsets.

Where a partition stands is a row in Postgres, which the call that takes a set compares and moves.
So a record counts once, whoever else believes that the partition is his, and whatever is killed.
"""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import wait as wait_for
from typing import Final

import psycopg
from confluent_kafka import KafkaException

from ...engine import failpoints
from ...engine.calls import (
    Source,
    Span,
    TakenRecords,
    TopicRecord,
    TopicTrigger,
    move_position,
    note_topic,
    open_positions,
    read_released,
)
from ...engine.calls.base import Connection
from ...engine.settings import Settings
from ..broker import ANSWER, Admin, describe
from .consumer import TopicConsumer
from .records import Format, read_message, with_value
from .sets import Sets
from .topic_ids import TopicMissing, topic_id_of

log = logging.getLogger("onceflow.relay.intake")

POLL: Final = 0.2
"""Seconds that one look for records waits; also how soon a stop is seen."""

AHEAD: Final = 100
"""Records of a set from which on the next is read while it is taken: fewer are taken too soon."""

TELL_EVERY: Final = 5.0
"""Seconds between two looks whether there is news of the topic to be kept."""


class Halted(Exception):
    """The trigger takes nothing now: it is paused, its workflow disabled, or it is gone."""


class Taker:
    """Takes the records of one trigger over one connection and one consumer. For one thread."""

    def __init__(
        self,
        settings: Settings,
        conn: Connection,
        admin: Admin,
        trigger: TopicTrigger,
        group: str,
        reads: Format,
    ) -> None:
        """Join the group. Raises TopicMissing, KafkaException."""
        self._conn = conn
        self._admin = admin
        self._reads = reads
        self._source = Source(trigger.workflow, trigger.trigger, trigger.topic)
        self._name = f"{trigger.trigger} of {trigger.workflow}"
        self._caller = ThreadPoolExecutor(1, thread_name_prefix=f"intake of {self._name}")
        self._call: Future[list[TakenRecords] | None] | None = None
        self._buffer: list[TopicRecord] = []
        self._sure = 0
        """How many of these are known to be of the topic with the id that we know."""
        self._era = 0
        """Goes up as partitions come and go, with which the buffer begins anew."""
        self._positions: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._short: set[int] = set()
        self._told_at = time.monotonic()
        self._problem = ""
        self._sets = Sets(conn, self._name, checks=trigger.is_checked)
        self._topic_id = topic_id_of(admin, trigger.topic)
        self._consumer = TopicConsumer(settings, trigger.topic, group, self._open, self._drop)

    def run(self, stop: Callable[[], bool], released: threading.Event) -> None:
        """Take records until ``stop`` says so. Raises Halted, and what servers raise."""
        self._tell("")
        while not stop():
            self._receive()
            if self._consumer.suspects:
                self._look_outside(self._consumer.suspects)
            elif self._buffer:
                self._take()
            elif released.is_set():
                released.clear()
                self._take_released()
            self._look()

    def close(self) -> None:
        """Leave the group."""
        self._caller.shutdown()
        self._consumer.close()

    def _receive(self, beyond: int = 0, wait: float = POLL) -> int:
        """Receive up to a set of records ``beyond`` so many of the buffer; return how many."""
        # One at least, be there room or not: the group wants a sign of life.
        room = max(1, self._sets.limit + beyond - len(self._buffer))
        messages = self._consumer.receive(room, 0 if self._buffer else wait)
        records = (read_message(message, self._reads) for message in messages)
        self._buffer += [r for r in records if r.offset >= self._positions[r.partition]]
        return len(messages)

    def _take(self) -> None:
        """Take the first records of the buffer, and read more meanwhile. Raises Halted."""
        failpoints.hit("relay.before_take")
        if not self._sure and (now := self._ask_topic()) != self._topic_id:
            self._begin_anew(now)
            return
        records = self._sets.first(self._buffer[: self._sure])
        spans = self._spans(records)
        era = self._era
        if len(records) < AHEAD:
            answers = self._sets.take(self._source_now, spans, records)
        else:
            self._call = self._caller.submit(self._sets.take, self._source_now, spans, records)
            try:
                self._read_ahead(len(records))
            finally:
                answers = self._call.result()
        if answers is None:
            return  # it is tried again, with fewer of them
        failpoints.hit("relay.after_take")
        moved = self._positions_of(answers, era)
        if era != self._era:
            return  # partitions have come or gone meanwhile, and stand where Postgres says
        self._buffer = self._buffer[len(records) :]
        self._sure -= len(records)
        if moved:
            log.info("%s: partitions %s were read by another relay", self._name, sorted(moved))
            self._read_again()
        else:
            self._consumer.commit({number: span.end for number, span in spans.items()})

    def _read_ahead(self, taking: int) -> None:
        """Read what the next set will have, while one with the first of the buffer is taken."""
        era = self._era
        while len(self._buffer) < taking + self._sets.limit and self._receive(taking, 0):
            if era != self._era:
                return
        if len(self._buffer) > self._sure:
            self._ask_topic()

    def _ask_topic(self) -> str:
        """Return the id of the topic that has the name now.

        Asked after records were received: what lies between two looks that agree is of one topic.
        """
        now = topic_id_of(self._admin, self._source.topic)
        if now == self._topic_id:
            self._sure = len(self._buffer)
        return now

    def _positions_of(self, answers: Iterable[TakenRecords], era: int) -> list[int]:
        """Note where partitions stand; return those that another relay has moved.

        Raises Halted, TopicMissing.
        """
        moved: list[int] = []
        for answer in answers:
            if answer.answer == "halted":
                raise Halted
            if answer.answer == "stale":
                raise TopicMissing(f"topic {self._source.topic} was made anew; it is read again")
            if era == self._era and answer.partition is not None and answer.position is not None:
                self._positions[answer.partition] = answer.position
                if answer.answer == "moved":
                    moved.append(answer.partition)
        return moved

    def _spans(self, records: Iterable[TopicRecord]) -> dict[int, Span]:
        ends = {record.partition: record.offset + 1 for record in records}
        return {number: Span(self._positions[number], end) for number, end in ends.items()}

    def _take_released(self) -> None:
        """Take records again that stand in quarantine."""
        found = read_released(self._conn, *self._source[:2], self._sets.limit)
        if not found:
            return
        records: list[TopicRecord] = []
        for one in found:
            record = TopicRecord(one.partition, one.offset, one.text, released=one.id)
            if one.payload is not None:
                record = with_value(record, one.payload, self._reads, one.topic)
            records.append(record)
        answers = self._sets.take(self._source_now, {}, records)
        if answers and any(answer.answer == "halted" for answer in answers):
            raise Halted

    @property
    def _source_now(self) -> Source:
        return self._source._replace(topic_id=self._topic_id)

    def _open(self, partitions: list[int]) -> Mapping[int, int]:
        """Return where partitions are read from. Raises Halted where the trigger is gone."""
        if self._call is not None:
            wait_for([self._call])  # it may have a transaction open on the connection
        opened = open_positions(self._conn, self._source_now, partitions)
        if opened.keys() != set(partitions):
            raise Halted
        for position in opened.values():
            if position.note:
                log.warning("%s: %s", self._name, position.note)
        self._positions = {number: position.position for number, position in opened.items()}
        log.info(
            "%s takes from %d partitions of %s", self._name, len(partitions), self._source.topic
        )
        return self._positions

    def _drop(self) -> None:
        self._buffer, self._positions, self._sure = [], {}, 0
        self._era += 1

    def _begin_anew(self, topic_id: str) -> None:
        """Go on with the topic that has the name now."""
        self._topic_id = topic_id
        held = sorted(self._consumer.partitions)
        self._drop()
        self._open(held)
        self._consumer.read_from(self._positions)

    def _read_again(self) -> None:
        """Read from where Postgres says that the partitions stand."""
        self._buffer, self._sure = [], 0
        self._consumer.read_from(self._positions)

    def _look_outside(self, suspects: Iterable[int]) -> None:
        """Find out why a position lies outside its log, and move it to where there is one."""
        now = topic_id_of(self._admin, self._source.topic)
        if now != self._topic_id:
            self._begin_anew(now)
            return
        for number in sorted(suspects):
            at = self._positions[number]
            begin, end = self._consumer.bounds(number, ANSWER)
            if at < begin:
                to = begin
                told = f"the broker has deleted {begin - at} records before they were taken"
            elif at > end:
                # Of a topic with an id it is the same log, cut; else what has its name now.
                to = end if now else 0
                told = f"its log ends at {end}, before {at}, where it was read up to"
            else:
                continue  # it has grown, or another relay has moved it
            if move_position(self._conn, self._source_now, number, Span(at, to)):
                log.warning("%s: partition %d of %s: %s", self._name, number, self._source[2], told)
                self._positions[number] = to
            else:
                self._open(sorted(self._consumer.partitions))
        self._read_again()

    def _look(self) -> None:
        """Have kept what is new of the topic, every now and then."""
        if self._consumer.problem != self._problem:
            self._tell(self._consumer.problem)
        if time.monotonic() - self._told_at < TELL_EVERY:
            return
        self._told_at = time.monotonic()
        ends = self._consumer.log_ends()
        short = {n for n, end in ends.items() if end < self._positions.get(n, 0)}
        # A broker may say nothing of a position beyond its log, and give no record ever. Twice:
        # what we know of an end may be older than what we know of a position.
        self._consumer.suspects |= short & self._short
        self._short = short
        if ends != self._ends:
            note_topic(self._conn, self._source, self._problem, ends)
            self._ends = ends

    def _tell(self, problem: str) -> None:
        if problem:
            log.warning("%s: %s", self._name, problem)
        self._problem = problem
        note_topic(self._conn, self._source, problem, {})


def told(error: BaseException) -> str:
    """Return an error of a server or of a topic in one line."""
    if isinstance(error, KafkaException):
        return describe(error)
    if isinstance(error, psycopg.Error):
        return " ".join(str(error).split())
    return str(error)
