"""Instances of long ago: made now, and moved to the partition of another week."""

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
    for table in ("task_log", "idempotency_key"):
        conn.execute(
            f"update onceflow.{table} set instance_id = %s where instance_id = %s",  # pyright: ignore
            (new, instance),
        )
    return new
