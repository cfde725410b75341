"""The times that a schedule has planned: by cron in a time zone, or by an interval.

They depend on nothing but the plan, so every process computes the same. At both changes of the
clock: what the change leaves out comes at its end (02:30 at 03:00), what comes twice counts once.
An interval is counted from the epoch and knows no zone.
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from difflib import get_close_matches
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from cronsim import CronSim, CronSimError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_FIELDS = "minute, hour, day of the month, month and day of the week"


class PlanError(ValueError):
    """There is no such plan; the text says why, and what to write."""


@dataclass(frozen=True, slots=True)
class Plan:
    """When a schedule is due; durations are seconds. ``name`` is the schedule's among all."""

    name: str
    cron: str | None = None
    every: int | None = None
    timezone: str = "UTC"
    jitter: float = 0

    @classmethod
    def of(cls, name: str, spec: Mapping[str, Any]) -> "Plan":
        """Make it of what the engine keeps of an entry."""
        return cls(name, **spec)

    def after(self, time: datetime) -> Iterator[datetime]:
        """Yield the planned times after a time, in UTC. Raises PlanError."""
        return self._intervals(time) if self.every else self._crons(time)

    def due(self, planned: datetime) -> datetime:
        """Return when a planned time is due: later by its own part of the jitter."""
        if not self.jitter:
            return planned
        digest = hashlib.sha256(f"{self.name} {planned.isoformat()}".encode()).digest()
        part = int.from_bytes(digest[:8], "big") / 2**64
        return planned + timedelta(milliseconds=int(self.jitter * 1000 * part))

    def _intervals(self, time: datetime) -> Iterator[datetime]:
        every = timedelta(seconds=self.every or 0)
        planned = EPOCH + ((time - EPOCH) // every) * every
        while True:
            planned += every
            yield planned

    def _crons(self, time: datetime) -> Iterator[datetime]:
        last = time
        for planned in read_cron(self.cron or "", time.astimezone(read_zone(self.timezone))):
            found = planned.astimezone(UTC)
            # Begun in an hour that comes twice, it would give what was in the first.
            if found > last:
                yield found
                last = found


def read_cron(text: str, time: datetime) -> CronSim:
    """Return the times of a cron expression after a time. Raises PlanError."""
    fields = text.split()
    if text.strip().lower() in NICKNAMES:
        raise PlanError(f"{text} has no form of its own; write {NICKNAMES[text.strip().lower()]!r}")
    if len(fields) != 5:
        more = "; there are no seconds and no years: use `every` for less than a minute"
        raise PlanError(f"has five fields, {_FIELDS}, not {len(fields)}{more if fields else ''}")
    try:
        return CronSim(text, time)
    except CronSimError as error:
        wrong = str(error).removeprefix("Bad ")
        hint = " (write * for ?)" if "?" in text else ""
        raise PlanError(
            f"is wrong in its {wrong}{hint}: its fields are {_FIELDS}, as in '30 6 * * MON-FRI'"
        ) from None


def read_zone(name: str) -> ZoneInfo:
    """Return a time zone of the IANA database. Raises PlanError."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        last = name.rpartition("/")[2].lower()
        known = {zone.rpartition("/")[2].lower(): zone for zone in _zones()}
        near = get_close_matches(last, sorted(known), n=1)
        mend = f"; did you mean {known[near[0]]!r}?" if near else ", such as Europe/Warsaw"
        raise PlanError(f"must be a time zone of the IANA database{mend}") from None


@lru_cache(maxsize=1)
def _zones() -> tuple[str, ...]:
    return tuple(sorted(available_timezones()))
