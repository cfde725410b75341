"""Steps that wait for a time."""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import Key

from ...play import Play, cut_early, pass_time
from .support import WORK, begin, send, whole


# guarantee: sleep-until
@pytest.mark.parametrize(
    ("value", "given"),
    [
        ("5m", None),
        (300, None),
        ("$.input.for", {"for": 300}),
        ("$.input.for", {"for": "5m"}),
        ("${ $.input.for }m", {"for": 5}),
        ({"until": "2026-11-26T09:05:00+01:00"}, None),
        ({"until": "$.input.for"}, {"for": "2026-11-26T08:05:00Z"}),
    ],
)
def test_a_sleep_ends_at_its_time_and_not_before(play: Play, value: Any, given: Any) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(
        play,
        {"id": "a", "sleep": value},
        {"id": "b", **WORK},
        given=given,
        output=["$.steps.a.output"],
    )
    assert play.task(instance, "a", "state", "attempts", "due_at::text") == (
        "WAITING", 0, "2026-11-26 08:05:00+00",
    )  # fmt: skip
    assert whole(play)
    pass_time(play.conn, "4 minutes 59 seconds")
    play.tick()
    assert play.states(instance) == {"a": "WAITING"}
    pass_time(play.conn, "1 second")
    play.tick()
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "QUEUED"}
    assert play.log(instance, "a") == ["WAITING", "SUCCEEDED"]
    assert whole(play)
    play.complete(instance, "b")
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [None])


@pytest.mark.parametrize("value", [0, "0s", {"until": "1999-01-01T00:00:00Z"}])
def test_what_is_past_is_now(play: Play, value: Any) -> None:
    steps = {"until": "$.input.for.until"} if isinstance(value, dict) else "$.input.for"
    instance = begin(
        play, {"id": "a", "sleep": steps}, output=["$.steps.a.output"], given={"for": value}
    )
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", [None])
    assert play.log(instance, "a") == ["SUCCEEDED"]


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        "soon",
        "90",
        [],
        -5,
        "-1h",
        {"until": "2026-11-26"},
        1e300,
        "4000d",
        {"until": 7},
    ],
)
def test_a_value_that_is_no_time_fails_the_step_which_is_redriven_with_one(
    play: Play, value: Any
) -> None:
    steps = {"until": "$.input.for.until"} if isinstance(value, dict) else "$.input.for"
    instance = begin(play, {"id": "a", "sleep": steps}, given={"for": value}, on_failure="suspend")
    assert play.task(instance, "a", "state", "error ->> 'code'", "error ->> 'place'", "input") == (
        "DEAD_LETTER", "expression", "value", None,
    )  # fmt: skip
    (wrong,) = calls.redrive_dead_letters(play.conn, [Key(instance, "a")], ["later"])
    assert (wrong.outcome, "its expression failed" in wrong.detail) == ("refused", True)
    right = play.value("select to_json(onceflow.now() + interval '1 hour')")
    right = right if isinstance(value, dict) else "1h"
    calls.redrive_dead_letters(play.conn, [Key(instance, "a")], [right])
    expected = {"until": right} if isinstance(value, dict) else "1h"
    assert play.task(instance, "a", "state", "input") == ("WAITING", expected)
    assert whole(play)
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.state(instance) == "SUCCEEDED"


def test_a_closing_scope_ends_it_at_once(play: Play) -> None:
    instance = begin(
        play,
        {
            "id": "r",
            "race": {
                "a": [{"id": "nap", "sleep": "1h"}],
                "b": [{"id": "paid", "wait_for": "paid"}],
            },
        },
        output="$.steps.r.output.winner",
    )
    assert send(play, instance, "paid").task == "paid/2"
    assert play.states(instance) == {"r": "SUCCEEDED", "nap/1": "CANCELLED", "paid/2": "SUCCEEDED"}
    assert play.instance(instance, "state", "output") == ("SUCCEEDED", "b")
    assert whole(play)


def test_a_cancel_ends_it_at_once(play: Play) -> None:
    instance = begin(play, {"id": "a", "sleep": "1h"})
    calls.cancel_instances(play.conn, [instance])
    assert (play.state(instance), play.state(instance, "a")) == ("CANCELLED", "CANCELLED")
    pass_time(play.conn, "1 hour")
    play.tick()
    assert whole(play)


def test_a_hold_stops_no_clock_and_what_comes_due_behind_is_held(play: Play) -> None:
    instance = begin(play, {"id": "a", "sleep": "1h"}, {"id": "b", **WORK})
    calls.suspend_instances(play.conn, [instance])
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.states(instance) == {"a": "SUCCEEDED", "b": "READY"}


def test_first_steps_that_wait_for_their_start_then_sleep(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock(now())")
    begin(play, {"id": "a", "sleep": "1h"})
    (started,) = calls.start_instances(
        play.conn, "flow", [{}], start_at=[play.value("select onceflow.now() + interval '1 hour'")]
    )
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.task(started.instance_id, "a", "state", "due_at > onceflow.now()") == (
        "WAITING", True,
    )  # fmt: skip
    assert whole(play)
    pass_time(play.conn, "1 hour")
    play.tick()
    assert play.state(started.instance_id) == "SUCCEEDED"


def test_what_a_cut_has_left_is_made_once(play: Play) -> None:
    sets = [{"id": f"s{n}", "set": n} for n in range(3)]
    with cut_early(play.conn):
        instance = begin(play, *sets, {"id": "a", "sleep": "1h"}, {"id": "b", "sleep": "1h"})
        for _ in range(6):
            play.tick()
        assert play.task(instance, "a", "state", "input") == ("WAITING", 3600)
        for _ in range(2):
            pass_time(play.conn, "1 hour")
            for _ in range(6):
                play.tick()
    assert play.state(instance) == "SUCCEEDED"
    assert whole(play)


def test_explained_it_tells_until_when(play: Play) -> None:
    play.conn.execute("select onceflow.set_clock('2026-11-26T08:00:00Z')")
    instance = begin(play, {"id": "a", "sleep": "1h"})
    (because,) = (b for b in calls.explain_instance(play.conn, instance) if b.task)
    assert because.because == "sleeps until 2026-11-26T09:00:00.000Z"
    pass_time(play.conn, "1 hour")
    (because,) = (b for b in calls.explain_instance(play.conn, instance) if b.task)
    assert "the clock has to see to it" in because.because
