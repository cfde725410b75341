"""signal_with_start: an instance by its key, started or found, and a signal to it."""

from typing import Any
from uuid import UUID

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import SignalledStart, StartSignal
from onceflow.engine.calls.reads import json_rows
from onceflow.engine.calls.waiting import find_schema_at_start
from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import BadArgument

from ...core.waiting.support import whole
from ...play import Play

Json = Any
BASKET = {
    "name": "basket",
    "steps": [{"id": name, "wait_for": "add"} for name in ("first", "second")],
    "output": ["$.steps.first.output", "$.steps.second.output"],
}


def add(
    play: Play, payload: Json, key: str | None = None, given: Json = None, name: str = "add"
) -> SignalledStart:
    """Send a signal to the basket of a customer, which is started with it if there is none."""
    signal = StartSignal(name, payload, key)
    return calls.signal_with_start(play.conn, "basket", given or {}, "customer", signal)


@pytest.fixture(autouse=True)
def basket(play: Play) -> None:
    play.deploy(compile_definition(BASKET))


def test_the_first_starts_it_and_the_next_finds_it(play: Play) -> None:
    first, second = add(play, 1), add(play, 2)
    assert (first.started.outcome, second.started.outcome) == ("started", "exists")
    instance = first.started.instance_id
    assert second.started.instance_id == instance
    assert (first.started.state, second.started.state) == ("RUNNING", "SUCCEEDED")
    assert [each.sent and each.sent.task for each in (first, second)] == ["first", "second"]
    assert play.instance(instance, "output") == ([1, 2],)
    assert whole(play)


def test_a_repetition_sends_nothing_more(play: Play) -> None:
    add(play, 1, "k")
    again = add(play, 1, "k")
    assert again.started.outcome == "exists"
    assert again.sent
    assert again.sent.outcome == "repeated"
    assert play.value("select count(*) from onceflow.delivery") == 1


def test_one_that_has_ended_refuses_it(play: Play) -> None:
    instance = add(play, 1).started.instance_id
    calls.cancel_instances(play.conn, [instance])
    refused = add(play, 2)
    assert refused.started.outcome == "exists"
    assert refused.sent
    assert refused.sent.outcome == "ended"


def test_what_is_not_started_is_sent_nothing(play: Play) -> None:
    add(play, 1)
    other = add(play, 2, given={"another": "input"})
    assert (other.started.outcome, other.sent) == ("conflict", None)
    calls.disable_workflows(play.conn, ["basket"])
    signal = StartSignal("add")
    disabled = calls.signal_with_start(play.conn, "basket", {}, "another", signal)
    assert (disabled.started.outcome, disabled.sent) == ("disabled", None)
    assert play.value("select count(*) from onceflow.delivery") == 1


# guarantee: signal-without-start
def test_with_a_signal_that_is_none_nothing_is_started(play: Play) -> None:
    with pytest.raises(BadArgument, match="nothing was started"):
        add(play, 1, name="1st")
    assert play.value("select count(*) from onceflow.instance") == 0
    assert add(play, 1).started.outcome == "started"


def test_one_that_exists_tells_what_does_not_fit(play: Play) -> None:
    declared = {"add": {"type": "object", "required": ["n"]}}
    play.deploy(compile_definition({**BASKET, "signals": declared}))
    with pytest.raises(BadArgument, match=r"nothing was started: .*/payload/n"):
        add(play, {})
    assert play.value("select count(*) from onceflow.instance") == 0
    add(play, {"n": 1})
    unfit = add(play, {})
    assert unfit.started.outcome == "exists"
    assert unfit.sent
    assert unfit.sent.outcome == "invalid"
    assert [fault["place"] for fault in unfit.sent.faults or []] == ["/payload/n"]


def test_the_schema_is_that_of_the_version_that_runs(play: Play) -> None:
    number, text = ({"add": {"type": kind}} for kind in ("number", "string"))
    play.deploy(compile_definition({**BASKET, "signals": number}))
    instance = add(play, 1).started.instance_id
    play.deploy(compile_definition({**BASKET, "signals": text}))

    def asked(key: str | None, id: UUID | None = None) -> list[Json]:  # noqa: A002
        rows = json_rows(play.conn, find_schema_at_start("basket", 3, key, id, "add"))
        return [row["schema"]["type"] for row in rows]

    assert (asked("customer"), asked(None, instance)) == (["number"], ["number"])
    assert (asked("another"), asked(None)) == (["string"], ["string"])
    calls.cancel_instances(play.conn, [instance])
    assert asked("customer") == []
