"""sum_statistics with labels: how many instances start and end, by those that are named."""

from collections.abc import Generator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.calls import statistics
from onceflow.engine.errors import BadArgument

from ....play import Play, execute, pass_time
from ....rooms import TEXTS
from ....sessions import Sessions
from ....workflows import Step, workflow
from .support import at_the_minute, settle, skip_to, sum_up

SUMS = """
    select workflow, label, value, outcome, count from onceflow.label_statistics
    where seconds = %s and count <> 0 order by at, 1, 2, 3, 4"""


def start(play: Play, *labels: dict[str, Any]) -> list[UUID]:
    """Start one instance of each, with these labels."""
    inputs: list[dict[str, Any]] = [{} for _ in labels]
    started = calls.start_instances(play.conn, "flow", inputs, labels=list(labels))
    assert {one.outcome for one in started} == {"started"}
    return [one.instance_id for one in started]


def sums(play: Play, seconds: int = 60) -> list[tuple[Any, ...]]:
    return play.rows(SUMS, seconds)


def started(play: Play, seconds: int = 60) -> dict[str, int]:
    """Return how many have started, by the value of the label."""
    return {value: n for _, _, value, outcome, n in sums(play, seconds) if outcome == "RUNNING"}


@contextmanager
def at_most(play: Play, values: int) -> Generator[None]:
    """Have so many values of a label have rows of their own."""
    assert TEXTS["fold_labels"].count("<= 100") == 1
    execute(play.conn, TEXTS["fold_labels"].replace("<= 100", f"<= {values}"))
    try:
        yield
    finally:
        execute(play.conn, TEXTS["fold_labels"])


@pytest.fixture(autouse=True)
def _flow(play: Play) -> None:
    at_the_minute(play)
    play.deploy(workflow(Step("a"), on_failure="fail"))


# guarantee: labels-unlisted
def test_starts_and_ends_are_counted_by_the_labels_that_are_named_and_by_no_other(
    play: Play,
) -> None:
    one, two, *_ = start(
        play, {"tier": "gold", "who": "ann"}, {"tier": "tin", "who": "bob"}, {"tier": "gold"}, {}
    )
    play.complete(one, "a")
    play.fail(two, "a")
    sum_up(play.conn, "tier", "region")
    assert sums(play) == [
        ("flow", "tier", "gold", "RUNNING", 2),
        ("flow", "tier", "gold", "SUCCEEDED", 1),
        ("flow", "tier", "tin", "FAILED", 1),
        ("flow", "tier", "tin", "RUNNING", 1),
    ]


def test_a_field_of_search_is_no_label(play: Play) -> None:
    play.deploy(workflow(Step("a"), search=["tier"]))
    calls.start_instances(play.conn, "flow", [{"tier": "gold"}])
    sum_up(play.conn, "tier", "@tier")
    assert sums(play) == []


@contextmanager
def without(play: Play, *tables: str) -> Generator[None]:
    """Have no tables of these names: who reads or writes one fails."""
    for table in tables:
        execute(play.conn, f"alter table onceflow.{table} rename to away_{table}")
    try:
        yield
    finally:
        for table in tables:
            execute(play.conn, f"alter table onceflow.away_{table} rename to {table}")


def test_for_who_names_none_neither_labels_nor_their_sums_are_looked_at(play: Play) -> None:
    (instance,) = start(play, {"tier": "gold"})
    play.complete(instance, "a")
    with without(play, "label_statistic", "search_value"):
        with pytest.raises(psycopg.errors.UndefinedTable):
            sum_up(play.conn, "tier")
        sum_up(play.conn)
        settle(play.conn)
        skip_to(play.conn, "3 hours")
        calls.sum_statistics(play.conn, 500)
    assert sums(play) == []


# guarantee: labels-hundred
def test_a_hundred_values_have_rows_of_their_own_the_most_frequent_and_the_rest_are_one(
    play: Play,
) -> None:
    values = [f"v{number:03}" for number in range(104)]
    start(play, *({"tier": value} for value in values[:102]))
    start(play, *({"tier": value} for value in values[3:]))
    sum_up(play.conn, "tier")
    # Of those that come once, 0 to 2 and 102 to 103, the first of the alphabet.
    own = dict.fromkeys(values[3:102], 2) | {"v000": 1}
    assert started(play) == {**own, "*": 4}
    settle(play.conn, "tier")
    assert {str(started(play, span)) for span in statistics.SPANS} == {str(started(play))}


def test_in_a_longer_span_who_has_a_row_keeps_it_and_others_are_among_the_rest(play: Play) -> None:
    play.conn.execute(
        "select onceflow.set_clock(date_trunc('day', now(), 'UTC') + interval '1 day')"
    )
    play.conn.execute("update onceflow.statistic_clock set noted_until = onceflow.now()")
    with at_most(play, 2):
        start(play, {"tier": "b"})
        pass_time(play.conn, "2 minutes")
        start(play, *[{"tier": "c"}] * 3, *[{"tier": "d"}] * 2, {"tier": "b"}, {"tier": "*"})
        sum_up(play.conn, "tier")
        assert started(play, statistics.HOUR) == {"b": 1, "c": 3, "*": 4}
        assert started(play) == {"b": 1, "c": 3, "d": 2, "*": 2}
        settle(play.conn, "tier")
        assert started(play, statistics.DAY) == {"b": 1, "c": 3, "*": 4}


def test_what_commits_later_counts_once_and_a_label_that_was_changed_as_it_is_then(
    play: Play, sessions: Sessions
) -> None:
    (moves,) = start(play, {"tier": "tin"})
    start(play, {"tier": "tin"})
    late = sessions()
    late.begin(lambda conn: calls.start_instances(conn, "flow", [{}], labels=[{"tier": "late"}]))
    sum_up(play.conn, "tier")
    assert started(play) == {"tin": 2}
    calls.set_labels(play.conn, [moves], {"tier": "gold"})
    late.commit()
    settle(play.conn, "tier")
    expected = {"gold": 1, "late": 1, "tin": 1}
    assert [started(play, span) for span in statistics.SPANS] == [expected] * 4
    calls.set_labels(play.conn, [moves], {"tier": "lead"})
    calls.sum_statistics(play.conn, 500, labels=["tier"])
    assert started(play) == expected


def test_a_name_that_is_taken_off_keeps_what_was_summed_and_one_that_comes_begins_then(
    play: Play, sessions: Sessions
) -> None:
    start(play, {"tier": "gold", "region": "north"})
    other = sessions()
    other.begin(lambda conn: conn.execute("select pg_current_xact_id()"))  # so it is summed again
    sum_up(play.conn, "tier")
    other.commit()
    settle(play.conn, "region")
    expected = [("flow", "region", "north", "RUNNING", 1), ("flow", "tier", "gold", "RUNNING", 1)]
    assert sums(play) == sums(play, statistics.DAY) == expected


def test_what_was_summed_stays_when_its_instances_are_erased(play: Play) -> None:
    (instance,) = start(play, {"tier": "gold"})
    play.complete(instance, "a")
    sum_up(play.conn, "tier")
    settle(play.conn, "tier")
    before = sums(play)
    calls.erase_instances(play.conn, [instance])
    calls.sum_statistics(play.conn, 500, labels=["tier"])
    assert sums(play) == before != []


def test_of_a_minute_with_very_much_they_are_multiplied_and_failures_are_counted(
    play: Play,
) -> None:
    execute(play.conn, TEXTS["entries_to_count"].replace("20000", "150"))
    execute(play.conn, "discard plans")
    try:
        ids = start(play, *[{"tier": "gold"}] * 80)
        for instance in ids[:7]:
            play.fail(instance, "a")
        sum_up(play.conn, "tier")
        found = {outcome: count for *_, outcome, count in sums(play)}
        whole = play.value(
            "select count from onceflow.statistics where seconds = 60 and workflow = 'flow'"
            " and step = '' and outcome = 'RUNNING'"
        )
        assert found == {"RUNNING": whole, "FAILED": 7}
    finally:
        execute(play.conn, TEXTS["entries_to_count"])
        execute(play.conn, "discard plans")


@pytest.mark.parametrize("named", [("tier",), ()], ids=["named", "named no more"])
def test_they_go_when_the_others_go(play: Play, named: tuple[str, ...]) -> None:
    start(play, {"tier": "gold"})
    sum_up(play.conn, "tier")
    settle(play.conn, "tier")
    left: list[list[int]] = []
    for passed in ("3 hours", "2 days", "36 days", "700 days"):
        skip_to(play.conn, passed)
        calls.sum_statistics(play.conn, 500, labels=named)
        rows = play.rows("select seconds from onceflow.label_statistics order by 1")
        left.append([span for (span,) in rows])
    assert left == [[600, 3600, 86400], [3600, 86400], [86400], []]
    assert play.value("select labelled from onceflow.statistic_clock") is False


def test_more_than_five_names_are_refused(play: Play) -> None:
    with pytest.raises(BadArgument, match="p_labels names 6 labels, and 5 are the most"):
        calls.sum_statistics(play.conn, 500, labels=["a"] * 6)
