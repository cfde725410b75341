"""When a group of quick attempts begins: at once, or after one that is under way."""

from collections.abc import Callable, Generator
from contextlib import closing
from typing import Protocol
from uuid import UUID, uuid4

import pytest

from onceflow.engine.calls import Grant
from onceflow.worker.attempts import lanes as lanes_module
from onceflow.worker.attempts.attempt import Attempt
from onceflow.worker.attempts.lanes import LANES, Lanes, Place
from onceflow.worker.attempts.pace import LARGEST, Pace
from onceflow.worker.registration.deadlines import Deadline, Deadlines
from onceflow.worker.registration.leases import Registration

from .turns import StruckByHand


class Make(Protocol):
    def __call__(self, instance: UUID, count: int, limit: float | None = None) -> list[Attempt]: ...


LIFE = Registration(uuid4(), 60.0, 0.0)
CUT, MORE = 1e6, 2e6


@pytest.fixture
def pace() -> Pace:
    return Pace()


@pytest.fixture
def make(pace: Pace) -> Make:
    """Return what makes quick attempts of one instance, with a limit of time or without."""

    def made(instance: UUID, count: int, limit: float | None = None) -> list[Attempt]:
        return [one(instance, number, limit) for number in range(count)]

    def one(instance: UUID, number: int, limit: float | None) -> Attempt:
        task, fence = f"branch-{number}", uuid4()
        grant = Grant(instance, task, fence, "h", "q", "{}", 1, limit, "k", "w", 1, False)
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


def test_what_wants_another_instance_does_not_wait_with_it(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    wide = uuid4()
    (first,) = lanes.enter(make(wide, 5))
    again, others = make(wide, 1), [*make(uuid4(), 1), *make(uuid4(), 1)]
    assert lanes.enter([*again, *others]) == [others]
    assert lanes.leave(first) == [again]


def test_what_has_another_limit_waits_all_the_same(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    under_way = [group for _ in range(LANES) for group in lanes.enter(make(uuid4(), 1))]
    limited, unlimited = make(uuid4(), 2, 10.0), make(uuid4(), 2)
    assert lanes.enter([*limited, *unlimited]) == []
    assert lanes.leave(under_way[0]) == [limited], "one lane is free, for the first"
    assert lanes.leave(under_way[1]) == [unlimited]


def test_a_full_group_waits_for_nothing_whatever_its_limit(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    for _ in range(LANES):
        lanes.enter(make(uuid4(), 1))
    full = make(uuid4(), LARGEST, 10.0), make(uuid4(), LARGEST)
    assert lanes.enter([*full[0], *full[1]]) == [*full]


def test_for_one_that_is_eased_none_wait_but_those_of_its_instances(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    wide = uuid4()
    (first,) = lanes.enter(make(wide, 5))
    rest = [group for _ in range(LANES - 1) for group in lanes.enter(make(uuid4(), 1))]
    again, other = make(wide, 1), make(uuid4(), 1)
    assert lanes.enter([*again, *other]) == []
    assert lanes.ease(first) == [other]
    assert lanes.leave(rest[0]) == [], "what it would complete is being completed yet"
    assert lanes.leave(first) == [again]


def test_of_limits_the_first_that_came_goes_first(pace: Pace, make: Make) -> None:
    lanes = Lanes(pace)
    under_way = [group for _ in range(LANES) for group in lanes.enter(make(uuid4(), 1))]
    one, other, again = make(uuid4(), 1, 10.0), make(uuid4(), 1), make(uuid4(), 1, 10.0)
    assert [lanes.enter(attempts) for attempts in (one, other, again)] == [[], [], []]
    assert lanes.leave(under_way[0]) == [[*one, *again]]


@pytest.mark.parametrize("same", [False, True])
def test_beside_full_groups_without_end_nothing_waits_for_ever(
    pace: Pace, make: Make, monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    lanes = Lanes(pace)
    wide = uuid4()
    full = [make(wide, LARGEST) for _ in range(LANES + 2)]
    for group in full:
        lanes.enter(group)
    waiting = make(wide if same else uuid4(), 1, 10.0)
    assert lanes.enter(waiting) == []
    another = make(wide, LARGEST)
    assert (lanes.leave(full[0]), lanes.enter(another)) == ([], [another])
    monkeypatch.setattr(lanes_module, "PATIENCE", 0.0)
    assert lanes.leave(full[1]) == [waiting]
    assert lanes.enter([]) == []


@pytest.fixture
def deadlines() -> Generator[StruckByHand]:
    with closing(StruckByHand()) as kept:
        yield kept


class Told:
    """What a place has told of, in order."""

    def __init__(self, deadlines: Deadlines, *, recording: bool = False) -> None:
        self.told: list[str] = []
        self.place = Place(
            deadlines,
            CUT,
            MORE,
            recording=lambda: recording,
            ease=lambda: self.told.append("eased"),
            leave=lambda: self.told.append("left"),
            on_cut=lambda: self.told.append("cut"),
        )


def test_a_place_is_left_late_where_handlers_are_slow(deadlines: StruckByHand) -> None:
    late = Told(deadlines)
    deadlines.strike(CUT)
    assert late.told == ["cut", "left"]
    late.place.leave()
    assert late.told == ["cut", "left"], "once"


def test_a_place_is_eased_first_where_all_have_run(deadlines: StruckByHand) -> None:
    late = Told(deadlines, recording=True)
    deadlines.strike(CUT)
    assert late.told == ["eased"]
    deadlines.strike(MORE)
    assert late.told == ["eased", "cut", "left"]
    late.place.leave()
    assert late.told == ["eased", "cut", "left"], "once"


def test_a_place_that_is_left_is_not_left_late(deadlines: StruckByHand) -> None:
    in_time = Told(deadlines)
    in_time.place.leave()
    deadlines.strike(CUT)
    assert in_time.told == ["left"]


class StruckAtOnce(Deadlines):
    """Deadlines on a machine that stood still: they strike before who has added them goes on."""

    def add(self, seconds: float, callback: Callable[[], None]) -> Deadline:
        deadline = super().add(seconds, callback)
        deadline.strike()
        return deadline


@pytest.mark.parametrize("recording", [False, True])
def test_a_place_that_is_late_before_it_begins_is_left(recording: bool) -> None:
    with closing(StruckAtOnce()) as deadlines:
        late = Told(deadlines, recording=recording)
    assert late.told == ["cut", "left", *(["eased"] if recording else [])]
    late.place.leave()
    assert late.told.count("left") == 1
