"""Where the steps of a list stand: in layers from the top down, each below all that it needs.

The usual way for such graphs: layers by the longest path, an order within each that has few
crossings, then places near those that a step is joined with. Lines that pass a layer have a place
in it as steps do, so that they run through no step.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Final, NamedTuple

GAP_X: Final = 28.0
GAP_Y: Final = 34.0
PASSING: Final = 8.0
"""Width of a line that passes a layer."""
MOST_PASSING: Final = 4000
"""With more of them lines run straight: what they would make is a carpet in any case."""
SWEEPS: Final = 6


class Size(NamedTuple):
    """Width and height of a step."""

    width: float
    height: float


NOTHING: Final = Size(0, 0)


class Point(NamedTuple):
    """A place, from the left upper corner of the list."""

    x: float
    y: float


@dataclass(slots=True)
class Placed:
    """The left upper corner of each step, the way of each edge, and the size of all together."""

    steps: dict[str, Point] = field(default_factory=dict[str, Point])
    ways: list[list[Point]] = field(default_factory=list[list[Point]])
    size: Size = NOTHING


def place(sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]]) -> Placed:
    """Return where steps stand; the edges make no circle, and sizes are in the order written."""
    layer = _layers(sizes, edges)
    chains = _chains(layer, edges)
    rows = _rows(sizes, layer, chains)
    width = {
        key: sizes[key].width if isinstance(key, str) else PASSING for row in rows for key in row
    }
    above: dict[_Key, list[_Key]] = defaultdict(list)
    below: dict[_Key, list[_Key]] = defaultdict(list)
    for chain in chains:
        for upper, lower in pairwise(chain):
            above[lower].append(upper)
            below[upper].append(lower)
    for sweep in range(SWEEPS):
        joined, order = (above, rows) if sweep % 2 == 0 else (below, rows[::-1])
        _reorder(order, joined)
    centres = _centres(rows, width, above, below)
    return _measured(rows, centres, width, sizes, layer, chains)


_Key = str | tuple[int, int]
"""A step, or the place in a layer of an edge that passes it: (edge, layer)."""


def _layers(sizes: Mapping[str, Size], edges: Sequence[tuple[str, str]]) -> dict[str, int]:
    needs: dict[str, list[str]] = {key: [] for key in sizes}
    followers: dict[str, list[str]] = {key: [] for key in sizes}
    for begin, end in edges:
        needs[end].append(begin)
        followers[begin].append(end)
    open_needs = {key: len(before) for key, before in needs.items()}
    ready = [key for key, number in open_needs.items() if number == 0]
    layer = dict.fromkeys(sizes, 0)
    for key in ready:
        for follower in followers[key]:
            layer[follower] = max(layer[follower], layer[key] + 1)
            open_needs[follower] -= 1
            if open_needs[follower] == 0:
                ready.append(follower)
    return layer


def _chains(layer: Mapping[str, int], edges: Sequence[tuple[str, str]]) -> list[list[_Key]]:
    """Return each edge as what it joins, layer by layer."""
    passing = sum(layer[end] - layer[begin] - 1 for begin, end in edges)
    if passing > MOST_PASSING:
        return [[begin, end] for begin, end in edges]
    return [
        [begin, *((n, between) for between in range(layer[begin] + 1, layer[end])), end]
        for n, (begin, end) in enumerate(edges)
    ]


def _rows(
    sizes: Mapping[str, Size], layer: Mapping[str, int], chains: Sequence[Sequence[_Key]]
) -> list[list[_Key]]:
    rows: list[list[_Key]] = [[] for _ in range(max(layer.values(), default=-1) + 1)]
    for key in sizes:
        rows[layer[key]].append(key)
    for chain in chains:
        for key in chain:
            if isinstance(key, tuple):
                rows[key[1]].append(key)
    return rows


def _reorder(rows: Sequence[list[_Key]], joined: Mapping[_Key, Sequence[_Key]]) -> None:
    """Sort each row by where those stand that its members are joined with in the row before."""
    place: dict[_Key, int] = {}
    for row in rows:
        own = {key: n for n, key in enumerate(row)}
        row.sort(
            key=lambda key: (
                sum(place[other] for other in joined[key] if other in place) / len(joined[key])
                if joined.get(key)
                else own[key]
            )
        )
        place |= {key: n for n, key in enumerate(row)}


def _centres(
    rows: Sequence[Sequence[_Key]],
    width: Mapping[_Key, float],
    above: Mapping[_Key, Sequence[_Key]],
    below: Mapping[_Key, Sequence[_Key]],
) -> dict[_Key, float]:
    """Return the middle of each, near those that it is joined with."""
    centres: dict[_Key, float] = {}
    for row in rows:
        _spread(row, width, dict.fromkeys(row, 0.0), centres)
    for joined, order in ((above, rows), (below, rows[::-1]), (above, rows)):
        for row in order:
            wanted = {
                key: sum(centres[other] for other in joined[key]) / len(joined[key])
                if joined.get(key)
                else centres[key]
                for key in row
            }
            _spread(row, width, wanted, centres)
    return centres


def _spread(
    row: Sequence[_Key],
    width: Mapping[_Key, float],
    wanted: Mapping[_Key, float],
    centres: dict[_Key, float],
) -> None:
    """Put the members of a row beside each other, as near as can be to where each would stand."""
    right = float("-inf")
    moved = 0.0
    for key in row:
        centres[key] = max(wanted[key], right + width[key] / 2)
        right = centres[key] + width[key] / 2 + GAP_X
        moved += centres[key] - wanted[key]
    for key in row:
        centres[key] -= moved / len(row)


def _measured(
    rows: Sequence[Sequence[_Key]],
    centres: Mapping[_Key, float],
    width: Mapping[_Key, float],
    sizes: Mapping[str, Size],
    layer: Mapping[str, int],
    chains: Sequence[Sequence[_Key]],
) -> Placed:
    left = min((centres[key] - width[key] / 2 for row in rows for key in row), default=0.0)
    right = max((centres[key] + width[key] / 2 for row in rows for key in row), default=0.0)
    tops: list[float] = []
    y = 0.0
    tall: list[float] = []
    for row in rows:
        tops.append(y)
        tall.append(max((sizes[key].height for key in row if isinstance(key, str)), default=0.0))
        y += tall[-1] + GAP_Y
    placed = Placed(size=Size(right - left, max(y - GAP_Y, 0.0)))
    for key, size in sizes.items():
        corner = Point(centres[key] - left - size.width / 2, tops[layer[key]])
        placed.steps[key] = corner
    for chain in chains:
        begin, *between, end = chain
        assert isinstance(begin, str)
        assert isinstance(end, str)
        x = centres[begin] - left
        way = [Point(x, placed.steps[begin].y + sizes[begin].height)]
        # First down beside those of its layer that are taller.
        way.append(Point(x, tops[layer[begin]] + tall[layer[begin]]))
        for key in between:
            assert isinstance(key, tuple)
            x = centres[key] - left
            way += [Point(x, tops[key[1]]), Point(x, tops[key[1]] + tall[key[1]])]
        placed.ways.append([*way, Point(centres[end] - left, placed.steps[end].y)])
    return placed
