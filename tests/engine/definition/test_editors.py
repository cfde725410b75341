"""What an editor says by the published schema is what the compiler says, as far as a schema can.

Another validator than the product's own reads it, by both drafts of JSON Schema that editors know.
"""

import json
import re
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest

from onceflow.engine import json_text
from onceflow.engine.definition import json_schema, parse
from onceflow.engine.json_text import Json

from . import test_block_faults, test_keys, test_triggers
from .support import workflow
from .test_blocks import block

ROOT = Path(__file__).parents[3]
SCHEMA = json_schema()
VALIDATORS = [
    jsonschema_rs.Draft202012Validator(SCHEMA),
    jsonschema_rs.Draft7Validator({**SCHEMA, "$schema": "http://json-schema.org/draft-07/schema#"}),
]

UNSAID = [
    # what depends on other steps
    "is the id of",
    "there is no step",
    "stands in the block",
    "stands in another list",
    "stands outside of the block",
    "is the block that",
    "the steps wait for each other",
    "around it gives",
    "gives is named as what the",
    # what depends on how much there is, or on how long a text says
    "is more than there are",
    "which is more than max",
    "must be a duration above 0",
    # what an expression is, and gives
    "the expression is wrong",
    "secrets are for the",
    "must be true, false, or one expression",
    "must be a list, or one",
    "what a topic starts or sends sees",
    # what a time, a zone or an id is beside others
    "is wrong in its",
    "(write * for ?)",
    "'Europe/Warsaw'",
    "of whole seconds",
    "is the id of another entry",
    "$config",
    "not $.input",
    "must be an object, or one",
]
"""Faults that no schema can say; it may say some of them all the same."""


def says_nothing(definition: Json) -> list[bool]:
    """Return of each validator whether it takes a definition."""
    plain = json.loads(json_text.encode(definition))
    return [validator.is_valid(plain) for validator in VALIDATORS]


def cases(test: Any) -> list[tuple[Any, str]]:
    """Return what a test is run with."""
    return list(test.pytestmark[0].args[1])


FAULTY = [
    *[
        (workflow({"id": "a", **members}), fault)
        for members, fault in cases(test_keys.test_a_faulty_step)
    ],
    *cases(test_keys.test_a_faulty_workflow),
    *test_triggers.FAULTY,
    *[
        (block(**members), fault)
        for members, fault in (
            *cases(test_block_faults.test_a_faulty_block),
            *cases(test_block_faults.test_a_word_of_another_language),
        )
    ],
]
WRITTEN = sorted((ROOT / "examples").rglob("*.yaml"))
DOCUMENTED = [
    definition
    for page in sorted((ROOT / "docs").glob("*.md"))
    for definition in re.findall(r"^```yaml\n(name: .*?)^```", page.read_text(), re.S | re.M)
]


@pytest.mark.parametrize(("definition", "fault"), FAULTY)
def test_a_fault_is_said_where_a_schema_can(definition: Json, fault: str) -> None:
    taken = says_nothing(definition)
    assert len(set(taken)) == 1
    assert not taken[0] or any(unsaid in fault for unsaid in UNSAID), (
        f"{fault!r}: let the schema of its key say it, or name it among those that none can say"
    )


def test_no_fault_is_excused_in_vain() -> None:
    taken = [fault for definition, fault in FAULTY if says_nothing(definition)[0]]
    assert [unsaid for unsaid in UNSAID if not any(unsaid in fault for fault in taken)] == []


@pytest.mark.parametrize("path", WRITTEN, ids=lambda path: path.name)
def test_an_example_is_taken(path: Path) -> None:
    assert says_nothing(parse(path.read_bytes(), "yaml").value) == [True, True]


@pytest.mark.parametrize("text", DOCUMENTED)
def test_a_documented_definition_is_taken(text: str) -> None:
    assert says_nothing(parse(text, "yaml").value) == [True, True]


def keys(schema: Json, path: str = "") -> list[tuple[str, str, dict[str, Any]]]:
    """Return every key that the schema describes, at any depth: its place, name and schema."""
    found: list[tuple[str, str, dict[str, Any]]] = []
    if isinstance(schema, dict):
        members = cast(dict[str, Any], schema)
        if members.get("additionalProperties") is False:
            found += [(path, name, key) for name, key in members["properties"].items()]
        for name, inner in members.items():
            found += keys(inner, f"{path}/{name}")
    elif isinstance(schema, list):
        for n, inner in enumerate(cast(list[Json], schema)):
            found += keys(inner, f"{path}/{n}")
    return found


def test_every_key_is_described_and_its_examples_fit() -> None:
    for path, name, key in keys(SCHEMA):
        place = f"{path}/{name}"
        assert re.fullmatch(r"[A-Z].*\.", key["description"], re.S), place
        shown = key.keys() & {"default", "enum", "examples"}
        plain = key.get("type") in ("boolean", "string")
        nested = any(word in json.dumps(key) for word in ("#/$defs/step", '"properties"'))
        assert shown or plain or nested, f"{place}: give examples of it"
        inner = jsonschema_rs.Draft202012Validator({**key, "$defs": SCHEMA["$defs"]})
        for example in [*key.get("examples", ()), *([key["default"]] if "default" in key else ())]:
            assert inner.is_valid(example), f"{place}: {example!r}"
