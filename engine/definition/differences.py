"""What has changed between two definitions, step by step, wherever the steps stand.

A step is known by its id. It is compared without the steps in it, which are compared by themselves;
a step that stands elsewhere, or in another order, has moved.
"""

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, NamedTuple, cast

from .. import json_text
from ..errors import DefinitionError
from ..json_text import Json
from .layout import Layout
from .source.document import Document, Faults, child
from .workflow import read_workflow

WORKFLOW: Final = ""
"""Stands for the workflow itself, where others are steps."""

_STEPS: Final = "…"
"""Stands for a list of steps in what is compared of a block."""


class Change(NamedTuple):
    """One thing that is different. ``step`` is empty where it is the workflow's own.

    ``key`` is a path within the step, ``with.url``; empty where the step as a whole was added or
    removed, and ``in``, ``behind`` or ``branches`` where it, or what is in it, has moved. What is
    not there is None, as null is.
    """

    step: str
    what: Literal["added", "removed", "changed", "moved"]
    key: str
    old: Json = None
    new: Json = None


@dataclass(slots=True)
class _Outline:
    """Steps without the steps in them, the order of each list, and of the lists of each block."""

    own: dict[str, dict[str, Json]] = field(default_factory=dict[str, dict[str, Json]])
    home: dict[str, str] = field(default_factory=dict[str, str])
    lists: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    branches: dict[str, list[str]] = field(default_factory=dict[str, list[str]])


def differences(
    old: Mapping[str, Any],
    new: Mapping[str, Any],
    old_order: Sequence[str] = (),
    new_order: Sequence[str] = (),
) -> list[Change]:
    """Return what turns one definition into another; equal ones give [].

    The orders are the ids of their steps as they were written, which jsonb does not keep of
    branches; of a definition that comes from a text they are not needed.
    """
    before, after = _outline(old, old_order), _outline(new, new_order)
    moves = _moves(before, after)
    changes = [*_compare(WORKFLOW, "", before.own[WORKFLOW], after.own[WORKFLOW])]
    for step in [*after.own, *(step for step in before.own if step not in after.own)]:
        if step == WORKFLOW:
            continue
        if step not in before.own:
            changes.append(Change(step, "added", "", None, _placed(step, after)))
        elif step not in after.own:
            changes.append(Change(step, "removed", "", _placed(step, before), None))
        else:
            changes += [moves[step]] if step in moves else []
            changes += _reordered(step, before, after)
            changes += _compare(step, "", before.own[step], after.own[step])
    return changes


def _placed(step: str, outline: _Outline) -> Json:
    """Return the keys of a step, with the place of it where that is in a block."""
    home = outline.home[step]
    return {**({"in": home} if home else {}), **outline.own[step]}


def _moves(before: _Outline, after: _Outline) -> dict[str, Change]:
    """Return which steps stand elsewhere now; of a list in another order as few as tell it."""
    moves: dict[str, Change] = {}
    for step in after.home.keys() & before.home.keys():
        if before.home[step] != after.home[step]:
            moves[step] = Change(step, "moved", "in", before.home[step], after.home[step])
    for home, now in after.lists.items():
        was = [step for step in before.lists.get(home, ()) if after.home.get(step) == home]
        now = [step for step in now if before.home.get(step) == home]
        behind_was = dict(zip(was, [None, *was], strict=False))
        behind_now = dict(zip(now, [None, *now], strict=False))
        places = {step: n for n, step in enumerate(was)}
        stay = {now[n] for n in _longest_rise([places[step] for step in now])}
        for step in now:
            if step not in stay:
                moves[step] = Change(step, "moved", "behind", behind_was[step], behind_now[step])
    return moves


def _reordered(block: str, before: _Outline, after: _Outline) -> Iterator[Change]:
    """Yield that the branches of a block have another order."""
    was, now = before.branches.get(block, []), after.branches.get(block, [])
    both = set(was) & set(now)
    was, now = [each for each in was if each in both], [each for each in now if each in both]
    if was != now:
        yield Change(block, "moved", "branches", was, now)


def _longest_rise(numbers: Sequence[int]) -> list[int]:
    """Return the indexes of a longest part, with gaps, in which different numbers rise."""
    ends: list[int] = []
    tails: list[int] = []
    before: list[int | None] = []
    for n, number in enumerate(numbers):
        length = bisect_left(tails, number)
        before.append(ends[length - 1] if length else None)
        tails[length : length + 1] = [number]
        ends[length : length + 1] = [n]
    rise: list[int] = []
    at = ends[-1] if ends else None
    while at is not None:
        rise.append(at)
        at = before[at]
    return rise


def _compare(step: str, key: str, old: Json, new: Json) -> Iterator[Change]:
    if isinstance(old, dict) and isinstance(new, dict):
        was, now = cast(dict[str, Json], old), cast(dict[str, Json], new)
        for name in [*now, *(name for name in was if name not in now)]:
            path = f"{key}.{name}" if key else name
            if name not in was:
                yield Change(step, "added", path, None, now[name])
            elif name not in now:
                yield Change(step, "removed", path, was[name], None)
            else:
                yield from _compare(step, path, was[name], now[name])
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):  # pyright: ignore[reportUnknownArgumentType]
        pairs = zip(cast(list[Json], old), cast(list[Json], new), strict=True)
        for n, (was, now) in enumerate(pairs):
            yield from _compare(step, f"{key}[{n}]", was, now)
    elif isinstance(old, bool) != isinstance(new, bool) or old != new:
        yield Change(step, "changed", key, old, new)


def _outline(definition: Mapping[str, Any], order: Sequence[str]) -> _Outline:
    """Return the outline of a definition; one that is refused by now is read as far as it goes."""
    document = Document.of(json_text.decode_exact(json_text.encode(definition)))
    faults = Faults(document)
    try:
        layout = Layout(read_workflow(document, faults).steps, faults)
        steps = {step.pointer: step.id for step, _ in layout.steps}
    except DefinitionError:
        steps = {}
    outline = _Outline()
    reader = _Reader(steps, {pointer.rpartition("/")[0] for pointer in steps}, outline)
    outline.own[WORKFLOW] = reader.own(document.value, "", WORKFLOW, "")
    places = {step: n for n, step in enumerate(order or outline.own)}
    for ids in outline.lists.values():
        ids.sort(key=lambda step: places.get(step, -1))
    for home in sorted(outline.lists, key=lambda home: places.get(outline.lists[home][0], -1)):
        block, _, path = home.partition(".")
        outline.branches.setdefault(block, []).append(path)
    return outline


class _Reader(NamedTuple):
    """Takes a document apart. ``steps`` are ids by pointer, ``lists`` the pointers of lists."""

    steps: Mapping[str, str]
    lists: set[str]
    outline: _Outline

    def own(self, value: Json, pointer: str, step: str, path: str) -> Any:
        """Return a value of a step without the steps in it, which are noted."""
        if pointer in self.lists and isinstance(value, list):
            for n, item in enumerate(cast(list[Json], value)):
                self._note(item, child(pointer, n), f"{step}.{path}" if step else "")
            return _STEPS
        if isinstance(value, dict):
            return {
                key: self.own(item, child(pointer, key), step, f"{path}.{key}" if path else key)
                for key, item in cast(dict[str, Json], value).items()
            }
        if isinstance(value, list):
            items = enumerate(cast(list[Json], value))
            return [self.own(item, child(pointer, n), step, f"{path}[{n}]") for n, item in items]
        return value

    def _note(self, value: Json, pointer: str, home: str) -> None:
        step = self.steps.get(pointer)
        if step is None:  # an id that stands twice
            return
        self.outline.home[step] = home
        self.outline.lists.setdefault(home, []).append(step)
        self.outline.own[step] = {}  # before those in it
        own = self.own(value, pointer, step, "")
        self.outline.own[step] |= {key: item for key, item in own.items() if key != "id"}
