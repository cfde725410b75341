"""Waiting: until a time, a signal or an event, whichever way out comes first."""

from datetime import timedelta

import pytest

from .interpreter import Machine
from .model import BEGAN, Signal
from .support import Case, Json, block, caught, each, given, task


def sleep(name: str, how: Json, **more: Json) -> Json:
    return {"id": name, "sleep": how, **more}


def wait(name: str, signal: str = "s", **more: Json) -> Json:
    return {"id": name, "wait_for": signal, **more}


def event(name: str, key: Json = "k", keep: float = 86_400, **more: Json) -> Json:
    return {"id": name, "wait_for": {"event": "e", "key": key, "keep": keep}, **more}


def sent(case: Machine, payload: Json = None, name: str = "s", key: str | None = None) -> str:
    (answer,) = case.signal(Signal(name, payload, key))
    return answer


@pytest.mark.parametrize("step", [sleep("w", 5), sleep("w", 0), wait("w"), event("w")])
def test_what_comes_due_under_a_hold_begins_with_the_resume(step: Json) -> None:
    case = Case(task("a"), step)
    case.take("a")
    case.suspend()
    case.done("a")
    assert (case.state("w"), case.timers(), case.waits()) == ("READY", [], {})
    sent(case)
    case.send_event("e", "k", None, "1")
    case.tick(9)
    assert case.state("w") == "READY"
    case.resume()
    if step.get("sleep") == 5:
        assert case.timers() == [14]
    else:
        assert case.end().state == "SUCCEEDED"


# Sleep


@pytest.mark.parametrize("how", [5, "5s", "$.input.wait", "$.input.text"])
def test_a_sleep_waits_until_its_time_and_gives_null(how: Json) -> None:
    case = Case(sleep("a", how), task("b"), given={"wait": 5, "text": "5s"})
    assert case.timers() == [5]
    case.tick(4)
    assert case.state("a") == "WAITING"
    case.tick(5)
    assert case.states() == {"a": "SUCCEEDED", "b": "QUEUED"}
    assert case.output("a") is None


def test_a_time_with_a_zone_may_be_slept_until_and_one_that_is_past_is_now() -> None:
    at = (BEGAN + timedelta(seconds=7)).isoformat()
    case = Case(sleep("a", {"until": "$.input"}), given=at)
    assert case.timers() == [7]
    case = Case(sleep("a", {"until": "2025-01-01T00:00:00Z"}), sleep("b", 0), task("c"))
    assert case.states() == {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "QUEUED"}


@pytest.mark.parametrize(
    ("how", "value"),
    [
        ("$.input", None),
        ("$.input", True),
        ("$.input", "soon"),
        ("$.input", -1),
        ("$.input", 11 * 366 * 86_400),
        ({"until": "$.input"}, 5),
        ({"until": "$.input"}, "2026-01-01T00:00:00"),
        ({"until": "$.input"}, "2046-01-01T00:00:00Z"),
    ],
)
def test_what_is_no_time_fails_the_step_and_is_redriven_with_one(how: Json, value: Json) -> None:
    case = Case(sleep("a", how, on_failure="suspend"), task("b"), given=value)
    assert case.dead_letters() == ["a"]
    if value != 5:
        assert case.redrive("a", value) == "refused"
    ahead = (BEGAN + timedelta(seconds=3)).isoformat()
    assert case.redrive("a", ahead if isinstance(how, dict) else 3) == "done"
    assert case.state("a") == "WAITING"
    case.tick(3)
    assert case.due() == ["b"]


def test_what_closes_ends_a_wait_at_once() -> None:
    branches = {"p": [sleep("a", 9)], "q": [wait("b")], "r": [task("c")]}
    case = Case(block("x", "race", branches), task("d"))
    case.done("x[2]/c")
    assert case.state("x[0]/a") == case.state("x[1]/b") == "CANCELLED"
    assert case.due() == ["d"]
    case = Case(sleep("a", 9))
    case.cancel()
    assert case.end().state == "CANCELLED"


def test_a_hold_stops_neither_clock_nor_signals_and_what_follows_is_ready() -> None:
    lists = [[sleep("a", 3), task("b")], [wait("c"), task("d")]]
    case = Case(block("x", "parallel", {"p": lists[0], "q": lists[1]}))
    case.suspend()
    case.tick(3)
    assert sent(case) == "accepted"
    assert case.state("x[0]/b") == case.state("x[1]/d") == "READY"


# Signals


def test_a_signal_ends_the_wait_and_is_what_the_step_gives() -> None:
    case = Case(wait("a"), given("b", "$.steps.a.output.v"))
    assert sent(case, {"v": 7}) == "accepted"
    assert case.end()[:2] == ("SUCCEEDED", None)
    assert case.output("b") == 7


def test_sent_early_it_is_kept_and_the_oldest_is_taken_at_once() -> None:
    case = Case(task("a"), wait("b"), wait("c"), wait("d"))
    for n in range(2):
        sent(case, n)
    sent(case, name="other")
    case.done("a")
    assert [case.output(path) for path in ("b", "c")] == [0, 1]
    assert case.kept() == [("other", None)]
    assert case.waits() == {"d": ("s", None)}


def test_of_several_that_wait_that_which_began_first_gets_it_then_by_step() -> None:
    late = [sleep("l", 1), wait("a", "t")]
    case = Case(block("x", "parallel", {"p": late, "q": [wait("b", "t")], "r": [wait("c", "t")]}))
    case.tick(1)
    for n in range(3):
        sent(case, n, "t")
    assert [case.output(path) for path in ("x[1]/b", "x[2]/c", "x[0]/a")] == [0, 1, 2]


def test_signals_of_one_call_end_waits_together() -> None:
    case = Case(block("x", "race", {"p": [wait("a", "s")], "q": [wait("b", "t")]}))
    case.signal(Signal("t", 1), Signal("s", 2))
    assert case.output("x") == {"winner": "p", "output": 2}


def test_a_key_makes_a_repeat_harmless_though_the_instance_has_ended() -> None:
    case = Case(task("a"), wait("b"))
    assert sent(case, 1, key="k") == "accepted"
    assert sent(case, 1, key="k") == "repeated"
    assert sent(case, 2, key="k") == "conflict"
    assert sent(case, 1, "t", key="k") == "conflict"
    assert case.kept() == [("s", 1)]
    case.done("a")
    assert case.end().state == "SUCCEEDED"
    assert sent(case, 1, key="k") == "repeated"
    assert sent(case, 1, key="other") == "ended"


def test_what_closes_or_has_ended_takes_no_signal() -> None:
    case = Case(task("a", undo=True), wait("b"))
    case.done("a")
    case.cancel()
    assert case.end().state == "COMPENSATING"
    assert sent(case) == "ended"


def test_where_signals_are_declared_no_other_is_taken() -> None:
    case = Case(wait("a"), signals={"s": None})
    assert sent(case, name="t") == "invalid"
    assert sent(case) == "accepted"
    assert sent(Case(wait("a")), name="1") == "invalid"


def test_an_instance_keeps_a_thousand_signals() -> None:
    case = Case(task("a"))
    assert set(case.signal(*[Signal("s")] * 1000)) == {"accepted"}
    assert sent(case) == "full"


def test_a_timeout_fails_the_step_and_is_not_redriven() -> None:
    case = Case(caught(wait("a", timeout=3)))
    case.tick(3)
    assert case.states() == {"x": "WAITING", "x[0]/a": "FAILED", "x[1]/c": "QUEUED"}
    case = Case(wait("a", timeout=3, on_failure="continue", default=5), given("b", 1))
    case.tick(3)
    assert case.output("a") == 5
    case = Case(wait("a", timeout=3, on_failure="suspend"))
    case.tick(3)
    assert case.redrive("a", 1) == "refused"
    assert sent(case) == "accepted"
    assert case.kept() == [("s", None)]
    assert case.skip("a", 4) == "done"
    assert case.end().state == "SUCCEEDED"


def test_a_mailbox_takes_signals_one_by_one() -> None:
    case = Case(
        block(
            "x",
            "repeat",
            [wait("a"), given("b", "$.steps.a.output")],
            until="$.steps.b.output == 3",
        )
    )
    case.signal(Signal("s", 1), Signal("s", 2))
    assert [case.output(f"x[{n}]/b") for n in range(2)] == [1, 2]
    sent(case, 3)
    assert case.output("x") == 3


# Events


def test_all_that_wait_for_an_event_get_it() -> None:
    case = Case(each("x", ["k", "k", "j"], event("a", "$.item")), event("b"))
    assert case.send_event("e", "k", 1, "1") == "sent"
    assert [case.state(f"x[{n}]/a") for n in range(3)] == ["SUCCEEDED", "SUCCEEDED", "WAITING"]
    assert case.waits() == {"x[2]/a": ("e", "j")}


@pytest.mark.parametrize(("key", "text"), [(2, "2"), (True, "true"), ("a", "a"), (1.5, "1.5")])
def test_a_number_or_a_boolean_is_its_text_as_a_key(key: Json, text: str) -> None:
    case = Case(event("a", "$.input"), given=key)
    case.send_event("e", text, 1, "1")
    assert case.end().state == "SUCCEEDED"


@pytest.mark.parametrize("key", [None, [1], {}])
def test_another_key_fails_the_step_and_is_redriven_with_one(key: Json) -> None:
    case = Case(event("a", "$.input.k", on_failure="suspend"), given={"k": key})
    case.send_event("e", "k", 7, "1")
    assert case.redrive("a", key) == "refused"
    assert case.redrive("a", "k") == "done"
    assert case.output("a") == 7


def test_one_that_begins_to_wait_takes_the_oldest_event_that_is_young_enough() -> None:
    case = Case(task("a"), event("b", keep=5), task("c"))
    for now, number in ((1, "1"), (3, "2"), (4, "3")):
        case.tick(now)
        case.send_event("e", "k", number, number)
    case.tick(7)
    case.done("a")
    assert case.output("b") == "2"


def test_kept_for_no_time_it_is_not_taken() -> None:
    case = Case(task("a"), event("b", keep=0))
    case.send_event("e", "k", 1, "1")
    case.done("a")
    assert case.state("b") == "WAITING"


def test_a_step_takes_an_event_once_and_another_step_takes_it_too() -> None:
    case = Case(block("x", "repeat", [event("a")], until=False, limit=3), event("b"))
    case.send_event("e", "k", 1, "1")
    assert case.state("x[1]/a") == "WAITING"
    assert case.send_event("e", "k", 1, "1") == "repeated"
    case.send_event("e", "k", 2, "2")
    assert case.state("x[2]/a") == "WAITING"
    case = Case(event("a"), event("b"))
    case.send_event("e", "k", 1, "1")
    assert case.end().state == "SUCCEEDED"


def test_what_begins_together_takes_what_is_kept_together() -> None:
    case = Case(task("t"), each("x", [1, 2], event("a")))
    case.send_event("e", "k", 1, "1")
    case.done("t")
    assert case.end().state == "SUCCEEDED"
