"""The view statistics, and how it is read"""

import pytest

import onceflow.sql
from onceflow.engine import calls
from onceflow.engine.calls import statistics
from onceflow.engine.calls.statistics import BOUNDS, HOUR, MINUTE

from ....play import Play, execute, pass_time
from ....workflows import sequence


def test_the_bounds_and_the_times_are_those_of_the_database(play: Play) -> None:
    ((bounds,),) = execute(play.conn, "select onceflow.latency_bounds()").fetchall()
    assert bounds == pytest.approx(list(BOUNDS))
    trimming = (onceflow.sql.FOLDER / "core/statistics/trim_statistics.sql").read_text()
    for span, kept in statistics.KEPT.items():
        days, hours = divmod(kept // HOUR, 24)
        text = f"{days} days" if days else f"{hours} hours"
        assert f"({span}, interval '{text}')" in trimming


def test_a_series_and_the_steps_of_a_workflow_are_read(play: Play) -> None:
    play.conn.execute(
        "select onceflow.set_clock(date_trunc('minute', now(), 'UTC') + interval '1 minute')"
    )
    ((began,),) = execute(play.conn, "select onceflow.now()").fetchall()
    play.deploy(sequence("a", "b"))
    play.complete(play.start("flow"), "a", "b")
    pass_time(play.conn, "90 seconds")
    for _ in range(2):
        calls.sum_statistics(play.conn, 500)
    series = statistics.read_series(play.conn, began, MINUTE)
    assert [(one.at, one.outcome, one.count) for one in series] == [
        (began, "RUNNING", 1),
        (began, "SUCCEEDED", 1),
    ]
    assert statistics.read_series(play.conn, began, MINUTE, until=began) == []
    steps = statistics.read_steps(play.conn, began, MINUTE, "flow")
    assert {(one.step, one.outcome, one.count) for one in steps} == {
        (step, outcome, 1) for step in ("", "a", "b") for outcome in ("RUNNING", "SUCCEEDED")
    }
