"""Each difference between what is specified and the engine of today is one, and is known."""

from dataclasses import fields, replace
from typing import Any

import pytest

from onceflow.engine.definition import compile_definition

from ..sql.play import Connection
from .cases.actions import Action, Claim, Complete, Redrive
from .cases.drawing import INPUT
from .cases.engine_harness import Engine, Hand, Pair
from .model import PAGE, TODAY, Rules

Json = Any


def work(name: str, *needs: str, **more: Json) -> Json:
    undo: Json = {"task": "undo", "retry": {"attempts": 1}}
    return {"id": name, "task": "work", "needs": list(needs), "compensate": undo, **more}


CASES: dict[str, tuple[list[Json], list[Action], Json]] = {
    "redrives_values": (
        [{"id": "a", "set": "$.input.missing", "on_failure": "suspend"}],
        [Redrive("a", 1)],
        {},
    ),
    "output_waits": (
        [work("a")],
        [Claim(("a",)), Complete((("a", 1),))],
        {"output": "$.steps.a.output.none"},
    ),
}


def test_all_differences_are_shown() -> None:
    assert set(CASES) == {field.name for field in fields(Rules)}


@pytest.mark.parametrize("difference", CASES)
def test_it_is_what_the_engine_does_and_not_what_is_specified(
    conn: Connection, worker: Hand, difference: str
) -> None:
    steps, script, more = CASES[difference]
    document: Json = {"name": "flow", "steps": steps, **more}

    def play(rules: Rules) -> None:
        pair = Pair(Engine(conn, worker, compile_definition(document)), document, INPUT, rules)
        for action in script:
            pair.apply(action)

    play(TODAY)
    with pytest.raises(AssertionError):
        play(replace(TODAY, **{difference: getattr(PAGE, difference)}))
