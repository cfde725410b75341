"""What webhooks refuse is told once a minute, however much comes."""

import logging

import pytest

from onceflow.api.hooks.refusals import Refusals, Refused

WRONG = Refused("deploy", "push", "signature", "wrong")
OTHER = WRONG._replace(trigger="other")


class Clock:
    """Seconds, as a test sets them."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_is_told_at_once_and_the_others_in_sums_of_a_minute() -> None:
    kept: list[tuple[str, int]] = []
    clock = Clock()
    refusals = Refusals(lambda refused, number: kept.append((refused.trigger, number)), clock)
    for _ in range(1000):
        refusals.note(WRONG)
    refusals.note(OTHER)
    refusals.tell()
    assert kept == [("push", 1), ("other", 1)]
    clock.now = 60
    refusals.tell()
    refusals.tell()
    assert kept[2:] == [("push", 999)]
    refusals.note(WRONG)
    assert kept[3:] == []
    clock.now = 120
    refusals.tell()
    assert kept[3:] == [("push", 1)]
    # A minute in which nothing came: the next is told at once.
    clock.now = 180
    refusals.tell()
    refusals.note(WRONG)
    assert kept[4:] == [("push", 1)]


def test_where_they_cannot_be_counted_the_log_has_them(caplog: pytest.LogCaptureFixture) -> None:
    def keep(_: Refused, __: int) -> None:
        raise RuntimeError("no database")

    with caplog.at_level(logging.WARNING, "onceflow.api"):
        Refusals(keep).note(WRONG)
    assert [record.getMessage() for record in caplog.records] == [
        "webhook deploy/push refused a request: wrong",
        "what webhooks refused could not be counted: no database",
    ]
