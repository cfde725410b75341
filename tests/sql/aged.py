"""Instances of long ago: made now, and moved to the partition of another week."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from onceflow.engine import calls

from .play import Connection


def make_week(conn: Connection, at: datetime) -> str:
    """Make the partitions of the week of ``at``; return how the names of its tables end."""
    calls.ensure_partitions(conn)
    before = suffixes(conn)
    conn.execute("select onceflow.ensure_partitions(%s, %s)", (at, at))
    (made,) = suffixes(conn) - before
    return made


def suffixes(conn: Connection) -> set[str]:
    """Return the ends of the names of all partitions."""
    rows = conn.execute(
        "select right(c.relname, 9) from pg_inherits h join pg_class c on c.oid = h.inhrelid"
        " where h.inhparent = 'onceflow.instance'::regclass"
    )
    return {suffix for (suffix,) in rows}


def age(conn: Connection, instance: UUID, at: datetime) -> UUID:
    """Move an instance to the week of ``at``, with all that belongs to it; return its new id."""
    ((new,),) = conn.execute("select onceflow.uuid7(0, %s)", (at,)).fetchall()
    conn.execute("update onceflow.instance set id = %s where id = %s", (new, instance))
    conn.execute(
        "update onceflow.task set instance_id = %s where instance_id = %s", (new, instance)
    )
    for table in (
        "block",
        "scope",
        "wait",
        "delivery",
        "task_log",
        "idempotency_key",
        "search_value",
    ):
        conn.execute(
            f"update onceflow.{table} set instance_id = %s where instance_id = %s",  # pyright: ignore
            (new, instance),
        )
    return new


@dataclass(frozen=True)
class Piece:
    """What one call of drop_partitions did, or in ``waits_for`` what kept it from that."""

    dropped: list[str]
    keys: int
    waits_for: str


def drop_piece(conn: Connection, before: datetime) -> Piece:
    """Call drop_partitions once; it must not be done yet."""
    done = calls.drop_partitions(conn, before)
    assert done is not None
    return Piece(done.dropped, done.keys, done.waits_for or "")


def drop_all(conn: Connection, before: datetime) -> list[str]:
    """Drop what ended before, piece by piece; return the names of the tables."""
    dropped: list[str] = []
    while (done := calls.drop_partitions(conn, before)) is not None:
        assert done.waits_for is None, done.waits_for
        dropped += done.dropped
    return dropped
