"""What a diagram shows of a definition: lists of steps in their order, blocks with lists."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, cast

from ... import json_text
from ...json_text import Json
from ..compiler import Checked
from ..layout import StepList
from ..source.document import child
from ..steps.block import Block
from ..steps.kinds import KINDS
from ..steps.step import Step

LONGEST: Final = 44
"""Characters of a line."""
_COMMON: Final = {
    key
    for kind in KINDS.values()
    for key in kind.members.keys
    if all(key in other.members.keys for other in KINDS.values())
}


@dataclass(slots=True)
class Node:
    """A step: its id, lines about it, and of a block its lanes. ``about`` is its description."""

    id: str
    kind: str
    lines: list[str]
    about: str = ""
    lanes: list["Lane"] = field(default_factory=list["Lane"])


@dataclass(slots=True)
class Lane:
    """A list of steps: what it is called where that tells something, and what follows what.

    ``jumps`` lead elsewhere in the list than its order does; edges from those that always jump are
    ``unseen``: they tell where steps stand, and nothing goes along them.
    """

    label: str
    nodes: list[Node]
    edges: list[tuple[str, str]]
    jumps: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    unseen: set[tuple[str, str]] = field(default_factory=set[tuple[str, str]])


def diagram_of(checked: Checked, order: Sequence[str] = ()) -> Lane:
    """Return what is drawn of a definition.

    ``order`` are the ids of its steps as they were written, where it comes out of a database, which
    does not keep the order of branches.
    """
    places = {step: n for n, step in enumerate(order)}
    inside: dict[str, list[StepList]] = {}
    top, *others = checked.layout.lists
    for home in others:
        if home.block is not None:
            inside.setdefault(home.block.id, []).append(home)
    for homes in inside.values():
        homes.sort(key=lambda home: places.get(next(iter(home.steps), ""), -1))
    return _Drawing(checked, inside).lane(top)


@dataclass(slots=True)
class _Drawing:
    checked: Checked
    inside: dict[str, list[StepList]]

    def lane(self, home: StepList) -> Lane:
        """Return a list of steps."""
        graph = self.checked.orders[home].graph
        nodes = [self.node(step) for step in home.steps.values()]
        targets = {
            step.id: target
            for step in home.steps.values()
            if (target := step.leads_to()) is not None
        }
        lane = Lane(self.label(home), nodes, [*graph.edges()])
        lane.jumps = [(step, to) for step, to in targets.items() if to in home.steps]
        always = {step for step in targets if home.steps[step].when is None}
        lane.unseen = {edge for edge in lane.edges if edge[0] in always} - {*lane.jumps}
        return lane

    def node(self, step: Step) -> Node:
        """Return a step."""
        kind = step.kind()
        if "." in step.id:  # the `output` of a block
            return Node(step.id, kind, [f"output {_short(self.value(step.pointer))}".rstrip()])
        raw = cast(dict[str, Json], self.value(step.pointer))
        given = raw.get(kind)
        lines = [_line(kind, given if isinstance(given, str) else "")]
        if isinstance(step, Block):
            others = [key for key in raw if key not in {*_COMMON, kind, "output"}]
            told = [_line(key, raw[key]) for key in others if isinstance(raw[key], str | int)]
            lines += [" · ".join(told)] if told else []
        if "when" in raw:
            lines.append(_line("when", raw["when"]))
        undo = raw.get("compensate")
        if isinstance(undo, dict):
            lines.append(_line("undone by", cast(dict[str, Json], undo).get("task")))
        lanes = [self.lane(home) for home in self.inside.get(step.id, ()) if home.steps]
        return Node(step.id, kind, lines, str(raw.get("description", "")), lanes)

    def label(self, home: StepList) -> str:
        """Return what tells a list from the others of its block: its name, or its condition."""
        first = next(iter(home.steps.values()), None)
        if home.block is None or first is None:
            return ""
        path = first.pointer.removeprefix(f"{home.block.pointer}/").split("/")
        branch = home.block.lists[home.number or 0]
        if branch.name is not None:
            return branch.name
        if len(path) < 4:  # KEY/N: the only list under that key
            return "" if len(self.inside[home.block.id]) == 1 else path[0]
        case = self.value(child(child(home.block.pointer, path[0]), path[1]))
        told = [_line(key, value) for key, value in case.items() if key != "steps"]
        return " · ".join(told) if "when" in case else " ".join([path[0], *told])

    def value(self, pointer: str) -> Json:
        """Return what stands at a pointer of the definition."""
        value: Any = self.checked.document.value
        for part in pointer.split("/")[1:]:
            key = part.replace("~1", "/").replace("~0", "~")
            value = cast(Any, value[int(key)] if isinstance(value, list) else value[key])
        return value


def _line(key: str, value: Json) -> str:
    return _cut(f"{key} {_short(value)}".rstrip())


def _short(value: Json) -> str:
    if isinstance(value, list):
        return ", ".join(map(_short, cast(list[Json], value)))
    return value if isinstance(value, str) else json_text.encode(value)


def _cut(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
