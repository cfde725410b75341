"""The pictures on pages, as numbers."""

from datetime import UTC, datetime, timedelta

from onceflow.api.pages.charts import WIDTH, make_lives
from onceflow.api.pages.render import ago, span
from onceflow.api.schemas.tasks import LogEntry

NOW = datetime(2026, 1, 31, 3, 0, tzinfo=UTC)


def before(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def entry(task: str | None, state: str, seconds: float, attempt: int | None = None) -> LogEntry:
    return LogEntry(None, task, task, attempt, state, None, None, before(seconds))


def test_a_life_is_drawn_from_state_to_state() -> None:
    log = [
        entry(None, "RUNNING", 100),
        entry("a", "QUEUED", 100),
        entry("a", "RUNNING", 90, 1),
        entry("b", "QUEUED", 50),
        entry("a", "SUCCEEDED", 50, 1),
    ]
    lives = make_lives(log, {"b"}, before(100), NOW)
    states = [(of.state, round(of.x), round(of.width)) for of in lives["a"].segments]
    assert states == [("QUEUED", 0, 100), ("RUNNING", 100, 400)]
    assert [(of.state, of.x, of.width) for of in lives["b"].segments] == [
        ("QUEUED", WIDTH / 2, WIDTH / 2)
    ]


def test_lengths_of_time_in_words() -> None:
    told = [span(s) for s in (0, 0.0124, 0.5, 3.14159, 59.9, 60, 61, 3600, 3660, 200_000)]
    assert told == [
        *("0 ms", "12 ms", "500 ms", "3.1 s", "59 s"),
        *("1 min", "1 min 01 s", "1 h", "1 h 01 min", "2 d 7 h"),
    ]
    assert ago(before(90), NOW) == "1 min 30 s ago"
    assert ago(before(-5), NOW) == "in 5.0 s"
    assert ago(None, NOW) == "–"
