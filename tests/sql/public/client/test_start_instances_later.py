"""start_instances at a later time"""

from datetime import datetime, timedelta
from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument
from onceflow.engine.ids import make_ids

from ...play import Play, pass_time, take_messages
from ...workflows import Step, path, sequence, workflow

NOTHING: dict[str, Any] = {}


def later(play: Play, minutes: float) -> datetime:
    """Return a time from now, by the clock of the timers."""
    return play.value("select onceflow.now()") + timedelta(minutes=minutes)


def test_first_steps_come_due_at_the_start_time_and_not_before(play: Play) -> None:
    play.deploy(workflow(Step("a", input=path("$.input.n")), Step("b"), Step("c", ("a", "b"))))
    pass_time(play.conn, "0 s")
    at = later(play, 10)
    (started,) = calls.start_instances(play.conn, "flow", [{"n": 7}], start_at=[at])
    instance = started.instance_id
    assert (started.outcome, started.state) == ("started", "RUNNING")
    assert play.states(instance) == {"a": "WAITING", "b": "WAITING"}
    assert play.task(instance, "a", "due_at", "input") == (at, None)
    assert play.instance(instance, "start_at", "open_tasks") == (at, 2)
    assert take_messages(play.conn) == []
    reasons = calls.explain_instance(play.conn, instance)
    assert reasons[0].because.startswith("starts at 2")
    assert reasons[-1].because.startswith("waits until 2")
    assert reasons[-1].because.endswith(", when its instance starts")
    pass_time(play.conn, "9 min 59 s")
    assert play.tick().retried == 0
    pass_time(play.conn, "1 s")
    reasons = calls.explain_instance(play.conn, instance)
    assert reasons[-1].because.startswith("it was to begin at 2")
    assert play.tick().retried == 2
    assert play.states(instance) == {"a": "QUEUED", "b": "QUEUED"}
    assert play.task(instance, "a", "due_at", "input") == (None, 7)
    assert play.log(instance, "a") == ["WAITING", "QUEUED"]
    play.complete(instance, "a", "b", "c")
    assert play.state(instance) == "SUCCEEDED"


def test_what_stands_in_a_block_does_not_begin_with_the_instance(play: Play) -> None:
    undo = {"task": "undo"}
    inside = {"id": "x", "steps": [{"id": "b", "task": "work", "compensate": undo}]}
    steps = [{"id": "a", "task": "work"}, inside]
    play.deploy(compile_definition({"name": "flow", "steps": steps}))
    at = later(play, 10)
    (started,) = calls.start_instances(play.conn, "flow", [NOTHING], start_at=[at])
    assert play.states(started.instance_id) == {"a": "WAITING"}


def test_items_of_one_call_start_each_at_its_time(play: Play) -> None:
    play.deploy(sequence("a"))
    times = [None, later(play, 10), later(play, -10)]
    started = calls.start_instances(play.conn, "flow", [NOTHING] * 3, start_at=times)
    states = [play.state(s.instance_id, "a") for s in started]
    assert states == ["QUEUED", "WAITING", "QUEUED"]
    assert [play.instance(s.instance_id, "start_at")[0] for s in started] == [None, times[1], None]


def test_a_deadline_counts_from_the_start_time(play: Play) -> None:
    play.deploy(sequence("a", deadline=60))
    pass_time(play.conn, "0 s")
    at = later(play, 10)
    (started,) = calls.start_instances(play.conn, "flow", [{}], start_at=[at])
    assert play.instance(started.instance_id, "deadline_at") == (at + timedelta(minutes=1),)


def test_what_is_to_start_later_is_cancelled_suspended_and_found_by_its_key(play: Play) -> None:
    play.deploy(sequence("a"))
    at = later(play, 10)
    first, second = calls.start_instances(
        play.conn, "flow", [{}, {}], ["k", None], start_at=[at, at]
    )
    (again,) = calls.start_instances(play.conn, "flow", [{}], ["k"])
    assert (again.found, again.outcome) == (first.found, "exists")
    calls.cancel_instances(play.conn, [first.instance_id])
    assert play.state(first.instance_id) == "CANCELLED"
    calls.suspend_instances(play.conn, [second.instance_id])
    pass_time(play.conn, "10 min")
    play.tick()
    assert play.state(second.instance_id, "a") == "READY"
    calls.resume_instances(play.conn, [second.instance_id])
    assert play.state(second.instance_id, "a") == "QUEUED"


def test_an_expression_that_fails_at_the_start_time_fails_its_own_instance(play: Play) -> None:
    play.deploy(workflow(Step("a", input=path("$.input.n"))))
    at = later(play, 10)
    good, bad = calls.start_instances(play.conn, "flow", [{"n": 1}, {}], start_at=[at, at])
    pass_time(play.conn, "10 min")
    play.tick()
    assert play.state(good.instance_id, "a") == "QUEUED"
    assert play.state(bad.instance_id) == "COMPENSATED"


def test_a_start_time_that_is_none_is_invalid_for_its_item_alone(play: Play) -> None:
    play.deploy(sequence("a"))
    rows = play.rows(
        "select outcome, error ->> 'code' from onceflow.start_instances('flow',"
        " array['{}', '{}', '{}', '{}']::jsonb[], p_start_at => array['infinity', now(),"
        " now() + interval '11 years', '-infinity']::timestamptz[]) order by ordinal"
    )
    wrong = ("invalid", "invalid_start_at")
    assert rows == [wrong, ("started", None), wrong, ("started", None)]
    with pytest.raises(BadArgument, match="inputs and start times differ in number: 1 and 2"):
        calls.start_instances(play.conn, "flow", [{}], start_at=[None, None])
    with pytest.raises(BadArgument, match="has no offset from UTC"):
        calls.start_instances(play.conn, "flow", [{}], start_at=[datetime(2030, 1, 31)])  # noqa: DTZ001


def test_a_start_that_is_repeated_waits_once(play: Play) -> None:
    play.deploy(sequence("a"))
    ids = make_ids(1)
    for outcome in ("started", "exists"):
        (answer,) = calls.start_instances(
            play.conn, "flow", [{}], ids=ids, start_at=[later(play, 10)]
        )
        assert answer.outcome == outcome
    assert play.value("select count(*) from onceflow.tasks") == 1


def test_an_id_that_stands_twice_starts_at_the_time_of_the_item_that_started_it(play: Play) -> None:
    play.deploy(sequence("a"))
    calls.start_instances(play.conn, "flow", [{}], ["taken"])
    ids, times = make_ids(1) * 3, [later(play, minutes) for minutes in (10, 20, 30)]
    found = calls.start_instances(
        play.conn, "flow", [{}, {"n": 1}, {"n": 1}], ["taken", None, None], ids=ids, start_at=times
    )
    assert [item.outcome for item in found] == ["exists", "started", "exists"]
    assert [item.instance_id == ids[0] for item in found] == [False, True, True]
    assert play.instance(ids[0], "start_at", "input") == (times[1], {"n": 1})
    assert play.task(ids[0], "a", "due_at") == (times[1],)
