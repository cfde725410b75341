"""A diagram as SVG: a text that any browser draws, without scripts and without styles.

Its colour is the one around it, so that on a page it is light or dark as the page is.
"""

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final, NamedTuple
from xml.sax.saxutils import escape

from .layers import Placed, Point, Size, place
from .model import Lane, Node

FONT: Final = "system-ui, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"
LETTER: Final = 6.6
"""Width of a letter of a line, on average; of the first, which is bold, a tenth more."""
LINE: Final = 15.0
PAD: Final = 10.0
LABEL: Final = 18.0
MARGIN: Final = 16.0

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


class Drawn(NamedTuple):
    """A part of the picture, from its left upper corner on: its size, and what it is made of."""

    size: Size
    parts: list[str]


def svg(lane: Lane, title: str, *, alone: bool = True) -> str:
    """Return the picture; ``alone``: as a file of its own, else as a part of a page."""
    drawn = _lane(lane)
    width, height = (round(side + 2 * MARGIN) for side in drawn.size)
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
        f'height="{height}" role="img" aria-label="{_text(title, quoted=True)}" '
        f'font-family="{FONT}" font-size="12" fill="currentColor"'
    )
    lines = [f'{head} color="#1b2330">' if alone else f"{head}>"]
    if alone:
        lines += [
            f"<title>{_text(title)}</title>",
            '<rect width="100%" height="100%" fill="#fff"/>',
        ]
    lines += [*_moved(drawn.parts, Point(MARGIN, MARGIN)), "</svg>"]
    return "\n".join(lines) + "\n"


def _lane(lane: Lane) -> Drawn:
    nodes = {node.id: _node(node) for node in lane.nodes}
    placed = place({key: drawn.size for key, drawn in nodes.items()}, lane.edges)
    ways = zip(lane.edges, placed.ways, strict=True)
    parts = [_way(way) for edge, way in ways if edge not in lane.unseen]
    for key, drawn in nodes.items():
        parts += _moved(drawn.parts, placed.steps[key])
    size = placed.size
    if lane.jumps:
        far = size.width + 24.0
        parts += [_jump(placed, nodes, begin, end, far) for begin, end in lane.jumps]
        size = Size(far, size.height)
    return Drawn(size, parts)


def _node(node: Node) -> Drawn:
    text = [*_lines(node)]
    width = max(
        (
            len(line) * LETTER * (1.1 if n == 0 else 1)
            for n, line in enumerate([node.id, *node.lines])
        )
    )
    head = PAD + LINE * (1 + len(node.lines))
    about = f"<title>{_text(node.about)}</title>" if node.about else ""
    if not node.lanes:
        size = Size(max(width + 2 * PAD, 90.0), head + PAD / 2)
        return Drawn(size, [f"<g>{about}", _box(size, 6), *text, "</g>"])
    lanes = [_framed(lane) for lane in node.lanes]
    inner = sum(drawn.size.width for drawn in lanes) + PAD * (len(lanes) - 1)
    size = Size(
        max(width, inner) + 2 * PAD, head + PAD + max(drawn.size.height for drawn in lanes) + PAD
    )
    x = (size.width - inner) / 2
    parts = [f"<g>{about}", _box(size, 10, faint=True), *text]
    for drawn in lanes:
        parts += _moved(drawn.parts, Point(x, head + PAD))
        x += drawn.size.width + PAD
    return Drawn(size, [*parts, "</g>"])


def _framed(lane: Lane) -> Drawn:
    """Return a list of a block, with what it is called."""
    drawn = _lane(lane)
    if not lane.label:
        return drawn
    width = max(drawn.size.width, len(lane.label) * LETTER) + 2 * PAD
    size = Size(width, drawn.size.height + LABEL + 2 * PAD)
    frame = _box(size, 6, faint=True, dashed=True)
    label = f'<text x="{PAD:g}" y="{LABEL:g}" opacity=".75">{_text(lane.label)}</text>'
    corner = Point((width - drawn.size.width) / 2, LABEL + PAD)
    return Drawn(size, [frame, label, *_moved(drawn.parts, corner)])


def _lines(node: Node) -> Iterator[str]:
    y = PAD + 8
    yield f'<text x="{PAD:g}" y="{y:g}" font-weight="600">{_text(node.id)}</text>'
    for line in node.lines:
        y += LINE
        yield f'<text x="{PAD:g}" y="{y:g}" opacity=".75">{_text(line)}</text>'


def _box(size: Size, round_by: int, *, faint: bool = False, dashed: bool = False) -> str:
    fill = 'fill-opacity=".03"' if faint else 'fill-opacity=".06"'
    line = 'stroke-opacity=".35" stroke-dasharray="4 3"' if dashed else 'stroke-opacity=".6"'
    return (
        f'<rect width="{size.width:.1f}" height="{size.height:.1f}" rx="{round_by}" {fill} '
        f'stroke="currentColor" {line}/>'
    )


def _way(way: list[Point]) -> str:
    """Return the line of an edge, with its head."""
    path = f"M{way[0].x:.1f} {way[0].y:.1f}"
    for begin, end in pairwise(way):
        middle = (begin.y + end.y) / 2
        path += (
            f"C{begin.x:.1f} {middle:.1f} {end.x:.1f} {middle:.1f} {end.x:.1f} {end.y:.1f}"
            if begin.x != end.x
            else f"L{end.x:.1f} {end.y:.1f}"
        )
    return f'<path d="{path}" fill="none" stroke="currentColor" stroke-opacity=".7"/>' + _head(
        way[-1]
    )


def _head(at: Point) -> str:
    return f'<path d="M{at.x:.1f} {at.y:.1f}l-4 -7h8z" fill-opacity=".8"/>'


def _jump(placed: Placed, nodes: dict[str, Drawn], begin: str, end: str, far: float) -> str:
    """Return the line of a jump, which runs at the right of all."""
    (x1, y1), (x2, y2) = (
        Point(
            placed.steps[step].x + nodes[step].size.width,
            placed.steps[step].y + nodes[step].size.height / 2,
        )
        for step in (begin, end)
    )
    path = f"M{x1:.1f} {y1:.1f}C{far:.1f} {y1:.1f} {far:.1f} {y2:.1f} {x2 + 7:.1f} {y2:.1f}"
    return (
        f'<path d="{path}" fill="none" stroke="currentColor" stroke-dasharray="5 3"/>'
        f'<path d="M{x2:.1f} {y2:.1f}l7 -4v8z"/>'
    )


def _moved(parts: list[str], to: Point) -> list[str]:
    return [f'<g transform="translate({to.x:.1f} {to.y:.1f})">', *parts, "</g>"]


def _text(text: str, *, quoted: bool = False) -> str:
    return escape(_UNSEEN.sub("�", text), {'"': "&quot;"} if quoted else {})
