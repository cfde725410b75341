"""`on_failed`: what may be written, and what it becomes."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of, workflow


def noticing(**members: Json) -> dict[str, Any]:
    return workflow({"id": "a"}, on_failed={"task": "tell", **members})


def test_it_is_a_row_behind_all_others_in_no_list() -> None:
    compiled = compile_definition(
        noticing(**{"with": {"why": "$.error.message", "who": "$.input.email"}, "queue": "mail"})
    )
    row = compiled["steps"][-1]
    assert (row["step"], row["kind"], row["block"]) == ("workflow.on_failed", "notice", None)
    assert (row["spec"]["task"], row["spec"]["queue"], row["spec"]["position"]) == (
        "tell", "mail", 1,
    )  # fmt: skip
    assert compiled["edges"] == []


@pytest.mark.parametrize(
    ("members", "fault"),
    [
        ({"with": "$.steps.a.output"}, "/on_failed/with: $.steps.a.output: a notice sees no step"),
        ({"with": "$.output"}, "only the `with` of a compensation sees $.output"),
        ({"when": True}, "/on_failed/when: 'when' is not available"),
        ({"retry": {"attempts": 0}}, "/on_failed/retry/attempts: must be a whole number"),
    ],
)
def test_a_faulty_notice(members: dict[str, Json], fault: str) -> None:
    (found,) = faults_of(noticing(**members))
    assert fault in found


def test_it_names_a_task() -> None:
    (found,) = faults_of(workflow({"id": "a"}, on_failed={}))
    assert "a notice needs the key 'task'" in found
