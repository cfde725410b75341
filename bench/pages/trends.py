"""Statistics as the relay would have made them of a deployment that has run for long."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final, NamedTuple

import psycopg

from onceflow.engine.calls import statistics


class Shape(NamedTuple):
    """What happens of one kind: how often a minute, and the bucket from which on its times lie.

    Workflow and step as the table ``statistic`` has them.
    """

    workflow: str
    step: str
    outcome: str
    rate: float
    bucket: int


FILL: Final = """
insert into onceflow.statistic
       (seconds, workflow, step, at, outcome, count, measured, total, buckets)
select %(span)s, n.workflow, n.step, t.at, n.outcome, c.count, c.count, c.count * 0.3, array(
           select case when b between n.bucket and n.bucket + 3 then c.count / 4 else 0 end
             from pg_catalog.generate_series(0, 31) b)
  from unnest(%(workflows)s::text[], %(steps)s::text[], %(outcomes)s::text[], %(rates)s::float8[],
              %(buckets)s::int[]) n (workflow, step, outcome, rate, bucket)
 cross join generate_series(
           date_bin(make_interval(secs => %(span)s), now() - %(kept)s::interval, 'epoch'),
           now() - make_interval(secs => %(span)s), make_interval(secs => %(span)s)) t (at)
 cross join lateral (
     select (n.rate * %(span)s / 60.0 * (1 + 0.5 * pg_catalog.sin(extract(epoch from t.at) / 13000))
             * (0.8 + 0.4 * pg_catalog.random()))::bigint as count) c
on conflict do nothing"""


def fill_statistics(conn: psycopg.Connection[Any], shapes: Sequence[Shape]) -> None:
    """Make statistics of as long as they are kept."""
    names = ("workflows", "steps", "outcomes", "rates", "buckets")
    shapes = [one._replace(rate=float(one.rate)) for one in shapes]
    columns = dict(zip(names, (list(column) for column in zip(*shapes, strict=True)), strict=True))
    for seconds, kept in statistics.KEPT.items():
        conn.execute(FILL, {**columns, "span": seconds, "kept": timedelta(seconds=kept)})
