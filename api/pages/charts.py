"""Pictures on pages, as numbers for SVG: the life of each task."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from ..schemas.instances import LogEntry

WIDTH: Final = 1000


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
