"""Steps that start instances: what may be written, and what is told of it at deploy."""

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of
from .test_blocks import task

AGAIN: Json = {"id": "again", "workflow": "w"}


def fault_of(*steps: Json, **more: Json) -> str:
    (fault,) = faults_of({"name": "w", "steps": [*steps], **more})
    return fault


FAULTS: list[tuple[Json, str]] = [
    ({"workflow": 7}, "/steps/0/workflow: must be the name of a workflow, such as ship-order"),
    ({"workflow": "s", "with": [1]}, "/steps/0/with: must be an object, or one expression that"),
    (
        {"workflow": "s", "with": {"k": "${ $secrets.PAY }"}},
        "/steps/0/with/k: a secret is for a task alone; name it in a step of that workflow",
    ),
    ({"workflow": "s", "version": 0}, "/steps/0/version: must be a whole number from 1 to"),
    ({"workflow": "s", "key": 3}, "/steps/0/key: must be a text, such as order-${ $.input.id }"),
    ({"workflow": "s", "key": ""}, "/steps/0/key: must be a text, such as order-${ $.input.id }"),
    ({"workflow": "s", "detach": False}, "/steps/0/detach: must be true; leave it out where the"),
    (
        {"workflow": "s", "detach": True, "timeout": "1h"},
        "/steps/0/timeout: is for a step that waits for the end, and this one does not: `detach`",
    ),
    (
        {"workflow": "s", "compensate": {"task": "t"}},
        "/steps/0/compensate: an instance that a step has started is undone by the compensations",
    ),
    ({"workflow": "s", "retry": {"attempts": 2}}, "put the step into `try: […]` with a `retry`"),
    ({"workflow": "s", "task": "t"}, "a step is of one kind"),
]


@pytest.mark.parametrize(("step", "fault"), FAULTS, ids=[fault[:60] for _, fault in FAULTS])
def test_a_step_that_cannot_start_anything_is_told_of(step: Json, fault: str) -> None:
    assert fault in fault_of({"id": "s", **step})


def test_what_a_detached_step_gives_is_known() -> None:
    steps = [
        {"id": "s", "workflow": "other", "detach": True},
        task("b", **{"with": {"x": "$.steps.s.output.state"}}),
    ]
    assert "$.steps.s.output has no 'state', it has instance" in fault_of(*steps)


def test_it_is_undone_unless_it_is_detached() -> None:
    steps = [{"id": "a", "workflow": "s"}, {"id": "b", "workflow": "s", "detach": True}]
    compiled = compile_definition({"name": "w", "steps": steps})
    assert [row["step"] for row in compiled["steps"]] == ["a", "a.compensate", "b"]
    assert {"from": "a", "to": "a.compensate", "kind": "undo"} in compiled["edges"]


ENDLESS: list[list[Json]] = [
    [AGAIN],
    [task("a"), AGAIN],
    [{**AGAIN, "needs": []}, task("a", needs=[])],
    [{"id": "g", "steps": [AGAIN]}],
    [{"id": "p", "parallel": {"x": [task("a")], "y": [AGAIN]}}],
]


@pytest.mark.parametrize("steps", ENDLESS)
# guarantee: child-endless
def test_what_starts_itself_for_ever_is_refused(steps: list[Json]) -> None:
    assert "every instance of 'w' would start another" in fault_of(*steps)


ENDING: list[list[Json]] = [
    [{**AGAIN, "when": "$.input.n > 0"}],
    [{**AGAIN, "on_failure": "continue"}],
    [{**AGAIN, "detach": True}],
    [{**AGAIN, "version": 3}],
    [{"id": "r", "when": "$.input.done", "return": 1}, AGAIN],
    [{"id": "s", "switch": [{"when": "$.input.more", "steps": [AGAIN]}]}],
    [{"id": "e", "for_each": "$.input.parts", "steps": [AGAIN]}],
    [{"id": "g", "when": "$.input.done", "goto": "end"}, AGAIN],
]


@pytest.mark.parametrize("steps", ENDING)
def test_what_may_end_is_taken(steps: list[Json]) -> None:
    assert compile_definition({"name": "w", "steps": steps})
