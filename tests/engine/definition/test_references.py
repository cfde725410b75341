"""What the expressions of a definition may name, and where."""

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of, workflow


def diamond(**members: Json) -> dict[str, Json]:
    """Return a workflow a → b, c → d, where d and its compensation have these members."""
    return workflow(
        {"id": "a"},
        {"id": "b", "needs": ["a"]},
        {"id": "c", "needs": ["a"]},
        {"id": "d", "needs": ["b"], **members},
    )


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("$.steps.c.output", "'c' may not have ended when 'd' begins; let 'd' need it"),
        ("$.steps.d.output", "this is of step 'd' itself"),
        ("$.steps.e.output", "there is no step 'e'"),
        ("$.steps.a", "name what you want of the step: $.steps.a.output or .state"),
        ("$.steps.a[0]", "name what you want of the step"),
        (
            "$.steps.a.outptu",
            "$.steps.a has output, state or error, not 'outptu'; did you mean 'output'?",
        ),
        ("$.steps", "name a step and its output: $.steps.<id>.output"),
        ("$.steps.*.output", "name a step and its output"),
        ("$.**", "a path begins with $.input, $.steps or $.instance"),
        ("$.inputs.x", "there is no $.inputs; there is $.input, $.steps or $.instance"),
        ("$.item", "only the steps of a `for_each` see $.item"),
        ("$.vars.x", "there is no $.vars; there is $.input, $.steps or $.instance"),
        ("$.output", "only the `with` of a compensation sees $.output"),
        ("$.key", "only the `with` of a compensation sees $.key"),
        (
            "$.instance.name",
            "$.instance has id, workflow, version, started_at, trigger, scheduled_at, parent or "
            "root",
        ),
        ("$.input.x[*] ? (@.id == $.steps.c.output)", "'c' may not have ended"),
        ("$.input.x | default($.steps.c.output)", "'c' may not have ended"),
        ("${ $.input.x } and ${ $.steps.c.output }", "'c' may not have ended"),
    ],
)
def test_refused(text: str, fault: str) -> None:
    found = faults_of(diamond(**{"with": {"deep": [text]}}))
    assert len(found) == 1
    assert found[0].startswith("/steps/3/with/deep/0: ")
    assert fault in found[0]


@pytest.mark.parametrize(
    "text",
    [
        "$.input", "$.input.a.b", "$.steps.a.output", "$.steps.b.state", "$.instance",
        "$.instance.id", '$."steps"."a"."output"', "$.steps.a.output[*] ? (@ == $.input.x)",
    ],
)  # fmt: skip
def test_allowed(text: str) -> None:
    compile_definition(diamond(**{"with": {"x": text}, "when": f"{text} == 1"}))


def test_the_condition_is_held_to_the_same_rule() -> None:
    found = faults_of(diamond(when="$.steps.c.output == 1"))
    assert "'c' may not have ended" in found[0]


@pytest.mark.parametrize("text", ["$.output.id", "$.task_input", "$.key", "$.steps.a.output"])
def test_a_compensation_sees_what_it_undoes(text: str) -> None:
    undo: Json = {"task": "u", "with": {"x": text}}
    compile_definition(diamond(compensate=undo))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("$.steps.d.output", "this is of step 'd' itself; $.output is what the step gave"),
        ("$.steps.c.output", "'c' may not have ended when 'd' begins"),
        ("$.outptu", "did you mean 'output'?"),
    ],
)
def test_refused_in_a_compensation(text: str, fault: str) -> None:
    found = faults_of(diamond(compensate={"task": "u", "with": {"x": text}}))
    assert found[0].startswith("/steps/3/compensate/with/x: ")
    assert fault in found[0]


def test_the_output_may_name_any_step() -> None:
    definition = {**diamond(), "output": {"x": "$.steps.d.output", "y": "$.steps.b.state"}}
    assert compile_definition(definition)["output_reads"] == ["b.state", "d"]
    found = faults_of({**diamond(), "output": {"x": "$.steps.e.output"}})
    assert found == ["/output/x: $.steps.e.output: there is no step 'e'"]


def test_reads_are_the_steps_that_are_named_in_the_order_of_the_definition() -> None:
    compiled = compile_definition(
        diamond(
            **{"with": {"x": "$.steps.b.output", "y": "${ $.steps.a.output } $.steps.c.output"}}
        )
    )
    assert compiled["steps"][3]["spec"]["reads"] == ["a", "b"]


def test_reads_tell_outputs_from_what_else_is_named_of_a_step() -> None:
    given = {"x": "$.steps.b.state", "y": "$.steps.a.output.n", "z": "$.steps.a.error.code"}
    compiled = compile_definition(diamond(**{"with": given}))
    assert compiled["steps"][3]["spec"]["reads"] == ["a.error", "a", "b.state"]


def test_a_circle_hides_no_other_fault() -> None:
    found = faults_of(
        workflow(
            {"id": "a", "needs": ["b"], "with": {"x": "$.steps.b.output", "y": "$.steps.z.output"}},
            {"id": "b", "needs": ["a"]},
        )
    )
    assert len(found) == 2
    assert "/steps/0/with/y: $.steps.z.output: there is no step 'z'" in found
