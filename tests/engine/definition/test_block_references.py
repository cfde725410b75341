"""What expressions see in blocks: their own list, and what the blocks around them see."""

from typing import Any

import pytest

from onceflow.engine.definition import compile_definition
from onceflow.engine.json_text import Json

from .support import faults_of
from .test_blocks import task


def definition(**texts: Json) -> dict[str, Any]:
    """Return ``before``, then ``x`` for each item of an array, in it ``p``; then ``behind``.

    Of each step that is named in ``texts`` that is the input; ``*_when`` is its condition,
    ``output`` the workflow's, ``x_output`` that of ``x``, ``items`` and ``case`` what is evaluated
    for blocks.
    """

    def step(name: str, **members: Json) -> dict[str, Json]:
        made = task(name, **members)
        if name in texts:
            made["with"] = {"v": texts[name]}
        if f"{name}_undo" in texts:
            made["compensate"] = {"task": "u", "with": {"v": texts[f"{name}_undo"]}}
        return made

    switch = [
        {"when": texts.get("case", True), "steps": [step("left1"), step("left2")]},
        {"when": True, "steps": [step("right")]},
    ]
    x: dict[str, Json] = {
        "id": "x",
        "for_each": texts.get("items", "$.input"),
        "as": "order",
        "steps": [step("first"), {"id": "p", "switch": switch}, step("last")],
    }
    if "x_output" in texts:
        x["output"] = texts["x_output"]
    found: dict[str, Any] = {"name": "w", "steps": [step("before"), x, step("behind")]}
    if "output" in texts:
        found["output"] = texts["output"]
    return found


@pytest.mark.parametrize(
    ("where", "text"),
    [
        ("first", "$.steps.before.output"),
        ("left2", "$.steps.left1.output"),
        ("left1", "$.steps.first.state"),
        ("left1", "$.steps.before.output"),
        ("last", "$.steps.p.output"),
        ("left1", "$.item.id"),
        ("left1", "$.index + 1"),
        ("left1", "$.order.id"),
        ("left1", "$.order_index"),
        ("case", "$.item.paid"),
        ("case", "$.steps.first.output.paid"),
        ("left1_undo", "$.item"),
        ("left2_undo", "$.steps.left1.output"),
        ("x_output", "$.steps.last.output"),
        ("x_output", "$.order"),
        ("behind", "$.steps.x.output"),
        ("behind", "$.steps.x.errors[*].index"),
        ("output", "$.steps.x.output[0]"),
        ("items", "$.steps.before.output"),
    ],
)
def test_seen(where: str, text: str) -> None:
    compile_definition(definition(**{where: text}))


@pytest.mark.parametrize(
    ("where", "text", "fault"),
    [
        ("left1", "$.steps.left2.output", "'left2' may not have ended when 'left1' begins; let"),
        ("left1", "$.steps.last.output", "'last' may not have ended when 'p' begins; let 'p' need"),
        ("left1", "$.steps.behind.output", "'behind' may not have ended when 'x' begins; let 'x'"),
        ("left1", "$.steps.p.output", "'p' is the block that 'left1' stands in, and has no output"),
        ("left1", "$.steps.x.output", "'x' is the block that 'left1' stands in, and has no output"),
        (
            "right",
            "$.steps.left1.output",
            "'left1' stands in another list of 'p'; its lists do not see each other",
        ),
        (
            "last",
            "$.steps.left1.output",
            "'left1' stands in the block 'p', of which only the output is seen: $.steps.p.output",
        ),
        ("behind", "$.steps.left1.output", "only the output is seen: $.steps.x.output"),
        ("output", "$.steps.first.output", "only the output is seen: $.steps.x.output"),
        ("x_output", "$.steps.right.output", "only the output is seen: $.steps.p.output"),
        ("x_output", "$.steps.x.output", "'x' is the block that 'x.output' stands in"),
        ("last", '$.steps."x.output".output', "there is no step 'x.output'"),
        ("behind", '$.steps."x.output".output', "there is no step 'x.output'"),
        ("items", "$.steps.first.output", "only the output is seen: $.steps.x.output"),
        ("items", "$.steps.x.output", "this is of step 'x' itself; name a step before it"),
        ("case", "$.steps.left1.output", "only the output is seen: $.steps.p.output"),
        ("left1_undo", "$.steps.left2.output", "'left2' may not have ended when 'left1' begins"),
        ("behind", "$.item", "only the steps of a `for_each` see $.item"),
        ("items", "$.index", "only the steps of a `for_each` see $.index"),
        ("output", "$.item", "only the steps of a `for_each` see $.item"),
        ("behind", "$.order", "there is no $.order; there is $.input, $.steps or $.instance"),
        (
            "left1",
            "$.odrer.id",
            "there is no $.odrer; there is $.input, $.steps, $.instance, $.item, $.index, $.order "
            "or $.order_index; did you mean 'order'?",
        ),
        ("left1", "$.round", "only a `repeat` and its steps see $.round"),
        ("left1", "$.error", "only the steps of a `catch` see $.error"),
        ("behind", "$.steps.before.errors", "$.steps.before has output, state or error, not"),
        ("behind", "$.steps.x.caught", "$.steps.x has output, state, error or errors, not"),
        ("left1", "$.steps.frist.output", "there is no step 'frist'; did you mean 'first'?"),
    ],
)
def test_not_seen(where: str, text: str, fault: str) -> None:
    found = faults_of(definition(**{where: text}))
    assert len(found) == 1
    assert f"{text}: " in found[0]
    assert fault in found[0]


def test_items_of_all_blocks_around_are_seen_by_their_names() -> None:
    inner: Json = [task("a", **{"with": {"x": "$.order.id", "y": "$.line.id", "z": "$.item"}})]
    lines: Json = {"id": "y", "for_each": "$.order.lines", "as": "line", "steps": inner}
    outer: Json = {"id": "x", "for_each": "$.input", "as": "order", "steps": [lines]}
    compile_definition({"name": "w", "steps": [outer]})


def test_reads_are_of_the_own_list_and_of_those_around() -> None:
    compiled = compile_definition(
        definition(
            left2=["$.steps.left1.output", "$.steps.first.output", "$.steps.before.output"],
            case="$.steps.first.output.x == $.steps.before.output.x",
            items="$.steps.before.output",
        )
    )
    reads = {row["step"]: row["spec"]["reads"] for row in compiled["steps"]}
    assert reads["left2"] == ["before", "first", "left1"]
    assert reads["p"] == ["before", "first"]
    assert reads["x"] == ["before"]


def test_config_is_told_of_cases_and_items_too() -> None:
    compiled = compile_definition(
        definition(case='${ $config.MODE == "fast" }', items="${ $config.SHOPS }")
    )
    config = {row["step"]: row["spec"].get("config") for row in compiled["steps"]}
    assert config["p"] == ["MODE"]
    assert config["x"] == ["SHOPS"]
