"""Definitions made to cost time or memory are refused, or compiled, before long."""

import time

import pytest

from onceflow.engine.definition import check_definition, compile_definition, parse
from onceflow.engine.errors import DefinitionError

from .support import compile_yaml, faults_of, workflow

pytestmark = pytest.mark.timeout(60)


def test_at_most_500_faults_are_listed() -> None:
    text = "".join(f"k{n}: 1\n" for n in range(20_000))
    assert len(faults_of(text)) == 500


def test_long_keys_above_many_values() -> None:
    keys = "".join(f"{'k' * 900}: {{" for _ in range(2))
    with pytest.raises(DefinitionError, match="characters of keys"):
        parse(f"{keys}a: [{'1, ' * 90_000}]}}}}", "yaml")


def test_an_expression_that_goes_on_and_on() -> None:
    (fault,) = faults_of(workflow({"id": "a", "with": {"x": "$.input" + ".a" * 400_000}}))
    assert "it is too long" in fault


def test_an_expression_of_very_many_functions() -> None:
    (fault,) = faults_of(workflow({"id": "a", "with": {"x": "$.input" + "|trim" * 700}}))
    assert "at most 20 functions" in fault


def test_very_many_expressions_in_one_text() -> None:
    compiled = compile_definition(
        workflow({"id": "a", "with": {"x": "${$.input|default(1)}" * 10_000}})
    )
    assert len(compiled["steps"][0]["spec"]["with"]["o"]["x"]["c"]) == 10_000


def test_very_many_needs() -> None:
    steps = [f"- {{id: s{n}, task: t, needs: []}}\n" for n in range(500)]
    needs = ", ".join(f"s{n % 500}" for n in range(60_000))
    found = faults_of(f"name: w\nsteps:\n{''.join(steps)}- {{id: z, task: t, needs: [{needs}]}}\n")
    assert "twice" in found[0]


def test_ten_thousand_steps_that_need_all_of_a_hundred() -> None:
    steps = "".join(f"- {{id: s{n}, task: t, needs: []}}\n" for n in range(100))
    steps += "".join(f"- {{id: u{n}, task: t, needs: [s{n % 100}]}}\n" for n in range(9_900))
    assert len(compile_yaml(f"name: w\nsteps:\n{steps}")["edges"]) == 9_900
    (fault,) = faults_of(f"name: w\nsteps:\n{steps}- {{id: z, task: t, needs: []}}\n")
    assert "more than 10000 steps" in fault


def test_steps_in_blocks_count_too() -> None:
    tasks = "".join(f"  - {{id: t%s-{n}, task: t}}\n" for n in range(5_000))
    blocks = "".join(f"- id: x{n}\n  steps:\n{tasks.replace('%s', str(n))}" for n in range(2))
    (fault,) = faults_of(f"name: w\nsteps:\n{blocks}")
    assert "more than 10000 steps" in fault


def test_ten_thousand_steps_in_blocks_in_blocks() -> None:
    tasks = "".join(
        f"{' ' * 30}- {{id: t{n}, task: t, with: {{x: $.item}}}}\n" for n in range(9_000)
    )
    blocks = "".join(
        f"{' ' * 2 * n}- id: x{n}\n{' ' * 2 * n}  for_each: $.input\n{' ' * 2 * n}  steps:\n"
        for n in range(15)
    )
    assert len(compile_yaml(f"name: w\nsteps:\n{blocks}{tasks}")["steps"]) == 9_015


def test_a_huge_input_schema() -> None:
    schema = {"properties": {f"p{n}": {"type": "string"} for n in range(5_000)}}
    (fault,) = faults_of(workflow({"id": "a"}, input=schema))
    assert "more than 5000 values" in fault


def test_unknown_steps_among_very_many() -> None:
    steps = "".join(f"- {{id: s{n}, task: t, needs: [no{n}]}}\n" for n in range(5_000))
    assert len(faults_of(f"name: w\nsteps:\n{steps}")) == 500


def wide(steps: int) -> str:
    """Return a definition in which each step needs some three, and names one."""
    lines = ["name: wide", "steps:"]
    for n in range(steps):
        needs = [f"s{m}" for m in range(max(0, n - 7), n, 2)]
        given = f"$.steps.s{n - 1}.output.x" if n % 2 else "${ $.input.name }"
        with_needs = f", needs: [{', '.join(needs)}]" if n else ""
        lines.append(f'  - {{id: s{n}, task: t, with: {{a: "{given}"}}{with_needs}}}')
    return "\n".join(lines)


def test_a_step_of_many_takes_no_longer_than_one_of_few() -> None:
    def seconds(steps: int) -> float:
        text = wide(steps)
        spans: list[float] = []
        for _ in range(3):
            began = time.process_time()
            check_definition(parse(text, "yaml"))
            spans.append(time.process_time() - began)
        return min(spans) / steps

    assert seconds(3000) < 2 * seconds(300)
