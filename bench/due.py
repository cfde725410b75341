"""Many tasks that fall due within a minute: spread over it by one statement, and how late each was.

Making that many wait takes longer than a minute itself, so their times are set afterwards.
"""

from collections.abc import Mapping
from typing import Any

import psycopg

from .figures import Figures, latencies

SPAN, QUICK_SPAN = 60.0, 4.0
"""Seconds over which they fall due."""
LEAD, SET_A_SECOND = 3.0, 10_000
"""Seconds from now to the first, and how many times are surely set and committed in one."""


def spread(conn: psycopg.Connection[Any], state: str, span: float, count: int) -> float:
    """Set when all tasks of a state are due, and keep it in the table ``public.due``.

    Return how many seconds after now the first of so many is due.
    """
    lead = LEAD + count / SET_A_SECOND
    conn.execute("create table public.due (instance_id uuid, due_at timestamptz)")
    # Random order: what is due is not what was written beside the last.
    conn.execute(
        "with changed as ("
        " update onceflow.task set due_at = pg_catalog.clock_timestamp()"
        "  + pg_catalog.make_interval(secs => %s + pg_catalog.random() * %s)"
        " where state = %s and due_at is not null returning instance_id, due_at)"
        " insert into public.due select instance_id, due_at from changed",
        (lead, span, state),
    )
    conn.execute("analyze public.due")
    return lead


def lateness(conn: psycopg.Connection[Any], what: Mapping[str, tuple[str, str]]) -> Figures:
    """Return how late steps came to states, by the task log; ``what``: name to (step, state)."""
    figures: Figures = {}
    for name, (step, state) in what.items():
        rows = conn.execute(
            "select extract(epoch from max(l.at) - d.due_at)::float from public.due d"
            " join onceflow.task_log l on l.instance_id = d.instance_id"
            " where l.step = %s and l.state = %s group by d.instance_id, d.due_at",
            (step, state),
        ).fetchall()
        samples = [float(row[0]) for row in rows]
        figures |= {f"{name} {key}": value for key, value in latencies(samples).items()}
    return figures
