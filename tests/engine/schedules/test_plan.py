"""What schedules have planned, on the days on which clocks change; written by hand, in UTC."""

from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from onceflow.engine.schedules import Plan, PlanError, read_cron, read_zone, take_turn


def times(plan: Plan, after: str, count: int) -> list[str]:
    found = islice(plan.after(datetime.fromisoformat(after)), count)
    return [at.strftime("%m-%d %H:%M") for at in found]


@pytest.mark.parametrize(
    ("cron", "zone", "after", "planned"),
    [
        # 02:00 CET becomes 03:00 CEST: what is left out comes at the end of the gap.
        ("30 2 * * *", "Europe/Warsaw", "2026-03-28T12:00Z", ["03-29 01:00", "03-30 00:30"]),
        ("0 3 * * *", "Europe/Warsaw", "2026-03-28T12:00Z", ["03-29 01:00", "03-30 01:00"]),
        # One hour passes between two hours, whatever they are called.
        ("0 * * * *", "Europe/Warsaw", "2026-03-29T00:30Z", ["03-29 01:00", "03-29 02:00"]),
        # 03:00 CEST becomes 02:00 CET: what comes twice counts once.
        ("30 2 * * *", "Europe/Warsaw", "2026-10-24T12:00Z", ["10-25 00:30", "10-26 01:30"]),
        ("30 2 * * *", "Europe/Warsaw", "2026-10-25T00:30Z", ["10-26 01:30"]),
        # Begun in the hour that comes twice.
        ("30 2 * * *", "Europe/Warsaw", "2026-10-25T01:00Z", ["10-26 01:30"]),
        ("*/30 * * * *", "Europe/Warsaw", "2026-10-25T00:29Z", ["10-25 00:30", "10-25 01:00"]),
        ("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", ["11-01 05:30", "11-02 06:30"]),
        # Half an hour.
        ("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T18:00Z", ["10-03 15:30", "10-04 15:15"]),
        # A leap day, the last day, and a day that few months have.
        ("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", ["02-29 00:00"]),
        ("0 0 L * *", "UTC", "2026-01-31T00:00Z", ["02-28 00:00", "03-31 00:00"]),
        ("0 0 31 * *", "UTC", "2026-01-31T00:00Z", ["03-31 00:00", "05-31 00:00"]),
        ("0 6 * * MON-FRI", "UTC", "2026-03-06T06:00Z", ["03-09 06:00"]),
    ],
)  # fmt: skip
def test_cron(cron: str, zone: str, after: str, planned: list[str]) -> None:
    assert times(Plan("p", cron=cron, timezone=zone), after, len(planned)) == planned


def test_an_interval_is_counted_from_the_epoch() -> None:
    plan = Plan("p", every=7 * 3600)
    first, second = islice(plan.after(datetime(2026, 3, 29, tzinfo=UTC)), 2)
    assert first.timestamp() % (7 * 3600) == 0
    assert second - first == timedelta(hours=7)
    assert next(plan.after(first - timedelta(microseconds=1))) == first


def test_jitter_is_the_same_wherever_it_is_computed_and_another_for_each_time() -> None:
    plan = Plan("w/s", every=60, jitter=30)
    planned = list(islice(plan.after(datetime(2026, 1, 1, tzinfo=UTC)), 200))
    late = [(plan.due(at) - at).total_seconds() for at in planned]
    assert late == [
        (Plan("w/s", every=60, jitter=30).due(at) - at).total_seconds() for at in planned
    ]
    assert min(late) >= 0
    assert max(late) < 30
    assert len(set(late)) > 190
    assert late != [
        (Plan("w/t", every=60, jitter=30).due(at) - at).total_seconds() for at in planned
    ]


def test_the_next_one_is_computed_where_none_is_due() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    turn = take_turn(Plan("p", every=3600), 0, noon, noon + timedelta(minutes=59))
    assert (turn.starts, turn.missed, turn.done_until) == ([], None, noon)
    assert turn.next_at == turn.due_at == noon + timedelta(hours=1)


def test_a_turn_is_bounded_and_the_next_goes_on_where_it_ended() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    now = noon + timedelta(seconds=250)
    done = noon
    starts: list[datetime] = []
    while (turn := take_turn(Plan("p", every=1), 3600, done, now)).due_at <= now:
        assert len(turn.starts) == 100
        starts += turn.starts
        done = turn.done_until
    starts += turn.starts
    assert starts == [noon + timedelta(seconds=n + 1) for n in range(250)]


def test_what_is_a_moment_late_is_in_time_without_any_catch_up() -> None:
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    on_time = take_turn(Plan("p", every=3600), 0, noon, noon + timedelta(hours=1, seconds=9))
    assert len(on_time.starts) == 1
    late = take_turn(Plan("p", every=3600), 0, noon, noon + timedelta(hours=1, seconds=11))
    assert (late.starts, late.missed and late.missed.times) == ([], 1)


def test_a_zone_that_is_not_known_here_is_told() -> None:
    with pytest.raises(PlanError, match="must be a time zone"):
        next(Plan("p", cron="* * * * *", timezone="Mars/Olympus").after(datetime.now(UTC)))
    with pytest.raises(PlanError, match="did you mean 'Europe/Warsaw'"):
        read_zone("Warsaw")
    with pytest.raises(PlanError, match="five fields"):
        read_cron("* * *", datetime.now(UTC))
