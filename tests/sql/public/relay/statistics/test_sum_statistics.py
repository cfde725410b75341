"""sum_statistics"""

from collections.abc import Iterator
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import statistics

from ....play import Play, execute, pass_time
from ....rooms import TEXTS
from ....sessions import Sessions
from ....workflows import Step, sequence, workflow
from .support import at_the_minute, settle, skip_to, sum_up

SUMS = """
    select workflow, step, outcome, count, measured, round(total_seconds::numeric, 3)::float8
    from onceflow.statistics where seconds = %s order by 1, 2, 3"""


def sums(play: Play, seconds: int = 60) -> dict[tuple[str, str, str], tuple[Any, ...]]:
    return {row[:3]: row[3:] for row in play.rows(SUMS, seconds)}


def test_starts_claims_and_ends_are_counted_with_what_they_took(play: Play) -> None:
    at_the_minute(play)
    play.deploy(sequence("a", "b"))
    instance = play.start("flow")
    pass_time(play.conn, "2 seconds")
    grant = play.take(instance, "a")
    pass_time(play.conn, "5 seconds")
    play.worker.complete(grant)
    play.complete(instance, "b")
    sum_up(play.conn)
    assert sums(play) == {
        ("", "", "RUNNING"): (1, 0, 0.0),
        ("", "", "SUCCEEDED"): (1, 1, 7.0),
        ("", "*", "RUNNING"): (2, 2, 2.0),
        ("", "*", "SUCCEEDED"): (2, 2, 5.0),
        ("flow", "", "RUNNING"): (1, 0, 0.0),
        ("flow", "", "SUCCEEDED"): (1, 1, 7.0),
        ("flow", "a", "RUNNING"): (1, 1, 2.0),
        ("flow", "a", "SUCCEEDED"): (1, 1, 5.0),
        ("flow", "b", "RUNNING"): (1, 1, 0.0),
        ("flow", "b", "SUCCEEDED"): (1, 1, 0.0),
    }


def test_what_was_queued_or_claimed_in_a_minute_before_is_measured(play: Play) -> None:
    at_the_minute(play)
    instance = play.begin(workflow(Step("a")))
    pass_time(play.conn, "70 seconds")
    grant = play.take(instance, "a")
    pass_time(play.conn, "200 seconds")
    play.worker.complete(grant)
    sum_up(play.conn)
    found = sums(play)
    assert found["flow", "a", "RUNNING"] == (1, 1, 70.0)
    assert found["flow", "a", "SUCCEEDED"] == (1, 1, 200.0)
    assert found["flow", "", "SUCCEEDED"] == (1, 1, 270.0)


def test_a_task_handed_off_has_not_waited(play: Play) -> None:
    at_the_minute(play)
    play.deploy(sequence("a", "b"))
    grant = play.take(play.start("flow"), "a")
    pass_time(play.conn, "3 seconds")
    _, (handed,) = play.worker.complete_and_take(grant)
    pass_time(play.conn, "61 seconds")
    play.worker.complete(handed)
    sum_up(play.conn)
    found = sums(play)
    assert found["flow", "b", "RUNNING"] == (1, 1, 0.0)
    assert found["flow", "b", "SUCCEEDED"] == (1, 1, 61.0)


def test_each_attempt_counts_by_what_became_of_it(play: Play) -> None:
    at_the_minute(play)
    retry = {"attempts": 2, "backoff": 1.0, "factor": 1.0, "max": 1.0, "jitter": 0.0}
    instance = play.begin(workflow(Step("a", retry=retry)))
    play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 second")
    play.tick()
    grant = play.take(instance, "a")
    pass_time(play.conn, "4 seconds")
    play.worker.fail(grant)
    sum_up(play.conn)
    found = {key[2]: row for key, row in sums(play).items() if key[:2] == ("flow", "a")}
    assert found == {
        "RUNNING": (2, 2, 0.0),
        "RETRYING": (1, 1, 0.0),
        "DEAD_LETTER": (1, 1, 4.0),
    }


def test_longer_spans_have_the_sums_of_those_they_consist_of(play: Play) -> None:
    play.conn.execute(
        "select onceflow.set_clock(date_trunc('day', now(), 'UTC') + interval '1 day')"
    )
    play.conn.execute("update onceflow.statistic_clock set noted_until = onceflow.now()")
    play.deploy(workflow(Step("a")))
    for _ in range(3):
        play.complete(play.start("flow"), "a")
        pass_time(play.conn, "9 minutes")
    sum_up(play.conn)
    counts = {
        span: play.rows(
            "select count, measured, buckets[1] from onceflow.statistics where seconds = %s"
            " and workflow = 'flow' and step = '' and outcome = 'SUCCEEDED' order by at",
            span,
        )
        for span in statistics.SPANS
    }
    assert counts == {
        statistics.MINUTE: [(1, 1, 1)] * 3,
        statistics.TEN_MINUTES: [(2, 2, 2), (1, 1, 1)],
        statistics.HOUR: [(3, 3, 3)],
        statistics.DAY: [(3, 3, 3)],
    }


def test_a_transaction_that_commits_after_its_minute_was_summed_is_counted_once(
    play: Play, sessions: Sessions
) -> None:
    at_the_minute(play)
    play.deploy(workflow(Step("a")))
    early, late = play.start("flow"), sessions()
    late.begin(lambda conn: calls.start_instances(conn, "flow", [{}]))
    sum_up(play.conn)
    started = ("flow", "", "RUNNING")
    assert sums(play)[started][0] == 1
    calls.sum_statistics(play.conn, 500)  # it is open still
    assert sums(play)[started][0] == 1
    late.commit()
    settle(play.conn)
    assert {sums(play, span)[started][0] for span in statistics.SPANS} == {2}
    assert play.state(early) == "RUNNING"


def test_a_minute_is_kept_until_it_is_summed_for_good(play: Play, sessions: Sessions) -> None:
    at_the_minute(play)
    play.deploy(workflow(Step("a")))
    late = sessions()
    late.begin(lambda conn: calls.start_instances(conn, "flow", [{}]))
    play.start("flow")
    sum_up(play.conn)
    pass_time(play.conn, "4 hours")
    calls.sum_statistics(play.conn, 500)
    late.commit()
    settle(play.conn)
    calls.sum_statistics(play.conn, 500)
    assert sums(play, statistics.DAY)["flow", "", "RUNNING"][0] == 2
    assert sums(play, statistics.MINUTE) == {}


def test_a_transaction_that_is_never_ended_is_waited_for_two_days(
    play: Play, sessions: Sessions
) -> None:
    at_the_minute(play)
    play.begin(workflow(Step("a")))
    forgotten = sessions()
    forgotten.begin(lambda conn: conn.execute("select pg_current_xact_id()"))
    sum_up(play.conn)
    assert play.rows("select from onceflow.statistic_minute where counted") != []
    pass_time(play.conn, "50 hours")
    play.conn.execute(
        "update onceflow.statistic_clock set noted_until = date_trunc('minute', onceflow.now(),"
        " 'UTC') - interval '2 minutes'"
    )
    calls.sum_statistics(play.conn, 500)
    assert play.rows("select from onceflow.statistic_minute where counted") == []
    assert sums(play, statistics.MINUTE) == {}
    assert sums(play, statistics.HOUR)["flow", "", "RUNNING"][0] == 1


def test_of_several_at_once_one_works_and_the_others_return(play: Play, sessions: Sessions) -> None:
    at_the_minute(play)
    play.begin(workflow(Step("a")))
    pass_time(play.conn, "90 seconds")
    calls.sum_statistics(play.conn, 500)
    other = sessions()
    assert other.begin(lambda conn: calls.sum_statistics(conn, 500)) > 0
    assert calls.sum_statistics(play.conn, 500) == 0
    other.rollback()
    assert calls.sum_statistics(play.conn, 500) > 0


def test_after_a_long_absence_it_catches_up_piece_by_piece(play: Play) -> None:
    at_the_minute(play)
    play.begin(workflow(Step("a")))
    pass_time(play.conn, "1 day")
    worked: list[int] = []
    while play.rows(
        "select from onceflow.statistic_clock c where c.noted_until < onceflow.now() - interval"
        " '2 minutes'"
    ) or play.rows("select from onceflow.statistic_minute m where not m.counted"):
        worked.append(calls.sum_statistics(play.conn, 300))
        assert len(worked) < 100
    assert max(worked) <= 300
    assert sum(worked) >= 24 * 60
    assert sums(play, statistics.DAY)["flow", "", "RUNNING"][0] == 1


def test_statistics_go_when_their_time_is_over(play: Play) -> None:
    at_the_minute(play)
    play.begin(workflow(Step("a")))
    sum_up(play.conn)
    settle(play.conn)
    left: list[set[int]] = []
    for passed in ("3 hours", "2 days", "36 days", "700 days"):
        skip_to(play.conn, passed)
        calls.sum_statistics(play.conn, 500)
        left.append({span for (span,) in play.rows("select seconds from onceflow.statistics")})
    assert left == [{600, 3600, 86400}, {3600, 86400}, {86400}, set()]


@pytest.fixture
def at_most_150(play: Play) -> Iterator[None]:
    """Have a minute with more than 150 entries summed by a part of its instances.

    What plans have made of the number is forgotten, before and after: it is a constant to them.
    """
    for text in (TEXTS["entries_to_count"].replace("20000", "150"), TEXTS["entries_to_count"]):
        execute(play.conn, text)
        execute(play.conn, "discard plans")
        if "150" in text:
            yield


@pytest.mark.usefixtures("at_most_150")
def test_of_a_minute_with_very_much_some_instances_are_looked_at_and_multiplied(play: Play) -> None:
    at_the_minute(play)
    play.deploy(workflow(Step("a")))
    for _ in range(59):
        grant = play.take(play.start("flow"), "a")
        pass_time(play.conn, "1 second")
        play.worker.complete(grant)
    sum_up(play.conn)
    found = sums(play)
    assert found["flow", "", "RUNNING"][:2] == (pytest.approx(59, abs=2), 0)
    count, measured, seconds = found["flow", "a", "SUCCEEDED"]
    assert count == measured == pytest.approx(59, abs=2)
    assert seconds == pytest.approx(count, rel=0.02)
    settle(play.conn)
    assert sums(play) == found


# guarantee: statistics-failures-sampled
@pytest.mark.usefixtures("at_most_150")
def test_of_a_minute_with_very_much_each_failure_is_counted(play: Play) -> None:
    at_the_minute(play)
    retry = {"attempts": 2, "backoff": 1.0, "factor": 1.0, "max": 1.0, "jitter": 0.0}
    play.deploy(workflow(Step("a", retry=retry), on_failure="fail"))
    instances = [play.start("flow") for _ in range(60)]
    for instance in instances:
        play.fail(instance, "a", retryable=True)
    pass_time(play.conn, "1 second")
    play.tick()
    for instance in instances[:7]:
        play.worker.fail(play.take(instance, "a"))
    sum_up(play.conn)
    found = {key: row[0] for key, row in sums(play).items()}
    assert found["flow", "a", "RETRYING"] == found["", "*", "RETRYING"] == 60
    assert found["flow", "a", "DEAD_LETTER"] == 7
    assert found["flow", "", "FAILED"] == found["", "", "FAILED"] == 7
    assert 0 < sums(play)["flow", "a", "RETRYING"][1] < 60


def test_a_minute_in_which_nothing_happened_leaves_no_row(play: Play) -> None:
    at_the_minute(play)
    pass_time(play.conn, "10 minutes")
    sum_up(play.conn)
    assert play.rows("select from onceflow.statistics") == []
