"""begin_instances"""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from onceflow.engine import calls

from ...play import Play, pass_time
from ...workflows import Step, sequence, workflow

NOTHING: dict[str, Any] = {}


def start_later(play: Play, *minutes: int) -> list[UUID]:
    """Start an instance of ``flow`` for each of these times."""
    pass_time(play.conn, "0 s")
    now: datetime = play.value("select onceflow.now()").astimezone(UTC)
    times = [now + timedelta(minutes=one) for one in minutes]
    started = calls.start_instances(play.conn, "flow", [NOTHING] * len(times), start_at=times)
    return [one.instance_id for one in started]


def test_the_earliest_are_begun_first_and_as_many_as_are_asked_for(play: Play) -> None:
    play.deploy(sequence("a", "b"))
    third, first, second, later = start_later(play, 3, 1, 2, 90)
    assert calls.begin_instances(play.conn, 10) == 0
    pass_time(play.conn, "1 hour")
    assert calls.begin_instances(play.conn, 1) == 1
    assert [play.state(one, "a") for one in (first, second)] == ["QUEUED", "WAITING"]
    assert calls.begin_instances(play.conn, 1, 1) == 1
    assert [play.state(one, "a") for one in (second, third)] == ["WAITING", "QUEUED"]
    assert [calls.begin_instances(play.conn, 5) for _ in range(2)] == [1, 0]
    assert [play.state(one, "a") for one in (second, later)] == ["QUEUED", "WAITING"]


def test_timers_leave_them_alone_and_they_leave_timers_alone(play: Play) -> None:
    play.deploy(sequence("a"))
    (started,) = start_later(play, 1)
    play.deploy(workflow(Step("a", timeout=60), name="other"))
    retried, timed_out = play.start("other"), play.start("other")
    play.fail(retried, "a", retryable=True)
    play.take(timed_out, "a")
    pass_time(play.conn, "1 hour")
    assert calls.begin_instances(play.conn, 10) == 1
    assert [play.state(one, "a") for one in (retried, timed_out)] == ["RETRYING", "RUNNING"]
    (waiting,) = start_later(play, 1)
    pass_time(play.conn, "1 minute")
    assert calls.fire_timers(play.conn, 10) == calls.Fired(1, 1)
    assert [play.state(one, "a") for one in (started, waiting)] == ["QUEUED", "WAITING"]


def test_one_that_somebody_holds_is_left_for_the_next_time(
    play: Play, open_conn: Callable[[], psycopg.Connection[Any]]
) -> None:
    play.deploy(sequence("a"))
    held, free = start_later(play, 1, 1)
    pass_time(play.conn, "1 hour")
    other = open_conn()
    with other.transaction():
        other.execute("select from onceflow.instance where id = %s for update", (held,))
        assert calls.begin_instances(play.conn, 10) == 1
    assert [play.state(one, "a") for one in (held, free)] == ["WAITING", "QUEUED"]
    assert calls.begin_instances(play.conn, 10) == 1


def test_of_a_suspended_instance_it_is_held(play: Play) -> None:
    play.deploy(sequence("a"))
    (started,) = start_later(play, 1)
    calls.suspend_instances(play.conn, [started])
    pass_time(play.conn, "1 hour")
    assert calls.begin_instances(play.conn, 10) == 1
    assert play.state(started, "a") == "READY"
    calls.resume_instances(play.conn, [started])
    assert play.state(started, "a") == "QUEUED"
