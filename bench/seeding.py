"""Seeds a database with finished instances: copies of a real one, spread over past weeks.

A template instance is run by real workers; its rows are then copied under new ids and at new times,
so that what is seeded is what the engine itself writes.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import psycopg

CHUNK = 20_000
"""Instances in one transaction."""
WEEKS = 8
"""Weeks over which they are spread, up to the last full one."""

# Times and ids grow together, as they do in life. The log's columns that name the instance and the
# time are replaced; all others are those of the template.
IDS = """
create temporary table seed on commit drop as
select onceflow.uuid7(0, t.at) as id, t.at from (
    select %(first)s::timestamptz + (n + pg_catalog.random()) * %(gap)s::interval as at
    from pg_catalog.generate_series(%(from)s::bigint, %(to)s::bigint - 1) n) t"""


TABLES = {"instance": "id", "task": "instance_id", "task_log": "instance_id"}
"""The tables of an instance and the column that names it."""

Span = tuple[datetime, datetime]


def seed(
    conn: psycopg.Connection[Any],
    template: str,
    count: int,
    beat: Callable[[float], None],
    *,
    tables: Mapping[str, str] = TABLES,
    made: Mapping[tuple[str, str], str] | None = None,
    span: Span | None = None,
) -> None:
    """Copy the instance ``template`` ``count`` times, within ``span`` or over past weeks.

    ``made`` says what else differs from copy to copy: by table and column an expression, in which
    s.id is the copy's id. ``conn`` must be a superuser's, in autocommit mode.
    """
    first, last = span or past_weeks(conn)
    conn.execute("select onceflow.ensure_partitions(%s, %s)", (first, last))
    gap = (last - first) / count
    copies = [_copy(conn, table, key, made or {}) for table, key in tables.items()]
    # Losing the last chunks to a crash would only mean to seed again.
    conn.execute("set synchronous_commit = off")
    for start in range(0, count, CHUNK):
        end = min(count, start + CHUNK)
        with conn.transaction():
            conn.execute(IDS, {"first": first, "gap": gap, "from": start, "to": end})
            for copy in copies:
                conn.execute(copy, {"template": template})
        beat(end)
    conn.execute("set synchronous_commit = on")


def tidy(conn: psycopg.Connection[Any]) -> None:
    """Vacuum and analyze what was seeded."""
    for table in TABLES:
        conn.execute(f"vacuum (analyze) onceflow.{table}".encode())
    conn.execute("checkpoint")


def past_weeks(conn: psycopg.Connection[Any]) -> Span:
    """Return the last full weeks."""
    row = conn.execute(
        "select pg_catalog.date_trunc('week', pg_catalog.now())"
        " - pg_catalog.make_interval(weeks => %s),"
        " pg_catalog.date_trunc('week', pg_catalog.now()) - interval '1 day'",
        (WEEKS,),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def _copy(
    conn: psycopg.Connection[Any], table: str, key: str, made: Mapping[tuple[str, str], str]
) -> bytes:
    """Return the statement that copies the template's rows of a table, whatever its columns are."""
    rows = conn.execute(
        "select attname::text, pg_catalog.format_type(atttypid, atttypmod)"
        " from pg_catalog.pg_attribute where attrelid = %s::regclass"
        " and attnum > 0 and not attisdropped and attgenerated = '' order by attnum",
        (f"onceflow.{table}",),
    ).fetchall()
    columns: list[str] = []
    for name, kind in rows:
        if (table, name) in made:
            columns.append(made[table, name])
        elif name == key:
            columns.append("s.id")
        elif kind == "timestamp with time zone":
            columns.append(f't."{name}" - i.started_at + s.at')
        else:
            columns.append(f't."{name}"')
    text = (
        f"insert into onceflow.{table} select {', '.join(columns)}"  # noqa: S608  catalog's names
        f" from seed s cross join onceflow.{table} t"
        " join onceflow.instance i on i.id = %(template)s::uuid"
        f" where t.{key} = %(template)s::uuid"
    )
    return text.encode()
