"""What has changed between definitions, by steps: added, removed, changed, moved."""

import copy
from typing import Any

import pytest

from onceflow.engine.definition.differences import Change, differences

from .support import workflow


def group(name: str, *steps: str) -> dict[str, Any]:
    return {"id": name, "steps": [{"id": step, "task": "t"} for step in steps]}


def of(*steps: Any, **more: Any) -> dict[str, Any]:
    return {"name": "w", "steps": [*steps], **more}


def test_equal_definitions_do_not_differ() -> None:
    definition = of(group("g", "a", "b"), {"id": "c", "set": {"n": 1.50}})
    assert differences(definition, copy.deepcopy(definition)) == []


def test_numbers_are_compared_by_value_and_booleans_are_none() -> None:
    old = workflow({"id": "a", "with": {"n": 1, "b": True, "t": "1"}})
    new = workflow({"id": "a", "with": {"n": 1.0, "b": 1, "t": 1}})
    assert [change.key for change in differences(old, new)] == ["with.b", "with.t"]


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        (
            workflow({"id": "a", "with": {"x": {"y": [1, 2]}}}),
            workflow({"id": "a", "with": {"x": {"y": [1, 3]}}}),
            [Change("a", "changed", "with.x.y[1]", 2, 3)],
        ),
        (
            workflow({"id": "a", "timeout": 5}),
            workflow({"id": "a", "queue": "q"}, output=None),
            [
                Change("", "added", "output", None, None),
                Change("a", "added", "queue", None, "q"),
                Change("a", "removed", "timeout", 5, None),
            ],
        ),
        (
            of(group("g", "a")),
            of(group("g", "a", "b")),
            [Change("b", "added", "", None, {"in": "g.steps", "task": "t"})],
        ),
        (
            of(group("g", "a", "b"), group("h", "c")),
            of(group("g", "a"), group("h", "c", "b")),
            [Change("b", "moved", "in", "g.steps", "h.steps")],
        ),
        (
            workflow({"id": "a"}, {"id": "b"}, {"id": "c"}, {"id": "d"}),
            workflow({"id": "d"}, {"id": "a"}, {"id": "b"}, {"id": "c"}),
            [Change("d", "moved", "behind", "c", None)],
        ),
        (
            of({"id": "s", "switch": [{"when": True, "steps": [{"id": "a", "task": "t"}]}]}),
            of({"id": "s", "switch": [{"when": False, "steps": [{"id": "a", "task": "u"}]}]}),
            [
                Change("s", "changed", "switch[0].when", True, False),
                Change("a", "changed", "task", "t", "u"),
            ],
        ),
    ],
)
def test_what_changed_is_told_by_step_and_key(
    old: dict[str, Any], new: dict[str, Any], changes: list[Change]
) -> None:
    assert differences(old, new) == changes


def test_a_definition_that_would_be_refused_today_is_compared_all_the_same() -> None:
    old = of({"id": "a", "task": "t", "gone": 1}, {"id": "a", "task": "t"})
    assert Change("a", "removed", "gone", 1, None) in differences(old, workflow({"id": "a"}))


def test_its_time_grows_as_the_steps_do() -> None:
    """Of 2,000 steps in the reverse order all but one have moved, and that is soon found."""
    steps = [{"id": f"s{n}", "task": "t"} for n in range(2000)]
    changes = differences(of(*steps), of(*reversed(steps)))
    assert len(changes) == 1999
    assert {change.what for change in changes} == {"moved"}
