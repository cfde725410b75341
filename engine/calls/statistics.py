"""What has happened over time, out of the view ``statistics``: pages and metrics read nothing else.

A series has a row for each span in which there was something, so that its length is bounded by the
range and by how often it is divided, whatever history there is.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final, LiteralString

import msgspec

from .base import Connection, Record, fetch

MINUTE, TEN_MINUTES, HOUR, DAY = SPANS = (60, 600, 3600, 86_400)
"""Seconds of the spans that there are sums of."""
KEPT: Final = {MINUTE: 3 * HOUR, TEN_MINUTES: 2 * DAY, HOUR: 35 * DAY, DAY: 730 * DAY}
"""For how many seconds those of each span are kept."""
BOUNDS: Final = tuple(0.001 * 2**n for n in range(31))
"""Seconds at which the buckets end; one more has what took longer."""
ALL: Final = ""
"""Instead of the name of a workflow: all of them together."""
INSTANCES: Final = ""
"""Instead of a step: the instances themselves."""
STEPS: Final = "*"
"""Instead of a step, of all workflows together: all steps."""

COLUMNS: Final[LiteralString] = "step, at, outcome, count, measured, total_seconds, buckets"


class Statistic(Record, frozen=True):
    """How often something happened in a span that began at ``at``, and how long it took.

    ``outcome`` is the state entered; RUNNING: a start, or a claim. Of ``measured`` of them it is
    known how long they took, ``seconds`` together. ``buckets`` count these between BOUNDS.
    """

    step: str
    at: datetime
    outcome: str
    count: int
    measured: int
    seconds: float
    buckets: list[int]

    def quantile(self, part: float) -> float | None:
        """Return in how many seconds that part of what was measured was over; None: none was."""
        return quantile(self.buckets, part)


def span_of(seconds: float, at_most: int = 200) -> int:
    """Return the shortest span that divides a range into no more than so many, and is kept."""
    for span, kept in KEPT.items():
        if seconds <= span * at_most and seconds <= kept:
            return span
    return DAY


def read_series(
    conn: Connection,
    since: datetime,
    span: int,
    workflow: str = ALL,
    step: str = INSTANCES,
    until: datetime | None = None,
) -> list[Statistic]:
    """Return the sums of one workflow, or all, and of one step of it, or the instances, by time."""
    rows = fetch(
        conn,
        f"select {COLUMNS} from onceflow.statistics"
        " where seconds = %s and workflow = %s and step = %s and at >= %s"
        " and at < coalesce(%s::timestamptz, 'infinity') order by at, outcome",
        (span, workflow, step, since, until),
    )
    return [Statistic(*row) for row in rows]


def read_steps(
    conn: Connection, since: datetime, span: int, workflow: str = ALL, limit: int = 20_000
) -> list[Statistic]:
    """Return the sums of all steps of a workflow, and of its instances, over the whole range.

    They come as of one span each, which begins at ``since``. Where the workflow has so many steps
    that there are more than ``limit`` rows in the range, the latest of the steps are left out.
    """
    rows = fetch(
        conn,
        f"select {COLUMNS} from onceflow.statistics"
        " where seconds = %s and workflow = %s and at >= %s order by step, at limit %s",
        (span, workflow, since, limit),
    )
    return together(since, (Statistic(*row) for row in rows))


def together(at: datetime, statistics: Iterable[Statistic]) -> list[Statistic]:
    """Return the sums of several spans, by step and outcome, as of one that begins at ``at``."""
    found: dict[tuple[str, str], Statistic] = {}
    for one in statistics:
        key = one.step, one.outcome
        so_far = found.get(key)
        if so_far is None:
            found[key] = msgspec.structs.replace(one, at=at)
            continue
        found[key] = Statistic(
            one.step,
            at,
            one.outcome,
            so_far.count + one.count,
            so_far.measured + one.measured,
            so_far.seconds + one.seconds,
            [a + b for a, b in zip(so_far.buckets, one.buckets, strict=True)],
        )
    return [found[key] for key in sorted(found)]


def quantile(buckets: Sequence[int], part: float) -> float | None:
    """Return the seconds below which that part of the counted lies; None where none is counted.

    Within a bucket they are taken to lie evenly; what is above the last bound is told as that.
    """
    rank = part * sum(buckets)
    below = 0
    for number, count in enumerate(buckets):
        if count and below + count >= rank:
            if number >= len(BOUNDS):
                return BOUNDS[-1]
            least = BOUNDS[number - 1] if number else 0.0
            return least + (BOUNDS[number] - least) * max(rank - below, 0) / count
        below += count
    return None
