"""Where a diagram puts steps: below what they need, beside each other, no line through a step."""

from itertools import combinations, pairwise

from hypothesis import given
from hypothesis import strategies as st

from onceflow.engine.definition import check_definition
from onceflow.engine.definition.diagram.layers import Placed, Size, place
from onceflow.engine.definition.diagram.model import Lane, diagram_of

from .support import workflow

EDGES = st.integers(1, 14).flatmap(
    lambda count: st.lists(
        st.tuples(st.integers(0, count), st.integers(0, count)).filter(
            lambda edge: edge[0] < edge[1]
        ),
        max_size=30,
        unique=True,
    ).map(lambda edges: (count + 1, edges))
)


def placed(count: int, edges: list[tuple[int, int]]) -> tuple[Placed, dict[str, Size]]:
    sizes = {f"s{n}": Size(60 + n % 3 * 40, 30 + n % 4 * 30) for n in range(count)}
    return place(sizes, [(f"s{a}", f"s{b}") for a, b in edges]), sizes


@given(EDGES)
def test_steps_stand_apart_and_below_what_they_need(
    drawn: tuple[int, list[tuple[int, int]]],
) -> None:
    found, sizes = placed(*drawn)
    corners = found.steps
    for a, b in drawn[1]:
        assert corners[f"s{b}"].y >= corners[f"s{a}"].y + sizes[f"s{a}"].height
    for a, b in combinations(sizes, 2):
        beside = (
            corners[a].x + sizes[a].width <= corners[b].x
            or corners[b].x + sizes[b].width <= corners[a].x
        )
        over = (
            corners[a].y + sizes[a].height <= corners[b].y
            or corners[b].y + sizes[b].height <= corners[a].y
        )
        assert beside or over
    for key, corner in corners.items():
        assert -0.01 <= corner.x <= found.size.width - sizes[key].width + 0.01
        assert 0 <= corner.y <= found.size.height - sizes[key].height + 0.01


@given(EDGES)
def test_no_line_runs_down_through_a_step(drawn: tuple[int, list[tuple[int, int]]]) -> None:
    found, sizes = placed(*drawn)
    for way in found.ways:
        for begin, end in pairwise(way):
            if begin.x != end.x:  # between two layers
                continue
            for key, corner in found.steps.items():
                inside = corner.x < begin.x < corner.x + sizes[key].width
                assert not inside or end.y <= corner.y or begin.y >= corner.y + sizes[key].height


def diagram(*steps: object) -> Lane:
    return diagram_of(check_definition({"name": "w", "steps": [*steps]}))


def test_jumps_are_drawn_and_what_is_never_passed_is_not() -> None:
    lane = diagram(
        {"id": "a", "task": "t"},
        {"id": "again", "when": "$.steps.a.output.more", "goto": "a"},
        {"id": "skip", "goto": "d"},
        {"id": "c", "task": "t"},
        {"id": "d", "task": "t"},
        {"id": "stop", "goto": "end"},
    )
    assert lane.jumps == [("again", "a"), ("skip", "d")]
    assert lane.unseen == {("skip", "c")}


def test_lists_of_a_block_are_told_apart() -> None:
    steps = [{"id": "s", "task": "t"}]
    switch = {
        "id": "x",
        "switch": [{"when": "$.input.a", "steps": steps}],
        "else": [{"id": "e", "task": "t"}],
    }
    (node,) = diagram(switch).nodes
    assert [lane.label for lane in node.lanes] == ["when $.input.a", "else"]
    handled = {
        "id": "x",
        "try": steps,
        "catch": [{"errors": ["a.*", "b"], "steps": [{"id": "c", "task": "t"}]}],
    }
    (node,) = diagram(handled).nodes
    assert [lane.label for lane in node.lanes] == ["try", "catch errors a.*, b"]
    (node,) = diagram({"id": "x", "repeat": steps, "until": "$.round > 3", "limit": 9}).nodes
    assert [lane.label for lane in node.lanes] == [""]
    assert node.lines == ["repeat", "until $.round > 3 · limit 9"]


def test_a_wide_definition_is_drawn() -> None:
    lane = diagram_of(check_definition(workflow(*({"id": f"s{n}"} for n in range(300)))))
    assert len(lane.edges) == 299
