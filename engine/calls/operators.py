"""Calls of operators about dead letters, and of the clock and of upkeep."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final, Literal, LiteralString

from .. import json_text
from ..json_text import Json
from .base import (
    Connection,
    Decided,
    Key,
    Record,
    decided,
    fetch,
    fetch_value,
    json_array,
)

REDRIVE_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.redrive_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                                     p_inputs => %s::jsonb[])"""

SKIP_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.skip_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[],
                                  p_outputs => %s::jsonb[])"""

DISCARD_DEAD_LETTERS: Final[LiteralString] = """
select instance_id, task, outcome, detail
  from onceflow.discard_dead_letters(p_instance_ids => %s::uuid[], p_tasks => %s::text[])"""

TICK: Final[LiteralString] = """
select handled, retried, timed_out, expired, lost_workers
  from onceflow.tick(p_limit => %s::int, p_skip => %s::int)"""

ENSURE_PARTITIONS: Final[LiteralString] = """
select onceflow.ensure_partitions()"""

DROP_PARTITIONS: Final[LiteralString] = """
select name from onceflow.drop_partitions(p_before => %s::timestamptz) as name"""

SWITCH_TRANSPORT: Final[LiteralString] = """
select shipped, done
  from onceflow.switch_transport(p_transport => %s::text, p_limit => %s::int)"""

GRANT_ACCESS: Final[LiteralString] = """
select onceflow.grant_access(p_role => %s::name, p_kind => %s::text)"""


class Ticked(Record, frozen=True):
    """What one turn of the clock did; ``handled`` is the sum that its limit bounds."""

    handled: int
    retried: int
    timed_out: int
    expired: int
    lost_workers: int


class Switched(Record, frozen=True):
    """How many tasks were shipped again, and whether that was all."""

    shipped: int
    done: bool


def redrive_dead_letters(
    conn: Connection, keys: Sequence[Key], inputs: Sequence[Json] | None = None
) -> list[Decided]:
    """Queue open dead letters again, with a fresh budget of retries.

    ``inputs``, where given, are as many as keys and replace the tasks' inputs; None leaves one as
    it was.
    """
    corrected = (
        None
        if inputs is None
        else [None if value is None else json_text.encode(value) for value in inputs]
    )
    return decided(fetch(conn, REDRIVE_DEAD_LETTERS, (*_columns(keys), corrected)))


def skip_dead_letters(
    conn: Connection, keys: Sequence[Key], outputs: Sequence[Json]
) -> list[Decided]:
    """Skip open dead letters: what follows goes on with the given outputs, one a key."""
    return decided(fetch(conn, SKIP_DEAD_LETTERS, (*_columns(keys), json_array(outputs))))


def discard_dead_letters(conn: Connection, keys: Sequence[Key]) -> list[Decided]:
    """Give open dead letters up: their instances fail, and are compensated where they say so."""
    return decided(fetch(conn, DISCARD_DEAD_LETTERS, _columns(keys)))


def tick(conn: Connection, limit: int, skip: int = 0) -> Ticked:
    """Turn the clock once: retries, timeouts, deadlines, dead workers; at most ``limit`` of them.

    ``skip`` passes over the first so many candidates, where one that always fails stands there.
    ``handled == limit`` means that more is due.
    """
    (row,) = fetch(conn, TICK, (limit, skip))
    return Ticked(*row)


def ensure_partitions(conn: Connection) -> int:
    """Make the partitions that the coming time needs; return how many were made."""
    return fetch_value(conn, ENSURE_PARTITIONS)


def drop_partitions(conn: Connection, before: datetime) -> list[str]:
    """Drop the partitions that hold only instances ended before ``before``; return their names."""
    return [name for (name,) in fetch(conn, DROP_PARTITIONS, (before,))]


def switch_transport(conn: Connection, transport: str, limit: int = 1000) -> Switched:
    """Have messages travel by ``transport``; call it until it is done.

    At most ``limit`` tasks are shipped again at a time. Raises Refused while workers live, and
    where something still needs Kafka.
    """
    (row,) = fetch(conn, SWITCH_TRANSPORT, (transport, limit))
    return Switched(*row)


def grant_access(
    conn: Connection, role: str, kind: Literal["worker", "relay", "client", "operator"]
) -> int:
    """Let a Postgres role do one kind of work; return how many functions and views it may use."""
    return fetch_value(conn, GRANT_ACCESS, (role, kind))


def _columns(keys: Sequence[Key]) -> tuple[list[object], list[str]]:
    return [key.instance_id for key in keys], [key.task for key in keys]
