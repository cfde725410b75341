"""What overview and workflow pages tell of the past: out of statistics, over a range of time."""

from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import psycopg
import pytest
from starlette.testclient import TestClient

from onceflow.api.reads.trends import RANGES, Range, read_step_trends, read_trend
from onceflow.engine.calls.statistics import BOUNDS

from .conftest import Start, deploy
from .definitions import ORDER
from .test_pages import page

NOW = datetime(2026, 1, 31, 3, 0, 50, tzinfo=UTC)
CONSTANT = "insert into onceflow.statistic values (%s, %s, %s, %s, %s, %s, %s, %s, %s)"


def note(
    conn: psycopg.Connection[Any],
    outcome: str,
    count: int,
    *,
    ago: int = 60,
    span: int = 60,
    workflow: str = "",
    step: str = "",
    bucket: int = 10,
) -> None:
    """Put a row into the statistics: of a span that began so many seconds ago."""
    buckets = [0] * (len(BOUNDS) + 1)
    buckets[bucket] = count
    at = datetime.fromtimestamp((NOW.timestamp() - ago) // span * span, UTC)
    row = (span, workflow, step, at, outcome, count, count, count * 0.7, buckets)
    conn.execute(CONSTANT, row)


def test_a_trend_has_a_point_for_each_span_also_where_nothing_was(
    conn: psycopg.Connection[Any],
) -> None:
    note(conn, "RUNNING", 6)
    note(conn, "SUCCEEDED", 3)
    note(conn, "FAILED", 1)
    note(conn, "SUCCEEDED", 4, ago=600)
    note(conn, "SUCCEEDED", 100, ago=4000)  # before the range
    note(conn, "SUCCEEDED", 100, workflow="other")
    trend = read_trend(conn, "1h", NOW)
    assert len(trend.points) == 60
    assert (trend.started, trend.ended, trend.failed, trend.failing) == (6, 8, 1, 12.5)
    last = trend.points[-1]
    assert (last.started, last.succeeded, last.failed, last.failing) == (6, 3, 1, 25)
    assert BOUNDS[9] <= (last.p50 or 0) <= BOUNDS[10]
    assert trend.points[0].p50 is None
    assert sum(point.succeeded for point in trend.points) == 7


def test_a_span_that_goes_on_is_told_by_what_is_known_of_it(conn: psycopg.Connection[Any]) -> None:
    note(conn, "RUNNING", 30, ago=50, span=600)
    last = read_trend(conn, "24h", NOW - timedelta(seconds=50) + timedelta(minutes=3)).points[-1]
    assert (last.at, last.started) == (NOW - timedelta(seconds=50), 15)  # of two whole minutes


@pytest.mark.parametrize("over", get_args(Range))
def test_every_range_has_points_enough_to_see_and_few_enough_to_draw(
    conn: psycopg.Connection[Any], over: Range
) -> None:
    trend = read_trend(conn, over, NOW)
    assert 25 < len(trend.points) <= 200
    assert trend.span * len(trend.points) == pytest.approx(RANGES[over], rel=0.1)


def test_steps_tell_their_attempts_and_how_long_they_waited_and_ran(
    conn: psycopg.Connection[Any],
) -> None:
    for outcome, count, bucket in (("RUNNING", 9, 3), ("SUCCEEDED", 5, 10), ("RETRYING", 4, 10)):
        note(conn, outcome, count, workflow="order", step="pay", bucket=bucket)
    (pay,) = read_step_trends(conn, "1h", NOW, "order").values()
    assert (pay.step, pay.attempts, pay.succeeded, pay.failed) == ("pay", 9, 5, 4)
    assert (pay.waited_p99 or 0) <= BOUNDS[3] < BOUNDS[9] <= (pay.ran_p50 or 0)


def test_the_pages_show_it_over_the_range_that_is_asked_for(
    client: TestClient, conn: psycopg.Connection[Any], start: Start
) -> None:
    start()
    text = page(client, "/?over=7d")
    assert '<a href="?over=7d" aria-current="true">7 d</a>' in text
    assert text.count("<figure") == 3
    assert '<a href="?over=24h" aria-current="true">' in page(client, "/ui/workflows/order")
    assert client.get("/?over=1y").status_code == 422


def test_a_workflow_shows_its_graph_and_what_a_version_changes(client: TestClient) -> None:
    deploy(client)
    deploy(client, ORDER.replace("shop.pay", "shop.charge") + "description: '<b>new</b>'\n")
    text = page(client, "/ui/workflows/order?against=1")
    assert '<svg xmlns="http://www.w3.org/2000/svg"' in text
    assert "style=" not in text
    changes = text.partition('id="changes"')[2].partition("</section>")[0]
    assert "<code>pay</code> <b>task</b> changed" in changes
    assert "&#34;shop.pay&#34;" in changes
    assert "&lt;b&gt;new&lt;/b&gt;" in changes
    assert 'id="changes"' not in page(client, "/ui/workflows/order")
    assert client.get("/ui/workflows/order?against=9").status_code == 404


def test_a_graph_that_is_too_large_is_left_to_the_command(client: TestClient) -> None:
    steps = "".join(f"  - {{id: s{n}, task: test.only}}\n" for n in range(151))
    deploy(client, f"name: large\nsteps:\n{steps}")
    assert "onceflow graph large --version 1" in page(client, "/ui/workflows/large")
