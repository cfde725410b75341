"""Calls of the clock, each a job of its own, and about the weekly partitions."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final, LiteralString

from .base import Connection, Record, change, fetch, fetch_value, text_array

EXPIRE_WORKERS: Final[LiteralString] = """
select onceflow.expire_workers(p_limit => %s::int, p_skip => %s::int, p_by => %s::text)"""

FIRE_TIMERS: Final[LiteralString] = """
select retried, timed_out from onceflow.fire_timers(p_limit => %s::int, p_skip => %s::int,
                                                p_evaluating => %s)"""

BEGIN_INSTANCES: Final[LiteralString] = """
select onceflow.begin_instances(p_limit => %s::int, p_skip => %s::int)"""

FAIL_LOST_ATTEMPTS: Final[LiteralString] = """
select onceflow.fail_lost_attempts(p_limit => %s::int, p_skip => %s::int)"""

ENFORCE_DEADLINES: Final[LiteralString] = """
select onceflow.enforce_deadlines(p_limit => %s::int, p_skip => %s::int)"""

APPLY_DELIVERIES: Final[LiteralString] = """
select onceflow.apply_deliveries(p_limit => %s::int, p_skip => %s::int)"""

FORGET_EVENTS: Final[LiteralString] = """
select onceflow.forget_events(p_limit => %s::int, p_skip => %s::int)"""

SUM_STATISTICS: Final[LiteralString] = """
select onceflow.sum_statistics(p_limit => %s::int, p_skip => %s::int, p_labels => %s::text[])"""

ANALYZE_PARTITIONS: Final[LiteralString] = """
select onceflow.analyze_partitions(p_limit => %s::int, p_skip => %s::int)"""

ENSURE_PARTITIONS: Final[LiteralString] = """
select onceflow.ensure_partitions()"""

DROP_PARTITIONS: Final[LiteralString] = """
select week, dropped, keys, waits_for
  from onceflow.drop_partitions(p_before => %s::timestamptz, p_limit => %s::int)"""


class Fired(Record, frozen=True):
    """How many retries were made due, and how many attempts failed by their timeout."""

    retried: int
    timed_out: int


class DroppedPartitions(Record, frozen=True):
    """What one call of the retention did, or in ``waits_for`` what kept it from doing it."""

    week: date
    dropped: list[str]
    keys: int
    waits_for: str | None


def expire_workers(conn: Connection, limit: int, skip: int = 0, by: str | None = None) -> int:
    """Declare workers dead whose lease is over; return how many. ``by`` is who turns the clock.

    Of this and of the jobs below: at most ``limit`` are handled, ``skip`` passes over the first so
    many, where one that always fails stands there; as many as ``limit`` means that more is due.
    """
    return fetch_value(conn, EXPIRE_WORKERS, (limit, skip, by))


def fire_timers(conn: Connection, limit: int, skip: int = 0, *, evaluating: bool = True) -> Fired:
    """Queue retries that are due and fail attempts past their timeout.

    Without ``evaluating`` only what no expression stands behind: a slow one holds up none of it.
    """
    (row,) = fetch(conn, FIRE_TIMERS, (limit, skip, evaluating))
    return Fired(*row)


def begin_instances(conn: Connection, limit: int, skip: int = 0) -> int:
    """Make first steps due whose instances' start has come; return how many were looked at."""
    return fetch_value(conn, BEGIN_INSTANCES, (limit, skip))


def fail_lost_attempts(conn: Connection, limit: int, skip: int = 0) -> int:
    """Fail attempts whose worker is not live; return how many."""
    return fetch_value(conn, FAIL_LOST_ATTEMPTS, (limit, skip))


def enforce_deadlines(conn: Connection, limit: int, skip: int = 0) -> int:
    """Close instances past their deadline; return how many."""
    return fetch_value(conn, ENFORCE_DEADLINES, (limit, skip))


def apply_deliveries(conn: Connection, limit: int, skip: int = 0) -> int:
    """Apply what was sent to instances and not yet applied; return how much of it."""
    return fetch_value(conn, APPLY_DELIVERIES, (limit, skip))


def forget_events(conn: Connection, limit: int, skip: int = 0) -> int:
    """Delete events that are kept for nobody any more; return how many."""
    return fetch_value(conn, FORGET_EVENTS, (limit, skip))


def sum_statistics(conn: Connection, limit: int, skip: int = 0, labels: Sequence[str] = ()) -> int:
    """Sum minutes of the log that are over into the statistics; return how many.

    Of ``labels``, five at most, instances are summed by their values too.
    """
    return fetch_value(conn, SUM_STATISTICS, (limit, skip, text_array(labels)))


def analyze_partitions(conn: Connection, limit: int, skip: int = 0) -> int:
    """Have Postgres look again at partitions that have outgrown its plans; return how many."""
    return fetch_value(conn, ANALYZE_PARTITIONS, (limit, skip))


def ensure_partitions(conn: Connection) -> int:
    """Make the partitions that the coming time needs; return how many were made."""
    return fetch_value(conn, ENSURE_PARTITIONS)


def drop_partitions(
    conn: Connection, before: datetime, limit: int = 10_000
) -> DroppedPartitions | None:
    """Do a piece of the retention: what ended before ``before`` goes, week by week.

    Call it, in autocommit, until it returns None: nothing is left then. A call deletes up to
    ``limit`` idempotency keys, or drops the tables of a week.
    """
    rows = change(conn, DROP_PARTITIONS, (before, limit))
    return DroppedPartitions(*rows[0]) if rows else None
