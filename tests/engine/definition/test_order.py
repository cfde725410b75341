"""The order of steps: as written, or by needs; edges, joins, circles."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onceflow.engine.definition import compile_definition
from onceflow.engine.errors import DefinitionError
from onceflow.engine.json_text import Json

from .support import faults_of, workflow


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, list[str]]:
    """Steps in any order, each with needs among those that come before it in another order."""
    names = draw(
        st.lists(
            st.from_regex(r"[a-z][a-z0-9_-]{0,5}", fullmatch=True),
            min_size=1,
            max_size=15,
            unique=True,
        )
    )
    before = {
        name: draw(st.lists(st.sampled_from(names[:n]), unique=True)) if n else []
        for n, name in enumerate(names)
    }
    return {name: before[name] for name in draw(st.permutations(names))}


def ancestors(graph: dict[str, list[str]], step: str) -> set[str]:
    """Return all that a step waits for."""
    found: set[str] = set()
    todo = list(graph[step])
    while todo:
        need = todo.pop()
        if need not in found:
            found.add(need)
            todo += graph[need]
    return found


@given(graphs())
def test_edges_and_joins_are_those_of_needs(graph: dict[str, list[str]]) -> None:
    compiled = compile_definition(
        workflow(*({"id": step, "needs": needs} for step, needs in graph.items()))
    )
    edges = {(edge["from"], edge["to"], edge["kind"]) for edge in compiled["edges"]}
    assert edges == {(need, step, "next") for step, needs in graph.items() for need in needs}
    assert len(edges) == len(compiled["edges"])
    assert [row["step"] for row in compiled["steps"]] == list(graph)
    for n, row in enumerate(compiled["steps"]):
        assert row["join_count"] == len(graph[row["step"]])
        assert row["spec"]["position"] == n


@given(graphs(), st.data())
def test_a_step_may_name_its_ancestors_alone(
    graph: dict[str, list[str]], data: st.DataObject
) -> None:
    step, named = data.draw(st.tuples(*[st.sampled_from(list(graph))] * 2))
    steps: list[dict[str, Json]] = [{"id": name, "needs": needs} for name, needs in graph.items()]
    steps[list(graph).index(step)]["with"] = {"x": f"$.steps.{named}.output"}
    try:
        compile_definition(workflow(*steps))
        allowed = True
    except DefinitionError:
        allowed = False
    assert allowed == (named in ancestors(graph, step))


@given(graphs(), st.data())
def test_a_circle_is_named(graph: dict[str, list[str]], data: st.DataObject) -> None:
    step = data.draw(st.sampled_from(list(graph)))
    above = ancestors(graph, step)
    if not above:
        return
    top = data.draw(st.sampled_from(sorted(above)))
    graph = {**graph, top: [*graph[top], step]}
    found = faults_of(workflow(*({"id": name, "needs": needs} for name, needs in graph.items())))
    assert found
    for fault in found:
        ring = fault.partition("wait for each other: ")[2].removesuffix("; break the circle")
        names = ring.split(" → ")
        assert names[0] == names[-1]
        assert all(earlier in graph[later] for earlier, later in pairwise(names))


def test_without_needs_steps_run_as_written() -> None:
    compiled = compile_definition(workflow({"id": "a"}, {"id": "b"}, {"id": "c"}))
    assert [(edge["from"], edge["to"]) for edge in compiled["edges"]] == [("a", "b"), ("b", "c")]
    assert [row["join_count"] for row in compiled["steps"]] == [0, 1, 1]


def test_a_compensation_is_a_step_of_its_own_behind_an_undo_edge() -> None:
    undo: Json = {"task": "u", "with": {"key": "$.key"}, "timeout": 5, "total_timeout": "1m"}
    compiled = compile_definition(
        workflow({"id": "a", "queue": "pdf", "compensate": undo}, {"id": "b"})
    )
    assert compiled["steps"][1] == {
        "step": "a.compensate",
        "kind": "compensation",
        "join_count": 0,
        "spec": {
            "task": "u",
            "queue": "pdf",
            "with": {"o": {"key": {"p": 'strict $."key"', "t": "$.key"}}},
            "reads": [],
            "position": 0,
            "timeout": 5,
            "total_timeout": 60,
        },
        "pointer": "/steps/0/compensate",
        "block": None,
        "list": None,
    }
    assert compiled["edges"][-1] == {"from": "a", "to": "a.compensate", "kind": "undo"}


@pytest.mark.parametrize(
    ("steps", "faults"),
    [
        ([{"id": "a", "needs": ["a"]}], ["/steps/0/needs/0: 'a' needs itself; take it out"]),
        (
            [{"id": "first"}, {"id": "b", "needs": ["frist"]}],
            ["/steps/1/needs/0: there is no step 'frist'; did you mean 'first'?"],
        ),
        (
            [{"id": "a"}, {"id": "b", "needs": ["a", "a"]}],
            ["/steps/1/needs/1: names 'a' twice; keep one"],
        ),
        (
            [{"id": "a"}, {"id": "b"}, {"id": "c", "needs": ["a"]}, {"id": "d"}],
            [
                f"/steps/{n}: another step has `needs`, so all but the first must have it; "
                "give the steps that must end before this one, or [] to start at once"
                for n in (1, 3)
            ],
        ),
        (
            [{"id": "a", "needs": ["b"]}, {"id": "b", "needs": ["c"]}, {"id": "c", "needs": ["a"]}],
            ["/steps/0/needs: the steps wait for each other: a → c → b → a; break the circle"],
        ),
    ],
)
def test_faults(steps: list[dict[str, Json]], faults: list[str]) -> None:
    assert faults_of(workflow(*steps)) == faults


def test_three_thousand_steps_in_a_row() -> None:
    steps = [{"id": f"s{n}", "with": {"x": "$.steps.s0.output"} if n else {}} for n in range(3000)]
    compiled = compile_definition(workflow(*steps))
    assert len(compiled["edges"]) == 2999


def test_the_same_source_gives_the_same_result() -> None:
    definition = workflow({"id": "a"}, {"id": "b", "with": {"x": "$.steps.a.output"}})
    assert repr(compile_definition(definition)) == repr(compile_definition(definition))
