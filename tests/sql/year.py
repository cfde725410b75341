"""A year of six schedules in four zones: when each is due, by another library and by hand."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

from dateutil import rrule

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from .play import Connection

BEGIN, END = datetime(2028, 1, 1, tzinfo=UTC), datetime(2029, 1, 1, tzinfo=UTC)
NAIVE = BEGIN.replace(tzinfo=None) - timedelta(days=1)
SUNDAY: Final = rrule.SU
MONTHLY: Final = 1
DAILY: Final = 3


def planned(zone: str, freq: Literal[1, 3], hour: int, minute: int, **more: Any) -> list[datetime]:
    """Return what another library plans, in a zone's own time, but for days of a change."""
    days = rrule.rrule(
        freq, dtstart=NAIVE, until=NAIVE + timedelta(days=369),
        byhour=hour, byminute=minute, bysecond=0, **more,
    )  # fmt: skip
    found = [day.replace(tzinfo=ZoneInfo(zone)) for day in days]
    return [at.astimezone(UTC) for at in found if not changes(at)]


def changes(at: datetime) -> bool:
    """Return whether the clock of a zone changes on that day."""
    day = at.replace(hour=0, minute=0)
    return day.utcoffset() != (day + timedelta(days=1)).utcoffset()


SCHEDULES: dict[str, tuple[dict[str, Any], list[datetime], list[str]]] = {
    "warsaw": (
        {"cron": "30 2 * * *", "timezone": "Europe/Warsaw"},
        planned("Europe/Warsaw", DAILY, 2, 30),
        ["2028-03-26T01:00Z", "2028-10-29T00:30Z"],
    ),
    "new-york": (
        {"cron": "30 2 * * SUN", "timezone": "America/New_York"},
        planned("America/New_York", DAILY, 2, 30, byweekday=SUNDAY),
        ["2028-03-12T07:00Z", "2028-11-05T07:30Z"],
    ),
    "lord-howe": (
        {"cron": "15 2 * * *", "timezone": "Australia/Lord_Howe"},
        planned("Australia/Lord_Howe", DAILY, 2, 15),
        ["2028-04-01T15:45Z", "2028-09-30T15:30Z"],
    ),
    "month-ends": (
        {"cron": "0 9 31 * *", "timezone": "Asia/Kolkata"},
        planned("Asia/Kolkata", MONTHLY, 9, 0, bymonthday=31),
        [],
    ),
    "leap": ({"cron": "0 0 29 2 *"}, [], ["2028-02-29T00:00Z"]),
    "often": (
        {"every": "7h", "jitter": "20m"},
        [
            datetime.fromtimestamp(n * 25200, UTC)
            for n in range(int(BEGIN.timestamp()) // 25200, int(END.timestamp()) // 25200 + 1)
        ],
        [],
    ),
}


def deploy_year(conn: Connection, catch_up: str) -> None:
    """Deploy a workflow of each schedule, named as it, that ends as it starts."""
    for name, (plan, _, _) in SCHEDULES.items():
        entry = {"id": "s", "schedule": {**plan, "overlap": "allow", "catch_up": catch_up}}
        steps = [{"id": "a", "set": "$.instance.scheduled_at"}]
        compiled = compile_definition({"name": name, "on": [entry], "steps": steps})
        calls.register_workflow(conn, compiled)


def expected(name: str) -> list[datetime]:
    """Return when a schedule is due in that year, in order."""
    _, others, by_hand = SCHEDULES[name]
    times = sorted([*others, *(datetime.fromisoformat(at) for at in by_hand)])
    return [at for at in times if BEGIN < at <= END]
