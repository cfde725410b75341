"""docs/patterns.md: the patterns of what happens outside, by signals, events and times."""

from typing import Any

import pytest

from onceflow.engine import calls
from onceflow.engine.calls import NamedEvent, Signal

from ..rehearsal import Hangs, Rehearsal, Stage
from .test_patterns import begin, raising

Json = Any


def work(run: Rehearsal) -> None:
    """Carry out all that is due, and let no time pass."""
    while run.step(together=9):
        pass


def signal(run: Rehearsal, name: str, *payloads: Json) -> None:
    signals = [Signal(run.id, name, payload) for payload in payloads or [None]]
    assert {sent.outcome for sent in calls.send_signals(run.conn, signals)} == {"accepted"}


def event(run: Rehearsal, name: str, key: str) -> None:
    calls.send_events(run.conn, [NamedEvent(name, key)])
    calls.apply_deliveries(run.conn, 100)


@pytest.mark.parametrize(
    ("called", "follows"), [(True, "customer.talk"), (False, "manager.review")]
)
def test_a_deferred_choice(stage: Stage, called: bool, follows: str) -> None:
    run = begin(stage, "wcp-16")
    if called:
        signal(run, "called")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == [follows]


def test_a_transient_trigger(stage: Stage) -> None:
    run = begin(stage, "wcp-23", {"pump": "P-7"})
    event(run, "pump.pressure", "P-7")
    work(run)
    assert run.names() == ["pump.start"]
    event(run, "pump.pressure", "P-7")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["pump.start", "pump.stop"]


def test_a_persistent_trigger(stage: Stage) -> None:
    run = begin(stage, "wcp-24")
    signal(run, "released")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["shipment.prepare", "shipment.send"]


def test_a_cancelled_region(stage: Stage) -> None:
    run = begin(stage, "wcp-25", None, {"claim.visit": raising(Hangs())})
    work(run)
    signal(run, "withdrawn")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["claim.assess", "claim.visit", "claim.close", "claim.forget"]


def test_items_that_are_cancelled_together(stage: Stage) -> None:
    run = begin(stage, "wcp-26", {"places": ["wood", "lake"]}, {"person.search": raising(Hangs())})
    work(run)
    signal(run, "found")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["person.search", "person.search", "search.close"]


def test_items_of_which_those_that_are_done_count(stage: Stage) -> None:
    def review(given: Json) -> Json:
        if given["by"] != "Ada":
            raise Hangs
        return "good"

    given = {"reviewers": ["Ada", "Bo", "Cy"]}
    run = begin(stage, "wcp-27", given, {"paper.review": review})
    work(run)
    event(run, "review.enough", str(run.id))
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == [*["paper.review"] * 3, "paper.decide"]
    winners = run.conn.execute(
        "select output ->> 'winner' from onceflow.tasks where instance_id = %s and step = 'one'"
        " order by scope",
        (run.id,),
    ).fetchall()
    assert [winner for (winner,) in winners] == ["review", "enough", "enough"]


def test_a_dynamic_partial_join(stage: Stage) -> None:
    run = begin(stage, "wcp-36", {"needed": 2})
    signal(run, "vote", "Ada")
    work(run)
    assert run.names() == []
    signal(run, "vote", "Bo", "Cy")
    assert run.play()[0] == "SUCCEEDED"
    assert run.names() == ["board.decide"]
