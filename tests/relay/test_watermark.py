"""What makes a watch pass: a table, and the one thing that must not: slow workers."""

import pytest

from onceflow.relay.watermark import Partition, Topic, Watch, has_passed, look, set_watch


@pytest.mark.parametrize(
    ("end", "now", "expected"),
    [
        pytest.param(10, Partition(0, 10, 10), True, id="consumed to the end"),
        pytest.param(10, Partition(0, 25, 10), True, id="consumed to it, and more has come"),
        pytest.param(10, Partition(0, 25, 25), True, id="consumed past it"),
        pytest.param(10, Partition(0, 10, 9), False, id="one message unread"),
        pytest.param(10, Partition(0, 99, 9), False, id="a backlog"),
        pytest.param(10, Partition(0, 10, None), False, id="nothing consumed yet"),
        pytest.param(10, Partition(0, 10, 0), False, id="a commit at the very start"),
        pytest.param(0, Partition(0, 0, None), True, id="nothing was ever sent"),
        pytest.param(0, Partition(0, 7, None), True, id="nothing had been sent then"),
        pytest.param(10, Partition(10, 12, None), True, id="all of it has expired"),
        pytest.param(10, Partition(12, 12, None), True, id="more than it has expired"),
        pytest.param(10, Partition(9, 12, None), False, id="all but one have expired"),
        pytest.param(10, Partition(0, 0, None), True, id="the log is empty again"),
        pytest.param(10, Partition(0, 9, None), True, id="the log ends before it"),
        pytest.param(10, Partition(0, 12, 40), False, id="a commit of an earlier, longer log"),
        pytest.param(10, Partition(0, 9, 40), True, id="the same, and the log ends before it"),
        pytest.param(10, None, True, id="the partition is gone"),
    ],
)
def test_a_partition_has_passed(end: int, now: Partition | None, expected: bool) -> None:
    assert has_passed(end, now) is expected


def test_a_watch_is_over_once_all_partitions_have_passed() -> None:
    watch = set_watch("700", Topic("a", {0: Partition(0, 5, None), 1: Partition(0, 8, None)}))
    watch = look(watch, Topic("a", {0: Partition(0, 5, 5), 1: Partition(0, 8, 7)}))
    assert (watch.passed, watch.is_over) == ({0}, False)
    watch = look(watch, Topic("a", {0: Partition(0, 5, 5), 1: Partition(0, 8, 8)}))
    assert watch.is_over


def test_what_has_passed_stays_passed() -> None:
    watch = set_watch("700", Topic("a", {0: Partition(0, 5, None), 1: Partition(0, 8, None)}))
    watch = look(watch, Topic("a", {0: Partition(0, 5, 5), 1: Partition(0, 8, None)}))
    watch = look(watch, Topic("a", {0: Partition(0, 5, None), 1: Partition(0, 8, 8)}))
    assert watch.is_over


def test_partitions_added_later_do_not_count() -> None:
    watch = set_watch("700", Topic("a", {0: Partition(0, 5, None)}))
    now = Topic("a", {0: Partition(0, 5, 5), 1: Partition(0, 3, None)})
    assert look(watch, now).is_over


def test_a_topic_that_is_gone_or_another_holds_nothing_of_ours() -> None:
    watch = set_watch("700", Topic("a", {0: Partition(0, 5, None)}))
    same = {0: Partition(0, 5, None)}
    assert look(watch, None).is_over
    assert look(watch, Topic("b", same)).is_over
    assert not look(watch, Topic("a", same)).is_over


def test_a_broker_without_topic_ids_is_judged_by_offsets_alone() -> None:
    for mine, theirs in (("", "b"), ("a", ""), ("", "")):
        watch = Watch("700", mine, {0: 5})
        assert not look(watch, Topic(theirs, {0: Partition(0, 5, 4)})).is_over
        assert look(watch, Topic(theirs, {0: Partition(0, 0, None)})).is_over


def test_a_topic_without_partitions_has_nothing_unread() -> None:
    assert Watch("700", "", {}).is_over
