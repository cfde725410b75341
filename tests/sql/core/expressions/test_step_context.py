"""step_context"""

from onceflow.engine.definition import compile_definition

from ...play import Play
from ...workflows import Step, path, workflow


def test_an_expression_sees_only_the_steps_that_it_names(play: Play) -> None:
    steps = [Step("a"), Step("b"), Step("c", ("a", "b"), path("$.steps"), reads=("b",))]
    instance = play.begin(workflow(*steps))
    play.complete(instance, "a", output="x" * 1000)
    play.complete(instance, "b", output=1)
    assert play.task(instance, "c", "input") == (
        {"b": {"output": 1, "state": "SUCCEEDED", "error": None}},
    )


def seen(play: Play, *reads: str) -> object:
    """Return what the step `z` sees of `e`, a for_each that is done, one of its items tolerated."""
    return play.value(
        "select onceflow.step_context(i.id, i.version_id, 'z', 0, 0, 'task', to_jsonb(%s::text[]))"
        " #> '{steps,e}' from onceflow.instance i",
        list(reads),
    )


# guarantee: unnamed-output
def test_what_a_block_gives_is_put_together_where_it_is_named_alone(play: Play) -> None:
    each = {"id": "e", "for_each": [1, 2], "tolerate": 1, "steps": [{"id": "a", "task": "work"}]}
    steps = [each, {"id": "z", "task": "work"}]
    instance = play.begin(compile_definition({"name": "flow", "steps": steps}))
    play.complete(instance, "a/1", output="x")
    play.fail(instance, "a/2", code="no")
    nothing = {"state": "SUCCEEDED", "error": None, "output": None, "errors": None}
    assert seen(play, "e.state") == nothing
    assert seen(play, "e", "e.state") == nothing | {"output": ["x", None]}
    (failed,) = seen(play, "e.errors")["errors"]  # pyright: ignore
    assert (failed["index"], failed["error"]["code"]) == (1, "no")
