"""What a load costs: transactions, WAL, rows, and CPU seconds, as differences of two readings."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, LiteralString

import psycopg

from .figures import Figures
from .processes import cpu_seconds

# A snapshot's xmax is one above the latest transaction that was given an id; reading it takes none.
# Subtransactions (blocks with an exception handler) have ids too, and count.
MARKS: Final[LiteralString] = """
select pg_catalog.pg_snapshot_xmax(pg_catalog.pg_current_snapshot())::text::bigint,
    pg_catalog.pg_wal_lsn_diff(pg_catalog.pg_current_wal_insert_lsn(), '0/0')::bigint"""

# Sessions report their counts when they end, else at most each second: read these when the
# processes of the load have stopped.
COUNTS: Final[LiteralString] = """
select d.xact_commit, t.ins, t.upd, t.hot, t.del, t.dead
from pg_catalog.pg_stat_database d
cross join (
    select coalesce(sum(n_tup_ins), 0)::bigint as ins, coalesce(sum(n_tup_upd), 0)::bigint as upd,
        coalesce(sum(n_tup_hot_upd), 0)::bigint as hot, coalesce(sum(n_tup_del), 0)::bigint as del,
        coalesce(sum(n_dead_tup), 0)::bigint as dead
    from pg_catalog.pg_stat_user_tables) t
where d.datname = pg_catalog.current_database()"""


@dataclass(frozen=True, slots=True)
class Marks:
    """What is exact at any moment: transaction ids, WAL position, CPU seconds by part."""

    xid: int
    wal: int
    cpu: Mapping[str, float | None]


def read_marks(conn: psycopg.Connection[Any], parts: Mapping[str, list[int]]) -> Marks:
    """Read the marks; ``parts`` names the processes whose trees are summed up, by part."""
    row = conn.execute(MARKS).fetchone()
    assert row is not None
    cpu = {part: cpu_seconds(pids) for part, pids in parts.items() if pids}
    cpu["driver"] = time.process_time()
    return Marks(row[0], row[1], cpu)


def spent(before: Marks, after: Marks) -> Figures:
    """Return what was used between two readings; parts without an account are left out.

    What was not there at the first has used all that it has between the two.
    """
    figures = {"xids": float(after.xid - before.xid), "WAL bytes": float(after.wal - before.wal)}
    for part, now in after.cpu.items():
        then = before.cpu.get(part, 0.0)
        if now is not None and then is not None:
            figures[f"CPU s {part}"] = now - then
    return figures


@dataclass(frozen=True, slots=True)
class Counts:
    """What Postgres has counted in one database since it was made."""

    commits: int
    inserted: int
    updated: int
    hot_updated: int
    deleted: int
    dead: int


def read_counts(conn: psycopg.Connection[Any]) -> Counts:
    """Read the counts of the database that ``conn`` is connected to."""
    row = conn.execute(COUNTS).fetchone()
    assert row is not None
    return Counts(*row)


def counted(before: Counts, after: Counts) -> Figures:
    """Return what was counted between two readings; ``dead rows`` are those left at the second."""
    return {
        "commits": float(after.commits - before.commits),
        "rows inserted": float(after.inserted - before.inserted),
        "rows updated": float(after.updated - before.updated),
        "of these HOT": float(after.hot_updated - before.hot_updated),
        "rows deleted": float(after.deleted - before.deleted),
        "dead rows": float(after.dead),
    }


def per(figures: Figures, steps: float) -> Figures:
    """Return the figures for one step; CPU in µs."""
    return {
        name.replace("CPU s", "CPU µs"): value / steps * (1e6 if name.startswith("CPU s") else 1)
        for name, value in figures.items()
    }


EMPTY = Counts(0, 0, 0, 0, 0, 0)
