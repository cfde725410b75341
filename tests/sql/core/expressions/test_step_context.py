"""step_context"""

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
