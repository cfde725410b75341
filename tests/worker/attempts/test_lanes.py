"""When a group of quick attempts begins: at once, or after one that is under way."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias
from uuid import UUID, uuid4

import pytest

from onceflow.engine.calls import Grant
from onceflow.worker.attempts.attempt import Attempt
from onceflow.worker.attempts.lanes import LANES, Lanes, Place
from onceflow.worker.attempts.pace import LARGEST, Pace
from onceflow.worker.registration.leases import Registration

from .turns import StruckByHand

Make: TypeAlias = Callable[[UUID, int], list[Attempt]]

LIFE = Registration(uuid4(), 60.0, 0.0)
CUT, MORE = 1e6, 2e6


@pytest.fixture
def pace() -> Pace:
    return Pace()


@pytest.fixture
def make(pace: Pace) -> Make:
    """Return what makes quick attempts of one instance."""

    def made(instance: UUID, count: int) -> list[Attempt]:
        return [one(instance, number) for number in range(count)]

    def one(instance: UUID, number: int) -> Attempt:
        task, fence = f"branch-{number}", uuid4()
        grant = Grant(instance, task, fence, "h", "q", "{}", 1, None, "k", "w", 1, False)
        pace.note(grant, 0.0)
        return Attempt(grant, None, LIFE)

    return made


def test_what_comes_begins_at_once_where_few_are_under_way(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    for number in range(LANES):
        group = make(uuid4(), 1 + number)
        assert lanes.enter(group) == [group]
    waiting = make(uuid4(), 2)
    assert lanes.enter(waiting) == []


def test_what_wants_the_same_instance_waits_for_it(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    wide = uuid4()
    (first,) = lanes.enter(make(wide, 5))
    later = make(wide, 3), make(wide, 2)
    assert [lanes.enter(attempts) for attempts in later] == [[], []]
    assert lanes.leave(first) == [[*later[0], *later[1]]], "all that came is one group"


def test_what_makes_a_whole_group_waits_for_nothing(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    wide = uuid4()
    (first,) = lanes.enter(make(wide, 5))
    many = make(wide, LARGEST + 2)
    assert lanes.enter(many) == [many[:LARGEST]]
    assert lanes.leave(first) == [], "the whole group is under way yet"


@pytest.fixture
def deadlines() -> Generator[StruckByHand]:
    with closing(StruckByHand()) as kept:
        yield kept


@pytest.mark.parametrize("recording", [False, True])
def test_a_place_is_left_late_unless_all_have_run(deadlines: StruckByHand, recording: bool) -> None:
    left: list[str] = []
    place = Place(
        deadlines,
        CUT,
        MORE,
        recording=lambda: recording,
        leave=lambda: left.append("left"),
        on_cut=lambda: left.append("cut"),
    )
    deadlines.strike(CUT)
    assert left == ([] if recording else ["left", "cut"])
    deadlines.strike(MORE)
    assert left == ["left", "cut"]
    place.leave()
    assert left == ["left", "cut"], "once"


def test_a_place_that_is_left_is_not_left_late(deadlines: StruckByHand) -> None:
    left: list[str] = []
    place = Place(
        deadlines,
        CUT,
        MORE,
        recording=lambda: False,
        leave=lambda: left.append("left"),
        on_cut=lambda: left.append("cut"),
    )
    place.leave()
    deadlines.strike(CUT)
    assert left == ["left"]
