"""docs/definitions.md tells the truth about definitions, expressions, keys and functions."""

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pytest

from onceflow.engine.calls import register_workflow
from onceflow.engine.definition import workflow
from onceflow.engine.definition.expressions.functions import FUNCTIONS
from onceflow.engine.definition.steps import compensation, retry
from onceflow.engine.definition.steps.block import Block
from onceflow.engine.definition.steps.kinds import KINDS
from onceflow.engine.definition.steps.members import Members

from .conftest import Evaluate
from .support import compile_yaml

PAGE = (Path(__file__).parents[3] / "docs/definitions.md").read_text()
DEFINITIONS = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
TABLES = re.findall(r"^\| expression \| gives \|\n\|---\|---\|\n((?:\|.*\n)+)", PAGE, re.MULTILINE)
EXAMPLES = [
    (found[1].replace(r"\|", "|"), found[2])
    for row in "".join(TABLES).splitlines()
    if (found := re.fullmatch(r"\| `(.+)` \| `(.+)` \|", row))
]
(INPUT,) = re.findall(r"^```json\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("text", DEFINITIONS)
def test_every_definition_compiles_and_registers(conn: psycopg.Connection[Any], text: str) -> None:
    compiled = compile_yaml(text)
    first = register_workflow(conn, compiled)
    again = register_workflow(conn, compile_yaml(text))
    assert (first.version, first.created) == (1, True)
    assert (again.version, again.created) == (1, False)


@pytest.mark.parametrize(("expression", "gives"), EXAMPLES)
def test_every_expression_gives_what_the_page_says(
    evaluate: Evaluate, expression: str, gives: str
) -> None:
    given = evaluate(expression, json.loads(INPUT, parse_float=Decimal))
    assert repr(given) == repr(json.loads(gives, parse_float=Decimal))


def test_there_are_examples() -> None:
    assert len(DEFINITIONS) >= 2
    assert len(EXAMPLES) == len("".join(TABLES).splitlines()) >= 25


def section(title: str) -> str:
    """Return the page from a heading to the next."""
    found = re.search(rf"^#+ {title}\n(.*?)(?=^#|\Z)", PAGE, re.DOTALL | re.MULTILINE)
    assert found, title
    return found[1]


@pytest.mark.parametrize(
    ("title", "members"),
    [
        ("The workflow", workflow.MEMBERS),
        ("Retry", retry.MEMBERS),
        ("Compensation", compensation.MEMBERS),
    ],
)
def test_every_key_has_a_row(title: str, members: Members) -> None:
    assert keys_of(title) == sorted(members.keys)


@pytest.mark.parametrize("kind", KINDS)
def test_every_key_of_a_kind_of_step_has_a_row(kind: str) -> None:
    titles = {"task": "Tasks", "steps": "Group"}
    title = titles.get(kind, kind.replace("_", " ").capitalize())
    shared = keys_of("Steps") + (keys_of("Blocks") if issubclass(KINDS[kind].struct, Block) else [])
    assert sorted(shared + keys_of(title)) == sorted(KINDS[kind].members.keys)


def keys_of(title: str) -> list[str]:
    """Return the keys that have rows in the tables of a section, sorted."""
    rows = [line for line in section(title).splitlines() if line.startswith("| `")]
    return sorted(name for row in rows for name in re.findall(r"`([a-z_]+)`", row.split("|")[1]))


def test_every_function_has_a_row() -> None:
    rows = [line for line in section("Functions").splitlines() if line.startswith("| `")]
    named = {name for row in rows for name in re.findall(r"`([a-z]+)", row.split("|")[1])}
    assert named >= FUNCTIONS.keys()
