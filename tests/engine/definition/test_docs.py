"""docs/definitions.md and functions.md tell the truth about what definitions hold."""

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
from onceflow.engine.json_text import Json

from .conftest import Evaluate
from .support import compile_yaml

DOCS = Path(__file__).parents[3] / "docs"
PAGE = (DOCS / "definitions.md").read_text()
FUNCTIONS_PAGE = (DOCS / "functions.md").read_text()
PEOPLE = (DOCS / "people.md").read_text()
DEFINITIONS = re.findall(r"^```yaml\n(.*?)^```", PAGE + PEOPLE, re.DOTALL | re.MULTILINE)


def examples(page: str) -> list[tuple[str, str, Json]]:
    """Return the expressions of a page's tables with what they give, and the input of all."""
    tables = "".join(
        re.findall(r"^\| expression \| gives \|\n\|---\|---\|\n((?:\|.*\n)+)", page, re.MULTILINE)
    )
    (given,) = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)
    rows = [re.fullmatch(r"\| `(.+)` \| `(.+)` \|", row) for row in tables.splitlines()]
    return [
        (found[1].replace(r"\|", "|"), found[2], json.loads(given, parse_float=Decimal))
        for found in rows
        if found or pytest.fail(f"a row is no example: {rows}")
    ]


EXAMPLES = [*examples(PAGE), *examples(FUNCTIONS_PAGE)]


@pytest.mark.parametrize("text", DEFINITIONS)
def test_every_definition_compiles_and_registers(conn: psycopg.Connection[Any], text: str) -> None:
    compiled = compile_yaml(text)
    first = register_workflow(conn, compiled)
    again = register_workflow(conn, compile_yaml(text))
    assert (first.version, first.created) == (1, True)
    assert (again.version, again.created) == (1, False)


@pytest.mark.parametrize(("expression", "gives", "given"), EXAMPLES)
def test_every_expression_gives_what_the_page_says(
    evaluate: Evaluate, expression: str, gives: str, given: Json
) -> None:
    expected = json.loads(gives, parse_float=Decimal)
    assert sorted_text(evaluate(expression, given)) == sorted_text(expected)


def sorted_text(value: Json) -> str:
    """Return a value with all its digits, its members in order."""
    return json.dumps(value, default=repr, sort_keys=True)


def test_there_are_examples() -> None:
    assert len(DEFINITIONS) >= 2
    assert len(EXAMPLES) >= 60


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


def test_every_function_has_a_row_and_an_example() -> None:
    rows = [line for line in FUNCTIONS_PAGE.splitlines() if line.startswith("| `")]
    forms = [form for row in rows for form in re.findall(r"`([a-z].*?)`", row.split("|")[1])]
    assert sorted(forms) == sorted(function.form for function in FUNCTIONS.values())
    shown = {
        name for expression, _, _ in EXAMPLES for name in re.findall(r"[a-z_0-9]+", expression)
    }
    # Of these it is not known beforehand what they give, or it is long.
    assert FUNCTIONS.keys() - shown <= {"now", "uuid", "sha256", "from_json", "trim", "number"}
