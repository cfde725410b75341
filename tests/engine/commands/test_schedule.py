"""``onceflow schedule``: next, runs, trigger, backfill."""

from datetime import datetime, timedelta

from onceflow.engine.calls import register_workflow
from onceflow.engine.definition import compile_definition, parse

from ...conftest import Connect
from .conftest import Onceflow

NIGHTLY = """
name: night
on:
  - id: daily
    schedule: {cron: "30 6 * * *", timezone: Europe/Warsaw, jitter: 1m}
steps: [{id: a, task: t}]
"""


def test_schedules_at_the_command_line(onceflow: Onceflow, connect: Connect) -> None:
    conn = connect()
    register_workflow(conn, compile_definition(parse(NIGHTLY, "yaml")))
    planned = [
        datetime.fromisoformat(each["planned_at"])
        for each in onceflow("schedule", "next", "night/daily", "--limit", "3", "--json").json
    ]
    assert len(planned) == 3
    assert {at.minute for at in planned} == {30}
    assert "PLANNED" in onceflow("schedule", "next", "night/daily").out
    assert onceflow("schedule", "runs", "night/daily").out == "nothing was planned yet\n"

    made = onceflow("schedule", "trigger", "night/daily", "night/none", "--json")
    assert made.code == 1
    assert [each["outcome"] for each in made.json] == ["started", "unknown"]

    begin, end = planned[0] - timedelta(days=4), planned[0]
    queued = onceflow(
        "schedule", "backfill", "night/daily", begin.isoformat(), end.isoformat(), "--json"
    ).json
    assert queued == {"queued": 4, "known": 0, "later": 1}
    again = onceflow("schedule", "backfill", "night/daily", begin.isoformat(), end.isoformat())
    assert again.out == "0 queued, 4 started or queued before, 1 are still to come\n"
    causes = [row["cause"] for row in onceflow("schedule", "runs", "night/daily", "--json").json]
    assert causes == ["manual", *["backfill"] * 4]
    assert "backfill" in onceflow("schedule", "runs", "night/daily").out

    assert onceflow("schedule", "next", "night").code == 1
    assert "there is no schedule night/none" in onceflow("schedule", "next", "night/none").err


def test_one_that_nobody_starts_is_listed_as_late(onceflow: Onceflow, connect: Connect) -> None:
    conn = connect()
    register_workflow(conn, compile_definition(parse(NIGHTLY, "yaml")))
    conn.execute("select onceflow.set_clock(clock_timestamp() + interval '5 minutes')")
    (one,) = onceflow("triggers", "list", "--kind", "schedule", "--json").json
    assert 290 < one["late"] < 310
    assert "late by " in onceflow("triggers", "list").out
    assert onceflow("schedule", "trigger", "night/daily").code == 0
    assert "started" in onceflow("triggers", "list").out


def test_a_span_out_of_reach_is_refused(onceflow: Onceflow, connect: Connect) -> None:
    register_workflow(connect(), compile_definition(parse(NIGHTLY, "yaml")))
    done = onceflow("schedule", "backfill", "night/daily", "2026-01-02T00:00Z", "2026-01-01T00:00Z")
    assert (done.code, "ends before it begins" in done.err) == (1, True)
