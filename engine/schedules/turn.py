"""What a schedule does when its time has come: what starts, what was missed, what is next."""

from datetime import datetime, timedelta
from typing import NamedTuple

from .plan import Plan

STARTS = 100
"""Planned times of one schedule in one turn; those behind them are the next turn's."""
COUNTED = 10_000
"""Missed times are counted up to so many; beyond, all that lies too far back is passed over."""
ON_TIME = 10.0
"""Seconds by which any start may be late: it takes a moment to be seen."""


class Missed(NamedTuple):
    """Planned times in a row that are too long past; ``times`` is None where not counted."""

    first: datetime
    until: datetime
    times: int | None


class Turn(NamedTuple):
    """All is done up to ``done_until`` once ``starts`` are started and ``missed`` is noted."""

    starts: list[datetime]
    missed: Missed | None
    done_until: datetime
    next_at: datetime
    due_at: datetime


def take_turn(plan: Plan, catch_up: float, done_until: datetime, now: datetime) -> Turn:
    """Return what is to be done of a plan now. Raises PlanError.

    A planned time whose lateness is above ``catch_up`` (seconds) is missed. They are done with in
    their order: one that its jitter makes due before the one in front of it waits for that.
    """
    oldest = now - timedelta(seconds=max(catch_up, ON_TIME))
    starts: list[datetime] = []
    missed: Missed | None = None
    times = plan.after(done_until)
    planned = next(times)
    while (due := plan.due(planned)) <= now and len(starts) < STARTS:
        if due >= oldest or starts:
            starts.append(planned)
        elif missed is None:
            missed = Missed(planned, planned, 1)
        elif missed.times == COUNTED:
            # As far as none behind can be in time.
            last = max(planned, oldest - timedelta(seconds=plan.jitter + 1))
            missed = Missed(missed.first, last, None)
            times = plan.after(last)
        else:
            missed = Missed(missed.first, planned, missed.times + 1 if missed.times else None)
        done_until = missed.until if missed and not starts else planned
        planned = next(times)
    return Turn(starts, missed, done_until, planned, due)
