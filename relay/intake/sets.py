"""How many records are taken in one call, and what becomes of those that hold it up.

What is wrong with a record is an answer of the call, not an error. Errors are for what nobody
foresaw, and for expressions that take too long: those fail by themselves, as in the clock; where
there are many, in small portions.
"""

import logging
import time
from collections.abc import Mapping, Sequence
from typing import Final

import psycopg

from ...engine.calls import Source, Span, TakenRecords, TopicRecord, take_records
from ...engine.calls.base import Connection
from ...engine.calls.slow_expressions import ALL, SLOW_AT_MOST, struck_by, unevaluated
from ...engine.errors import OnceflowError
from ...engine.ids import make_hex_ids
from ...engine.logs import about
from ...engine.tracing import id_of
from ..clock import PASSING, PORTION
from .checking import TooSlow, check_records
from .records import trace_of

log = logging.getLogger("onceflow.relay.intake")

LIMIT: Final = 500
"""Records of one call."""

BYTES: Final = 8 * 1024 * 1024
"""What they may weigh together."""

PAUSE: Final = 0.2
"""Seconds until a call is made again that failed by what says nothing about its records."""


class Sets:
    """The calls of one trigger. For one thread."""

    def __init__(self, conn: Connection, name: str, *, checks: bool = False) -> None:
        self._conn = conn
        self._name = name
        self._checks = checks
        """Whether Postgres checks only a part of the schema of what they start."""
        self.limit = LIMIT
        self._late: list[str] = []
        """Ids of records whose expressions the next call fails unevaluated: they were too slow."""
        self._ids: dict[tuple[int, int, int | None], str] = {}

    def first(self, records: Sequence[TopicRecord]) -> list[TopicRecord]:
        """Return the first records, as many as the next call takes."""
        weight = 0
        taken: list[TopicRecord] = []
        for record in records[: self.limit]:
            weight += len(record.text) + len(record.payload or b"")
            if taken and weight > BYTES:
                break
            taken.append(record)
        return taken

    def take(
        self, source: Source, spans: Mapping[int, Span], records: Sequence[TopicRecord]
    ) -> list[TakenRecords] | None:
        """Take records; None where another call is to be made, maybe with fewer of them.

        Raises what psycopg raises where the connection is lost.
        """
        ids = self._ids_of(records)
        try:
            answers = self._call(source, spans, ids, records)
        except TooSlow as slow:
            log.info("%s: %d of %d records are checked at a time", self._name, slow.count, len(ids))
            self.limit = slow.count
            return None
        except (psycopg.Error, OnceflowError) as error:
            if self._conn.closed:
                raise
            return self._bear(error, source, spans, records)
        self._late, self._ids = [], {}
        self.limit = min(self.limit * 2, LIMIT)
        return answers

    def _ids_of(self, records: Sequence[TopicRecord]) -> list[str]:
        """Return the ids of the instances: the same when the call is made again."""
        places = [(record.partition, record.offset, record.released) for record in records]
        new = [place for place in places if place not in self._ids]
        self._ids |= zip(new, make_hex_ids(len(new)), strict=True)
        return [self._ids[place] for place in places]

    def _call(
        self,
        source: Source,
        spans: Mapping[int, Span],
        ids: Sequence[str],
        records: Sequence[TopicRecord],
    ) -> list[TakenRecords]:
        if not self._late:
            return self._checked(source, spans, ids, records)
        with unevaluated(self._conn, ",".join(self._late), len(self._late)):
            return self._checked(source, spans, ids, records)

    def _checked(
        self,
        source: Source,
        spans: Mapping[int, Span],
        ids: Sequence[str],
        records: Sequence[TopicRecord],
    ) -> list[TakenRecords]:
        """Take records, checked first where that is the relay's to do. Raises TooSlow."""
        version = None
        if self._checks and records:
            records, version = check_records(self._conn, source, ids, records)
        return take_records(self._conn, source, spans, ids, records, version)

    def _bear(
        self,
        error: Exception,
        source: Source,
        spans: Mapping[int, Span],
        records: Sequence[TopicRecord],
    ) -> list[TakenRecords] | None:
        slow = struck_by(error)
        if slow is not None:
            self._find_late(slow, len(records))
            return None
        if _is_passing(error):
            log.info("%s: a call gave way: %s", self._name, error)
            time.sleep(PAUSE)
            return None
        self._late = []
        if len(records) > 1:
            self.limit = len(records) // 2
            log.warning(
                "%s: a set could not be taken; it is tried again with %d records: %s",
                self._name,
                self.limit,
                error,
            )
            return None
        # Whatever it is, by itself it must not hold up those behind it.
        (record,) = records
        log.error(
            "%s: record %d of partition %d: %s",
            self._name,
            record.offset,
            record.partition,
            error,
            extra=about([id_of(trace_of(record))]),
        )
        reason = f"it could not be taken: {' '.join(str(error).split())}"
        blamed = record._replace(reason=reason[:10_000])
        return self._checked(source, spans, self._ids_of([blamed]), [blamed])

    def _find_late(self, slow: str, count: int) -> None:
        """Have what was slow fail unevaluated; of many, first find out which part they are in."""
        if slow and slow not in self._late and len(self._late) < SLOW_AT_MOST:
            self._late.append(slow)
            log.warning("%s: the expressions of a record are too slow, and fail", self._name)
        elif count > PORTION:
            self._late, self.limit = [], max(count // 4, PORTION)
        else:
            self._late = [ALL]


def _is_passing(error: Exception) -> bool:
    """Tell whether a call failed by what says nothing about its records: it is made again."""
    if not isinstance(error, psycopg.Error) or isinstance(error, psycopg.errors.QueryCanceled):
        return False
    return (error.sqlstate or "").startswith((*PASSING, "55"))
