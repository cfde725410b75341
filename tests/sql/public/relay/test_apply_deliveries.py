"""apply_deliveries"""

from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.calls.base import json_of

from ...core.waiting.support import WORK, begin, whole
from ...play import Play
from ...sessions import Sessions

STEP = {"id": "a", "wait_for": "x"}


def put(play: Play, instance: UUID, payload: Any = None, error: Any = None) -> None:
    """Send an answer to the task `a`, as a sender does who leaves it to the clock."""
    play.conn.execute(
        "insert into onceflow.delivery (instance_id, id, kind, payload, error, step, scope, visit,"
        " state, made_at) values (%s, nextval('onceflow.delivery_id'), 'event', %s, %s, 'a', 0, 0,"
        " 'sent', now())",
        (instance, _json(payload), _json(error)),
    )


def _json(value: Any) -> str | None:
    return None if value is None else json_of(value)


def sent(play: Play) -> list[str]:
    """Return the states of all that was sent, in order."""
    return [state for (state,) in play.rows("select state from onceflow.delivery order by id")]


# guarantee: delivery-first
def test_the_first_answer_ends_the_wait_and_what_comes_later_is_void(play: Play) -> None:
    instance = begin(play, STEP, {"id": "b", **WORK, "with": {"got": "$.steps.a.output"}})
    put(play, instance, 1)
    put(play, instance, 2)
    assert calls.apply_deliveries(play.conn, 10) == 2
    assert play.take(instance, "b").input == {"got": 1}
    put(play, instance, 3)
    assert calls.apply_deliveries(play.conn, 10) == 1
    assert sent(play) == ["taken", "void", "void"]
    assert calls.apply_deliveries(play.conn, 10) == 0
    assert whole(play)


def test_an_answer_that_is_an_error_fails_the_step(play: Play) -> None:
    instance = begin(play, STEP, on_failure="fail")
    put(play, instance, error={"code": "no", "message": "it did not"})
    calls.apply_deliveries(play.conn, 10)
    assert play.instance(instance, "state", "error ->> 'code'") == ("FAILED", "no")
    put(play, instance, 1)
    calls.apply_deliveries(play.conn, 10)
    assert sent(play) == ["taken", "void"]
    assert whole(play)


def test_the_oldest_first_and_what_is_passed_over_are_instances(play: Play) -> None:
    instances = [begin(play, STEP) for _ in range(3)]
    for instance in instances:
        put(play, instance, 1)
        put(play, instance, 2)
    assert calls.apply_deliveries(play.conn, 1, 1) == 2
    assert [play.state(each) for each in instances] == ["RUNNING", "SUCCEEDED", "RUNNING"]
    calls.apply_deliveries(play.conn, 1)
    assert [play.state(each) for each in instances] == ["SUCCEEDED", "SUCCEEDED", "RUNNING"]


def test_an_instance_that_another_holds_is_left_for_the_next_time(
    play: Play, sessions: Sessions
) -> None:
    held, free = begin(play, STEP), begin(play, STEP)
    holder = sessions()
    holder.begin(lambda conn: calls.suspend_instances(conn, [held]))
    put(play, held, 1)
    put(play, free, 1)
    assert calls.apply_deliveries(play.conn, 10) == 1
    assert play.state(free) == "SUCCEEDED"
    holder.commit()
    assert calls.apply_deliveries(play.conn, 10) == 1
    assert play.state(held) == "SUCCEEDED"


def test_of_two_that_call_it_one_works_and_the_other_returns_at_once(
    play: Play, sessions: Sessions
) -> None:
    instance = begin(play, STEP)
    put(play, instance, 1)
    clock = sessions()
    assert clock.begin(lambda conn: calls.apply_deliveries(conn, 10)) == 1
    assert calls.apply_deliveries(play.conn, 10) == 0
    clock.commit()
    assert play.log(instance, "a") == ["WAITING", "SUCCEEDED"]
