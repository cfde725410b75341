"""What cannot be undone is asked before: at a terminal by a question, elsewhere by ``--yes``."""

import pytest

from onceflow.engine.calls import start_instances

from ....api.hand_worker import HandWorker
from ....conftest import Connect
from ..conftest import Onceflow
from .terminal import at_terminal


@pytest.fixture
def dead(worker: HandWorker, order: str) -> str:
    """An open dead letter."""
    worker.complete(order, {})
    worker.fail(order, "card.refused")
    return f"{order}/pay"


def state(onceflow: Onceflow, instance: str) -> str:
    return onceflow("show", instance, "--json").json["status"]


@pytest.mark.parametrize(("answer", "code", "found"), [("n\n", 1, "RUNNING"), ("\n", 1, "RUNNING")])
def test_whoever_does_not_say_yes_changes_nothing(
    onceflow: Onceflow, order: str, answer: str, code: int, found: str
) -> None:
    shown = at_terminal("cancel", order, answer=answer)
    assert (shown.code, state(onceflow, order)) == (code, found)
    assert f"  {order}\nCancel this instance? [y/N] " in shown.text
    assert "onceflow cancel: nothing was changed" in shown.text


def test_whoever_says_yes_cancels(onceflow: Onceflow, order: str) -> None:
    shown = at_terminal("cancel", order, answer="y\n")
    assert (shown.code, state(onceflow, order)) == (0, "CANCELLED")
    assert f"{order}  done" in shown.text


@pytest.mark.parametrize("action", ["skip", "discard"])
def test_dead_letters_are_named_and_decided(onceflow: Onceflow, dead: str, action: str) -> None:
    asked = at_terminal("dead-letters", action, "--all", answer="no\n")
    assert asked.code == 1
    assert f"  {dead}\n{action.capitalize()} this dead letter? [y/N] " in asked.text
    assert len(onceflow("dead-letters", "list", "--json").json["items"]) == 1
    assert at_terminal("dead-letters", action, "--all", answer="yes\n").code == 0
    assert onceflow("dead-letters", "list", "--json").json["items"] == []


def test_of_many_some_are_named(worker: HandWorker, onceflow: Onceflow, connect: Connect) -> None:
    started = start_instances(connect(), "order", [{"customer": "x"}] * 12)
    ids = [str(one.instance_id) for one in started]
    shown = at_terminal("cancel", *ids, answer="n\n")
    assert sum(one in shown.text for one in ids) == 10
    assert "and 2 more\nCancel these 12 instances? [y/N] " in shown.text


@pytest.mark.parametrize("words", [["cancel"], ["dead-letters", "discard"]])
def test_a_script_is_not_kept_waiting(onceflow: Onceflow, dead: str, words: list[str]) -> None:
    named = dead if len(words) > 1 else dead.partition("/")[0]
    refused = onceflow(*words, named)
    assert refused.code == 1
    assert "nothing was changed (give --yes)" in refused.err
    assert state(onceflow, dead.partition("/")[0]) == "RUNNING"
    assert onceflow(*words, named, "--yes").code == 0
    assert state(onceflow, dead.partition("/")[0]) != "RUNNING"


def test_nothing_is_asked_where_nothing_matches(onceflow: Onceflow, worker: HandWorker) -> None:
    done = onceflow("dead-letters", "discard", "--all")
    assert (done.code, done.out) == (0, "no open dead letter matches\n")
