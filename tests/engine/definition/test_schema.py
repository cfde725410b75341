"""The published JSON Schema: equal to the code, and of one mind with the compiler."""

import json
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from onceflow.engine.definition import compile_definition, json_schema
from onceflow.engine.errors import DefinitionError

from .support import workflow
from .test_blocks import block, task

VALIDATOR: Any = Draft202012Validator(json_schema())


def test_the_published_file_is_what_the_code_gives() -> None:
    text = (files("onceflow.engine.definition") / "workflow.schema.json").read_text()
    assert text == json.dumps(json_schema(), indent=2) + "\n", (
        "write it again: python -m onceflow.engine.definition.schema"
    )


def test_it_is_a_json_schema() -> None:
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize(
    ("definition", "right"),
    [
        (workflow({"id": "a"}), True),
        (workflow({"id": "a", "with": "$.input", "when": "$.input.x"}), True),
        (workflow({"id": "a", "timeout": "1h30m", "retry": {"backoff": 2, "max": "1m"}}), True),
        (workflow({"id": "a", "compensate": {"task": "u", "queue": "q"}}, output="x"), True),
        (workflow({"id": "a", "retry": {"non_retryable": ["http.4*"]}}), True),
        (block(steps=[task("a")], output="x", undo=False, timeout="1h"), True),
        (block(switch=[{"when": "$.input.x", "steps": [task("a")]}], **{"else": []}), True),
        (block(parallel=[task("a"), task("b")], join=1), True),
        (block(parallel={"a": [task("b")]}, tolerate=1), True),
        (block(race={"a": [{"id": "b", "steps": [task("c")]}]}), True),
        (block(for_each=[1], steps=[task("a")], tolerate="2.5%", **{"as": "n"}), True),
        (block(for_each="$.input", steps=[task("a")], max_parallel=9, tolerate=9), True),
        (workflow({"id": "1"}), False),
        (block(steps=[]), False),
        (block(steps=[{"id": "a", "steps": [{"id": "b", "steps": [task("c", queue=1)]}]}]), False),
        (block(steps=[task("a")], retry={}), False),
        (block(steps=[task("a")], on_failure="fail"), False),
        (block(switch=[]), False),
        (block(switch=[{"steps": [task("a")]}]), False),
        (block(parallel={}), False),
        (block(parallel={"1": [task("a")]}), False),
        (block(race=[task("a")], join=1), False),
        (block(for_each="items", steps=[task("a")]), False),
        (block(for_each=[1], steps=[task("a")], tolerate="x"), False),
        (block(for_each=[1], steps=[task("a")], join=0), False),
        (block(for_each=[1], steps=[task("a")], **{"as": "a-b"}), False),
        (workflow({"id": "a", "map": {}}), False),
        (workflow({"id": "a", "timeout": "x"}), False),
        (workflow({"id": "a", "timeout": 0}), False),
        (workflow({"id": "a", "start_timeout": "1m", "total_timeout": 3600}), True),
        (workflow({"id": "a", "total_timeout": 0}), False),
        (block(steps=[task("a")], total_timeout="1h"), False),
        (workflow({"id": "a", "with": "x"}), False),
        (workflow({"id": "a", "retry": {"attempts": 0}}), False),
        (workflow({"id": "a", "on_failure": "x"}), False),
        (workflow(version=1), False),
        ({"name": "w"}, False),
    ],
)
def test_it_agrees_with_the_compiler(definition: dict[str, Any], right: bool) -> None:
    assert VALIDATOR.is_valid(definition) == right
    try:
        compile_definition(definition)
        compiled = True
    except DefinitionError:
        compiled = False
    assert compiled == right
