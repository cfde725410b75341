"""Starts instances at planned times: by cron in a time zone, or at an interval."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from ...json_text import Json
from ...schedules import PlanError, read_cron, read_zone
from ..common.mends import did_you_mean, one_of
from ..expressions.references import Heard
from ..expressions.trees import Compiled
from ..foreign.triggers import OF_A_SCHEDULE
from ..source.document import Faults, child
from ..steps import checks
from ..steps.durations import SCHEMA as DURATION
from ..steps.durations import WAIT, seconds
from ..steps.members import Key, Members
from .trigger import Trigger

OVERLAPS = ("skip", "queue", "allow", "cancel")
EVERY_AT_LEAST = 1
"""Seconds between two planned times."""
_ANY_TIME = datetime(2024, 1, 1, tzinfo=UTC)


class Schedule(Trigger, frozen=True, kw_only=True, tag="schedule"):
    """An entry of the kind `schedule`; durations are seconds."""

    sees = Heard({"scheduled_at": (), "trigger": (), "workflow": ()}, "the `input` of a schedule")

    cron: str | None = None
    every: int | None = None
    timezone: str = "UTC"
    input: Compiled | None = None
    overlap: str = "skip"
    catch_up: float = 3600
    jitter: float = 0

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note what is wrong with members that are sound each by itself."""
        if "every" in members and "timezone" in members:
            message = "is of a `cron`; `every` counts from 1970-01-01 in UTC, in any zone"
            faults.add(child(pointer, "timezone"), message, key=True)

    def expressions(self) -> Iterator[Compiled]:
        """Yield its input."""
        if self.input is not None:
            yield self.input

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it; `plan` is all on which its times depend."""
        when = (
            {"cron": self.cron, "timezone": self.timezone} if self.cron else {"every": self.every}
        )
        return {
            "plan": {**when, "jitter": self.jitter},
            "input": self.input.tree if self.input else {"v": {}},
            "overlap": self.overlap,
            "catch_up": self.catch_up,
        }


def _cron(value: Json, pointer: str, faults: Faults) -> str | None:
    if not isinstance(value, str):
        faults.add(pointer, 'must be a string, such as "0 6 * * MON-FRI"; quote it')
        return None
    try:
        if next(read_cron(value, _ANY_TIME), None) is not None:
            return " ".join(value.split())
        faults.add(pointer, "never comes")
    except PlanError as error:
        faults.add(pointer, str(error))
    return None


def _every(value: Json, pointer: str, faults: Faults) -> int | None:
    found = seconds(value)
    if found is not None and found >= EVERY_AT_LEAST and found == int(found):
        return int(found)
    faults.add(pointer, "must be a duration of whole seconds such as 15m, at least 1s")
    return None


def _timezone(value: Json, pointer: str, faults: Faults) -> str | None:
    try:
        return read_zone(value if isinstance(value, str) else "").key
    except PlanError as error:
        faults.add(pointer, str(error))
        return None


def _overlap(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str) and value in OVERLAPS:
        return value
    mend = did_you_mean(value, OVERLAPS) if isinstance(value, str) else ""
    faults.add(pointer, f"must be {one_of(OVERLAPS)}{mend}")
    return None


MEMBERS = Members(
    "a schedule",
    {
        "cron": Key(
            _cron,
            {"type": "string", "pattern": r"^\s*[^\s@]+(\s+\S+){4}\s*$"},
            "The planned times as cron has them: minute, hour, day of the month, month, day of "
            "the week.",
            examples=("0 6 * * MON-FRI", "*/15 * * * *"),
        ),
        "every": Key(
            _every,
            DURATION,
            "The time between two planned times, which are counted from 1970-01-01 in UTC.",
            examples=("15m",),
        ),
        "timezone": Key(
            _timezone,
            {"type": "string", "default": "UTC"},
            "The time zone in which `cron` is read, as the IANA database names it.",
            examples=("Europe/Warsaw",),
            beside={"required": ["cron"]},
        ),
        "input": Key(
            checks.started_input,
            {},
            "The input of each instance; texts in it may be expressions, over $.scheduled_at, "
            "$.trigger and $.workflow.",
            examples=({"day": "$.scheduled_at"},),
        ),
        "overlap": Key(
            _overlap,
            {"enum": list(OVERLAPS), "default": "skip"},
            "What follows when a time comes while an instance of the schedule is under way: that "
            "time is skipped, waits, starts beside it, or the other is cancelled.",
        ),
        "catch_up": Key(
            checks.wait,
            {**WAIT, "default": 3600},
            "How late a planned time may still start an instance, where none could be started; "
            "later ones are missed.",
            examples=("1h",),
        ),
        "jitter": Key(
            checks.wait,
            {**WAIT, "default": 0},
            "Spreads the starts: each is later than its planned time by up to this.",
            examples=("2m",),
        ),
    },
    OF_A_SCHEDULE,
)
