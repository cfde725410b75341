"""block_output"""

from typing import Any
from uuid import UUID

from onceflow.engine import calls
from onceflow.engine.definition import compile_definition

from ...play import Json, Play

WORK = {"task": "work"}


def begin(play: Play, *steps: dict[str, Any], given: Json = None) -> UUID:
    """Start an instance of these steps."""
    calls.register_workflow(play.conn, compile_definition({"name": "flow", "steps": [*steps]}))
    return play.start("flow", given)


def output(play: Play, instance: UUID, task: str) -> Json:
    """Return the output of a block as the view of tasks has it, which asks the function."""
    return play.task(instance, task, "output")[0]


def test_the_outputs_of_items_are_put_together_in_their_order(play: Play) -> None:
    each = {"id": "each", "for_each": [1, 2], "steps": [{"id": "a", **WORK}], "tolerate": 1}
    instance = begin(play, each, {"id": "after", **WORK})
    assert output(play, instance, "each") is None
    play.complete(instance, "a/2", output="two")
    play.fail(instance, "a/1")
    assert play.state(instance, "each") == "SUCCEEDED"
    assert output(play, instance, "each") == [None, "two"]
    asked = "select onceflow.block_output(%s, 'each', 0, 0)"
    assert play.value(asked, instance) == [None, "two"]


def test_branches_give_an_object_and_a_group_its_last_step(play: Play) -> None:
    branches = {"left": [{"id": "l", **WORK}], "right": [{"id": "r", **WORK}]}
    group = {"id": "all", "steps": [{"id": "both", "parallel": branches}]}
    instance = begin(play, group, {"id": "after", **WORK})
    play.complete(instance, "l/2", "r/3", output="done")
    both = {"left": "done", "right": "done"}
    assert output(play, instance, "both/1") == output(play, instance, "all") == both


def test_of_a_block_that_was_skipped_there_is_none(play: Play) -> None:
    each = {"id": "each", "when": "$.input.go", "for_each": [1], "steps": [{"id": "a", **WORK}]}
    instance = begin(play, each, {"id": "after", **WORK}, given={"go": False})
    assert output(play, instance, "each") is None
