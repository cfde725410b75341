"""fire_schedules: each planned time is done with once, as its schedule says."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from onceflow.engine import calls
from onceflow.engine.schedules import take_turn
from onceflow.relay.schedules import fire_due_schedules

from ...play import Play
from ...schedules import (
    NOON,
    begin,
    deploy,
    end,
    pass_minutes,
    runs,
    set_time,
    turn,
)


def test_a_planned_time_starts_an_instance_that_knows_it(play: Play) -> None:
    begin(play, input={"at": "$.scheduled_at", "by": "${ $.workflow }/${ $.trigger }"})
    assert runs(play) == []
    pass_minutes(play, 1)
    assert play.rows(
        "select key, trigger, scheduled_at, input from onceflow.instances"
    ) == [
        (
            "s/2026-03-02T12:01:00.000000Z",
            "s",
            NOON + timedelta(minutes=1),
            {"at": "2026-03-02T12:01:00.000000Z", "by": "w/s"},
        )
    ]  # fmt: skip
    assert play.row("select next_at, late from onceflow.triggers") == (
        NOON + timedelta(minutes=2),
        None,
    )


def test_what_was_read_before_by_another_starts_nothing_more(play: Play) -> None:
    begin(play, overlap="allow")
    set_time(play, NOON + timedelta(minutes=3))
    due = calls.read_schedules(play.conn, 10)
    turns = [(each, take_turn(each.plan, each.catch_up, each.done_until, each.now)) for each in due]
    assert len(calls.fire_schedules(play.conn, turns)) == 3
    assert calls.fire_schedules(play.conn, turns) == []
    pass_minutes(play, 4)
    assert calls.fire_schedules(play.conn, turns) == []
    assert runs(play) == [(n, "started") for n in range(1, 5)]
    assert play.value("select count(*) from onceflow.instances") == 4


def test_a_start_whose_run_was_forgotten_is_found_by_its_key(play: Play) -> None:
    begin(play, overlap="allow")
    pass_minutes(play, 1)
    play.conn.execute("delete from onceflow.schedule_run")
    play.conn.execute(
        "update onceflow.trigger set done_until = %s, due_at = onceflow.now(), turn = turn + 1",
        (NOON,),
    )
    turn(play)
    assert play.value("select count(*) from onceflow.instances") == 1
    assert runs(play) == [(1, "started")]


def test_what_lies_further_back_than_catch_up_is_missed_and_told(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    begin(play, overlap="allow", catch_up="3m")
    pass_minutes(play, 10)
    assert runs(play) == [(1, "missed"), *[(n, "started") for n in range(7, 11)]]
    assert play.row("select until, count from onceflow.schedule_runs where state = 'missed'") == (
        NOON + timedelta(minutes=6),
        6,
    )
    assert "has missed 6 planned times" in caplog.text


def test_of_a_long_time_away_not_all_is_counted_and_all_that_is_in_time_starts(play: Play) -> None:
    begin(play, every="1s", overlap="allow", catch_up="2m")
    set_time(play, NOON + timedelta(days=300))
    turn(play)
    assert play.row(
        "select until > %s, count from onceflow.schedule_runs where state = 'missed'",
        NOON + timedelta(days=299),
    ) == (True, None)
    assert play.value("select count(*) from onceflow.instances") == 121


def test_skip_starts_none_beside_another(play: Play) -> None:
    begin(play)
    pass_minutes(play, 1, 2, 4)
    assert runs(play) == [(1, "started"), (2, "skipped"), (3, "skipped"), (4, "skipped")]
    end(play, 1)
    pass_minutes(play, 5)
    assert runs(play)[-1] == (5, "started")


def test_instances_that_are_gone_are_not_under_way(play: Play) -> None:
    begin(play)
    pass_minutes(play, 1)
    with play.conn.transaction():
        for table in ("instance", "task", "task_log"):
            play.conn.execute(f"delete from onceflow.{table}")
    pass_minutes(play, 2)
    assert runs(play) == [(1, "started"), (2, "started")]


def test_an_input_that_fails_starts_nothing_and_is_told(
    play: Play, caplog: pytest.LogCaptureFixture
) -> None:
    begin(play, input={"x": "$.scheduled_at.day"})
    deploy(play, "other")
    pass_minutes(play, 1)
    assert play.rows(
        "select workflow, state, error ->> 'message' like '%%$.scheduled_at.day%%'"
        " from onceflow.schedule_runs order by 1"
    ) == [("other", "started", None), ("w", "refused", True)]
    assert "the schedule w/s started nothing for 2026-03-02T12:01:00+00:00" in caplog.text


def test_of_a_disabled_workflow_none_starts_and_it_is_told(play: Play) -> None:
    begin(play)
    calls.disable_workflows(play.conn, ["w"])
    pass_minutes(play, 1)
    calls.enable_workflows(play.conn, ["w"])
    pass_minutes(play, 2)
    assert runs(play) == [(1, "refused"), (2, "started")]
    assert play.value("select error ->> 'code' from onceflow.schedule_runs limit 1") == "disabled"


def test_one_that_plans_other_times_is_computed_anew_from_its_deploy(play: Play) -> None:
    begin(play, every="1h", overlap="allow")
    set_time(play, NOON + timedelta(minutes=30))
    due = calls.read_schedules(play.conn, 10)
    assert due == []
    deploy(play, every="10m", overlap="allow")
    pass_minutes(play, 60)
    assert runs(play) == [(40, "started"), (50, "started"), (60, "started")]


def test_what_was_read_of_the_plan_before_does_nothing(play: Play) -> None:
    begin(play, overlap="allow")
    set_time(play, NOON + timedelta(minutes=2))
    due = calls.read_schedules(play.conn, 10)
    turns = [(each, take_turn(each.plan, each.catch_up, each.done_until, each.now)) for each in due]
    deploy(play, every="1h")
    assert calls.fire_schedules(play.conn, turns) == []


def test_one_that_is_locked_holds_up_no_other(
    play: Play, open_conn: Callable[[], psycopg.Connection[Any]]
) -> None:
    begin(play)
    deploy(play, "other")
    turn(play)
    other = open_conn()
    with other.transaction():
        other.execute(
            "select from onceflow.trigger t join onceflow.workflow w on w.id = t.workflow_id"
            " where w.name = 'w' for update of t"
        )
        set_time(play, NOON + timedelta(minutes=1))
        fire_due_schedules(play.conn, 10, 0)
        assert play.rows("select workflow from onceflow.schedule_runs") == [("other",)]
    fire_due_schedules(play.conn, 10, 0)
    assert play.value("select count(*) from onceflow.schedule_runs") == 2


def test_the_last_thousand_runs_are_kept(play: Play) -> None:
    begin(play, kind="set", overlap="allow", catch_up="2d")
    play.conn.execute(
        "insert into onceflow.schedule_run (workflow_id, trigger, planned_at, cause, state, at)"
        " select t.workflow_id, 's', %s - n * interval '1 s', 'schedule', 'skipped', %s"
        " from onceflow.trigger t, generate_series(1, 1500) n",
        (NOON, NOON),
    )
    play.conn.execute("update onceflow.trigger set turn = 99")
    pass_minutes(play, 1)
    assert play.value("select count(*) from onceflow.schedule_runs") == 1000
    assert play.value("select max(planned_at) from onceflow.schedule_runs") == NOON + timedelta(
        minutes=1
    )
