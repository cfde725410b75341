"""Signals that a workflow declares: what may be written, and what it becomes."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of

SUM = {"type": "object", "properties": {"sum": {"type": "number"}}, "additionalProperties": False}


def waiting(signals: Json, *more: dict[str, Json], awaited: Json = "paid") -> dict[str, Any]:
    steps = [{"id": "a", "wait_for": awaited}, *more]
    return {"name": "w", "signals": signals, "steps": steps}


def test_each_is_kept_with_its_schema_and_what_is_checked_of_it() -> None:
    schema = {**SUM, "properties": {"sum": {"type": "string", "pattern": "^a"}}}
    kept = compile_definition(waiting({"paid": schema, "stop": None}))["signals"]
    assert kept["stop"] is None
    assert kept["paid"]["schema"] == schema
    assert kept["paid"]["checks"] is not None
    assert kept["paid"]["unchecked"] == ["/properties/sum/pattern"]


def test_without_them_any_name_may_be_waited_for() -> None:
    definition = waiting(None)
    del definition["signals"]
    assert compile_definition(definition)["signals"] is None


def test_an_event_needs_no_declaration() -> None:
    assert compile_definition(waiting({}, awaited={"event": "e", "key": "k"}))["signals"] == {}


@pytest.mark.parametrize(
    ("signals", "fault"),
    [
        (None, "/signals: must be an object of names"),
        (["paid"], "/signals: must be an object of names"),
        ({"paid": None, "1st": None}, "/signals/1st: must be a name"),
        ({"paid": "object"}, "/signals/paid: is no JSON Schema"),
        ({"paid": {"type": "objekt"}}, "/signals/paid/type: is no JSON Schema"),
        (dict.fromkeys([f"s{n}" for n in range(101)]), "/signals: declares more than 100"),
        (
            {"payd": None},
            "/steps/0/wait_for: there is no 'paid' among the `signals` of the workflow; "
            "did you mean 'payd'?",
        ),
    ],
)
def test_what_cannot_be_is_refused(signals: Json, fault: str) -> None:
    assert fault in faults_of(waiting(signals))[0]


def test_a_wait_in_a_block_is_looked_at_too() -> None:
    inner = {"id": "g", "steps": [{"id": "b", "wait_for": "other"}]}
    (fault,) = faults_of(waiting({"paid": None}, inner))
    assert fault.startswith("/steps/1/steps/0/wait_for: there is no 'other'")


def test_what_a_signal_gives_is_known_by_its_schema() -> None:
    wrong = {"id": "b", "set": "$.steps.a.output.total"}
    (fault,) = faults_of(waiting({"paid": SUM}, wrong))
    assert "$.steps.a.output has no 'total', it has sum" in fault
    compile_definition(waiting({"paid": None}, wrong))


def test_of_a_schema_with_references_nothing_is_said() -> None:
    referring = {"$ref": "#/$defs/sum", "$defs": {"sum": SUM}}
    compile_definition(waiting({"paid": referring}, {"id": "b", "set": "$.steps.a.output.total"}))
