"""Pictures on pages, as numbers for SVG: rates over time, and the life of each task."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from ..reads.overview import RECENT, Moment
from ..schemas.instances import LogEntry

BARS: Final = 60
WIDTH: Final = 1000
HEIGHT: Final = 60
LONGEST: Final = timedelta(minutes=30)
SHORTEST: Final = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Bar:
    """One interval: how many instances began and ended in it, and how high that is drawn."""

    at: datetime
    x: float
    started: int
    ended: int
    started_height: float
    ended_height: float


@dataclass(frozen=True, slots=True)
class Rates:
    """How many instances began and ended over the last ``span``."""

    span: timedelta
    bars: list[Bar]
    started: int
    ended: int
    width: float = WIDTH / BARS

    @property
    def started_per_second(self) -> float:
        """Instances begun per second."""
        return self.started / self.span.total_seconds()

    @property
    def ended_per_second(self) -> float:
        """Instances ended per second."""
        return self.ended / self.span.total_seconds()


def make_rates(moments: Sequence[Moment], now: datetime) -> Rates:
    """Count recent instances, the youngest first, over as long a time as all of them are known."""
    known = now - moments[-1].started_at if moments else SHORTEST
    # Before the oldest of a full sample there were others, of which nothing is known here.
    least = timedelta(seconds=1) if len(moments) >= RECENT else SHORTEST
    span = min(max(known, least), LONGEST)
    since = now - span
    started = _spread([moment.started_at for moment in moments], since, span)
    ended = _spread([moment.ended_at for moment in moments if moment.ended_at], since, span)
    most = max([*started, *ended, 1])
    bars = [
        Bar(
            at=since + span * n / BARS,
            x=n * WIDTH / BARS,
            started=started[n],
            ended=ended[n],
            started_height=HEIGHT * started[n] / most,
            ended_height=HEIGHT * ended[n] / most,
        )
        for n in range(BARS)
    ]
    return Rates(span, bars, sum(started), sum(ended))


def _spread(times: Sequence[datetime], since: datetime, span: timedelta) -> list[int]:
    counts = [0] * BARS
    for time in times:
        index = int((time - since) / span * BARS)
        if 0 <= index < BARS:
            counts[index] += 1
    return counts


@dataclass(frozen=True, slots=True)
class Segment:
    """A task in one state, from x to x + width."""

    state: str
    x: float
    width: float
    seconds: float


@dataclass(slots=True)
class Life:
    """What the log says of one task: the states it went through, and the errors of its attempts."""

    segments: list[Segment] = field(default_factory=list[Segment])
    errors: list[LogEntry] = field(default_factory=list[LogEntry])


NO_LIFE: Final = Life()


def make_lives(
    log: Sequence[LogEntry], open_tasks: set[str], began: datetime, until: datetime
) -> dict[str, Life]:
    """Return the life of each task. Tasks that are open go on ``until`` the end of the picture."""
    length = max((until - began).total_seconds(), 0.001)
    by_task: dict[str, list[LogEntry]] = {}
    for entry in log:
        if entry.task is not None:
            by_task.setdefault(entry.task, []).append(entry)
    lives: dict[str, Life] = {}
    for task, entries in by_task.items():
        # A dead letter that becomes a record is in the log once more, with the same error.
        failed = {(of.attempt, of.state): of for of in reversed(entries) if of.error is not None}
        life = lives[task] = Life(errors=list(reversed(failed.values())))
        ends = [entry.at for entry in entries[1:]] + [until]
        for entry, end in zip(entries, ends, strict=True):
            if entry is entries[-1] and task not in open_tasks:
                continue
            x = WIDTH * max((entry.at - began).total_seconds(), 0) / length
            seconds = max((end - entry.at).total_seconds(), 0)
            width = max(WIDTH * seconds / length, 2)
            life.segments.append(Segment(entry.state, min(x, WIDTH - 2), width, seconds))
    return lives
