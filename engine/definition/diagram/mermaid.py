"""A diagram as Mermaid, which GitHub, GitLab and many editors draw."""

import re
from collections.abc import Iterator
from itertools import count

from .model import Lane, Node

_MARKS = re.compile(r'[#"<>&`\x00-\x1f\x7f]')
"""What Mermaid would take for more than text."""


def mermaid(lane: Lane, title: str) -> str:
    """Return the text of a flowchart."""
    writer = _Writer()
    lines = ["---", f"title: {title}", "---", "flowchart TD", *writer.lane(lane, "  ")]
    return "\n".join(lines) + "\n"


class _Writer:
    """Gives each step a short name of its own, for ids may be words that Mermaid knows."""

    def __init__(self) -> None:
        self._numbers = count()

    def lane(self, lane: Lane, indent: str) -> Iterator[str]:
        """Yield the lines of a list of steps."""
        names = {node.id: f"s{next(self._numbers)}" for node in lane.nodes}
        for node in lane.nodes:
            yield from self.node(node, names[node.id], indent)
        for begin, end in lane.edges:
            arrow = "~~~" if (begin, end) in lane.unseen else "-->"
            yield f"{indent}{names[begin]} {arrow} {names[end]}"
        for begin, end in lane.jumps:
            yield f"{indent}{names[begin]} -.-> {names[end]}"

    def node(self, node: Node, name: str, indent: str) -> Iterator[str]:
        """Yield the lines of a step."""
        text = "<br>".join([f"<b>{_escaped(node.id)}</b>", *map(_escaped, node.lines)])
        if not node.lanes:
            yield f'{indent}{name}["{text}"]'
            return
        yield f'{indent}subgraph {name} ["{text}"]'
        for n, lane in enumerate(node.lanes):
            if not lane.label:
                yield from self.lane(lane, f"{indent}  ")
                continue
            yield f'{indent}  subgraph {name}_{n} ["{_escaped(lane.label)}"]'
            yield from self.lane(lane, f"{indent}    ")
            yield f"{indent}  end"
        yield f"{indent}end"


def _escaped(text: str) -> str:
    return _MARKS.sub(lambda found: f"#{ord(found[0])};", text)
