"""A member of the group that is without partitions: when it joins anew, and when it does not."""

import itertools

import pytest

from onceflow.worker.delivery.membership import LONGEST_PATIENCE, Membership

LEASE = 10.0


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def tries(membership: Membership, clock: Clock, seconds: int, *, assigned: bool) -> list[int]:
    """Return after how many seconds it joins anew, while nothing is given to it."""
    found: list[int] = []
    for second in range(seconds):
        if membership.must_join_anew(0, assigned):
            found.append(second)
        clock.now += 1
    return found


def test_a_member_of_a_group_without_assignment_joins_anew_later_and_later(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    membership = Membership(LEASE, clock)
    found = tries(membership, clock, 1500, assigned=False)
    assert found[:4] == [10, 30, 70, 150]
    assert {b - a for a, b in itertools.pairwise(found[5:])} == {LONGEST_PATIENCE}
    assert "nor has the group of workers been given any" in caplog.text
    assert membership.without_for == 1500


def test_a_spare_worker_joins_anew_once_and_says_what_it_is(
    clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    membership = Membership(LEASE, clock)
    assert tries(membership, clock, 5000, assigned=True) == [10]
    assert caplog.text.count("is spare; raise ONCEFLOW_PARTITIONS") == 1


def test_one_that_has_partitions_is_without_for_no_time(clock: Clock) -> None:
    membership = Membership(LEASE, clock)
    assert tries(membership, clock, 50, assigned=False) == [10, 30]
    assert not membership.must_join_anew(2, assigned=True)
    assert membership.without_for == 0
    assert tries(membership, clock, 20, assigned=True) == [10], "its patience is as at first"
