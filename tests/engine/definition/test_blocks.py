"""Blocks: what each kind becomes, and which list of which block each step stands in."""

from typing import Any

import psycopg
import pytest

from onceflow.engine.calls import register_workflow
from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import compile_yaml, workflow


def block(**members: Json) -> dict[str, Json]:
    """Return a definition of one step ``x``, which has these members."""
    return {"name": "w", "steps": [{"id": "x", **members}]}


def task(name: str, **members: Json) -> dict[str, Json]:
    return {"id": name, "task": "t", **members}


def rows(definition: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the rows that a definition becomes, by step."""
    return {row["step"]: row for row in compile_definition(definition)["steps"]}


def spec(**members: Json) -> dict[str, Any]:
    """Return the spec of a block."""
    return rows(block(**members))["x"]["spec"]


def places(definition: dict[str, Any]) -> dict[str, tuple[str | None, int | None, int]]:
    """Return of each step its block, which of its lists, and how many edges lead into it."""
    return {
        name: (row["block"], row["list"], row["join_count"])
        for name, row in rows(definition).items()
    }


def edges(definition: dict[str, Any], kind: str = "next") -> set[tuple[str, str]]:
    found = compile_definition(definition)["edges"]
    return {(edge["from"], edge["to"]) for edge in found if edge["kind"] == kind}


# Each kind


def test_a_group() -> None:
    definition = block(steps=[task("a"), task("b")])
    assert rows(definition)["x"] == {
        "step": "x",
        "kind": "steps",
        "join_count": 0,
        "spec": {"position": 0, "reads": [], "lists": [{"name": None, "last": "b"}]},
        "pointer": "/steps/0",
        "block": None,
        "list": None,
    }
    assert places(definition) == {"x": (None, None, 0), "a": ("x", 0, 0), "b": ("x", 0, 1)}
    assert edges(definition) == {("a", "b")}


def test_a_switch() -> None:
    definition = block(
        switch=[
            {"when": "$.input.x > 1", "steps": [task("a")]},
            {"when": "$.input.y", "steps": [task("b")]},
        ],
        **{"else": [task("c"), task("d")]},
    )
    lists = rows(definition)["x"]["spec"]["lists"]
    assert [(each["name"], each["last"]) for each in lists] == [
        (None, "a"), (None, "b"), (None, "d"),
    ]  # fmt: skip
    assert lists[0]["when"] == {
        "p": 'strict $."input"."x" > 1',
        "t": "$.input.x > 1",
        "b": True,
    }
    assert lists[1]["when"]["f"] == "boolean"
    assert "when" not in lists[2]
    assert places(definition) == {
        "x": (None, None, 0), "a": ("x", 0, 0), "b": ("x", 1, 0),
        "c": ("x", 2, 0), "d": ("x", 2, 1),
    }  # fmt: skip


@pytest.mark.parametrize("more", [{}, {"else": []}])
def test_an_empty_else_is_as_none(more: dict[str, Json]) -> None:
    cases: Json = [{"when": True, "steps": [task("a")]}]
    assert spec(switch=cases, **more)["lists"] == [{"name": None, "last": "a", "when": {"v": True}}]


def test_parallel_branches_stand_in_the_order_written() -> None:
    definition = block(parallel={"second": [task("a"), task("b")], "first": [task("c")]})
    assert rows(definition)["x"]["spec"]["lists"] == [
        {"name": "second", "last": "b"},
        {"name": "first", "last": "c"},
    ]
    assert places(definition)["c"] == ("x", 1, 0)


@pytest.mark.parametrize("kind", ["parallel", "race"])
def test_branches_of_one_step_are_named_by_its_id(kind: str) -> None:
    definition = block(**{kind: [task("a"), task("b")]})
    assert rows(definition)["x"]["spec"]["lists"] == [
        {"name": "a", "last": "a"},
        {"name": "b", "last": "b"},
    ]
    assert places(definition)["b"] == ("x", 1, 0)


def test_a_race_is_won_by_one() -> None:
    found = spec(race={"a": [task("b")], "c": [task("d")]})
    assert found["join"] == 1


def test_a_for_each() -> None:
    definition = block(for_each="$.input.orders", steps=[task("a")])
    assert rows(definition)["x"]["spec"] == {
        "position": 0,
        "reads": [],
        "lists": [{"name": None, "last": "a"}],
        "with": {"p": 'strict $."input"."orders"', "t": "$.input.orders"},
        "max_parallel": 1000,
    }
    assert rows(definition)["x"]["kind"] == "for_each"


@pytest.mark.parametrize(
    ("members", "kept"),
    [
        ({"as": "order"}, {"as": "order"}),
        ({"max_parallel": 7}, {"max_parallel": 7}),
        ({"join": 3}, {"join": 3}),
        ({"tolerate": 3}, {"tolerate": 3}),
        ({"tolerate": "10%"}, {"percent": 10}),
        ({"tolerate": "2.5%"}, {"percent": 2.5}),
        ({"tolerate": "100%"}, {"percent": 100}),
        ({"tolerate": 0}, {}),
        ({"timeout": "2m"}, {"timeout": 120}),
        ({"undo": False}, {"undo": False}),
        ({"undo": True}, {}),
        ({"on_failure": "suspend"}, {"on_failure": "suspend"}),
        ({"on_failure": "continue", "default": []}, {"on_failure": "continue", "default": []}),
        ({"when": False}, {"when": {"v": False}}),
    ],
)
def test_what_a_block_has_besides(members: dict[str, Json], kept: dict[str, Json]) -> None:
    plain = spec(for_each="$.input", steps=[task("a")])
    assert spec(for_each="$.input", steps=[task("a")], **members) == plain | kept


@pytest.mark.parametrize("members", [{"join": 2}, {"tolerate": 1}])
def test_how_many_branches(members: dict[str, Json]) -> None:
    found = spec(parallel=[task("a"), task("b")], **members)
    assert {key: found[key] for key in members} == members
    assert "max_parallel" not in found


@pytest.mark.parametrize(
    "value", [[], [1, 2], ["$.input.a", 3], "${ $.input.a }", "$.input | keys"]
)
def test_items_are_a_list_or_an_expression(value: Json) -> None:
    compile_definition(block(for_each=value, steps=[task("a")]))


# Lists


def test_every_list_is_a_sequence_or_goes_by_needs() -> None:
    inner: Json = [task("b", needs=[]), task("c", needs=[]), task("d", needs=["b", "c"])]
    definition = workflow({"id": "a"}, {"id": "z"})
    definition["steps"].insert(1, {"id": "x", "steps": inner})
    assert edges(definition) == {("a", "x"), ("x", "z"), ("b", "d"), ("c", "d")}
    assert places(definition)["d"] == ("x", 0, 2)


def test_the_output_of_a_sequence_follows_its_last_step() -> None:
    definition = block(steps=[task("a"), task("b")], output={"of": "$.steps.a.output"})
    assert edges(definition) == {("a", "b"), ("b", "x.output")}
    last = rows(definition)["x.output"]
    assert (last["kind"], last["block"], last["list"], last["join_count"]) == ("set", "x", 0, 1)
    assert last["spec"]["reads"] == ["a"]
    assert rows(definition)["x"]["spec"]["lists"] == [{"name": None, "last": "x.output"}]


def test_the_output_of_what_goes_by_needs_is_behind_all() -> None:
    inner: Json = [task("a"), task("b", needs=[])]
    definition = block(for_each=[1], steps=inner, output="$.item")
    assert edges(definition) == {("a", "x.output"), ("b", "x.output")}
    assert rows(definition)["x.output"]["join_count"] == 2


NESTED = """
name: w
steps:
  - {id: a, task: t}
  - id: x
    for_each: $.steps.a.output
    steps:
      - id: y
        parallel:
          left:
            - {id: b, task: t, compensate: {task: u}}
          right:
            - id: z
              switch:
                - {when: $.item.paid, steps: [{id: c, task: t}]}
    output: $.steps.y.output
  - {id: d, task: t}
"""


def test_blocks_in_blocks() -> None:
    compiled = compile_yaml(NESTED)
    assert [
        (row["step"], row["kind"], row["block"], row["list"], row["spec"]["position"])
        for row in compiled["steps"]
    ] == [
        ("a", "task", None, None, 0),
        ("x", "for_each", None, None, 1),
        ("x.compensate", "undo", None, None, 1),
        ("y", "parallel", "x", 0, 2),
        ("y.compensate", "undo", None, None, 2),
        ("b", "task", "y", 0, 3),
        ("b.compensate", "compensation", None, None, 3),
        ("z", "switch", "y", 1, 4),
        ("c", "task", "z", 0, 5),
        ("x.output", "set", "x", 0, 6),
        ("d", "task", None, None, 7),
    ]


def test_a_block_is_undone_where_something_in_it_is_at_any_depth() -> None:
    compiled = compile_yaml(NESTED)
    undone = {(edge["from"], edge["to"]) for edge in compiled["edges"] if edge["kind"] == "undo"}
    assert undone == {(step, f"{step}.compensate") for step in ("x", "y", "b")}
    (row,) = [row for row in compiled["steps"] if row["step"] == "y.compensate"]
    assert row["spec"] == {"position": 2}


def test_every_row_says_where_it_stands_in_the_definition() -> None:
    pointers = {row["step"]: row["pointer"] for row in compile_yaml(NESTED)["steps"]}
    assert pointers["c"] == "/steps/1/steps/0/parallel/right/0/switch/0/steps/0"
    assert pointers["b.compensate"] == "/steps/1/steps/0/parallel/left/0/compensate"
    assert pointers["x.output"] == "/steps/1/output"


def nested(depth: int) -> dict[str, Any]:
    """Return a definition with a task in so many blocks."""
    step = task("t")
    for n in range(depth):
        step = {"id": f"x{n}", "steps": [step]}
    return {"name": "w", "steps": [step]}


def test_sixteen_blocks_around_a_step() -> None:
    assert places(nested(16))["t"] == ("x0", 0, 0)


# What is kept of it


def test_it_is_kept_as_rows(conn: psycopg.Connection[Any]) -> None:
    compiled = compile_yaml(NESTED)
    register_workflow(conn, compiled)
    found = conn.execute(
        "select step, kind, block, list, join_count, spec from onceflow.step"
    ).fetchall()
    names = ("step", "kind", "block", "list", "join_count", "spec")
    told = sorted([tuple(row[name] for name in names) for row in compiled["steps"]])
    assert sorted(found) == told


def test_branches_in_another_order_are_another_version(conn: psycopg.Connection[Any]) -> None:
    text = "{{name: w, steps: [{{id: x, race: {{{}}}}}]}}"
    one, other = "a: [{id: b, task: t}]", "c: [{id: d, task: t}]"
    first = register_workflow(conn, compile_yaml(text.format(f"{one}, {other}")))
    again = register_workflow(conn, compile_yaml(text.format(f"{one}, {other}")))
    swapped = register_workflow(conn, compile_yaml(text.format(f"{other}, {one}")))
    assert [first.version, again.version, swapped.version] == [1, 1, 2]


def test_a_path_that_postgres_refuses_is_found_in_a_case_too(
    conn: psycopg.Connection[Any],
) -> None:
    compiled = compile_definition(block(switch=[{"when": "$.input.x", "steps": [task("a")]}]))
    compiled["steps"][0]["spec"]["lists"][0]["when"] = {"p": "strict $.$", "t": "x"}
    with pytest.raises(Exception, match=r"not a path: strict \$\.\$"):
        register_workflow(conn, compiled)
