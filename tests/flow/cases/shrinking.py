"""A case that fails is made as small as it still fails: calls and parts of its definition go."""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from typing import Any, cast

from .case import Case
from .drawn import CHAINS, FANS, Document
from .scripts import Call

Json = Any

OPTIONS = (
    *("when", "on_failure", "default", "timeout", "undo", "join", "tolerate", "max_parallel"),
    *("output", "compensate", "as", "else", "catch", "retry", "delay", "detach"),
    *("key", "version", "start_timeout", "total_timeout"),
)
CONSTANTS: dict[str, Json] = {"when": True, "until": True, "while": False, "with": {}}
"""What stands in place of an expression that sees what has gone; elsewhere it is 1."""


def shrink(case: Case, fails: Callable[[Case], bool], seconds: float = 60) -> Case:
    """Return the smallest case found in this time that still fails."""
    until = time.monotonic() + seconds

    def still(smaller: Case) -> bool:
        return time.monotonic() < until and fails(smaller)

    before = None
    while case != before:
        before = case
        case = _with_fewer_calls(case, still)
        for smaller in (_smaller_documents, _plainer_scripts):
            case = _with_less(case, smaller, still)
    return case


def _with_fewer_calls(case: Case, fails: Callable[[Case], bool]) -> Case:
    length = len(case.script)
    while length:
        at = 0
        while at < len(case.script):
            smaller = replace(case, script=case.script[:at] + case.script[at + length :])
            if fails(smaller):
                case = smaller
            else:
                at += length
        length //= 2
    return case


def _with_less(
    case: Case, smaller: Callable[[Case], Iterator[Case]], fails: Callable[[Case], bool]
) -> Case:
    """Try each step to what is smaller; after one that can be taken go on at its place."""
    at = 0
    while (found := next(islice(smaller(case), at, None), None)) is not None:
        if found != case and fails(found):
            case = found
        else:
            at += 1
    return case


def _plainer_scripts(case: Case) -> Iterator[Case]:
    for n, call in enumerate(case.script):
        for plain in (Call("complete", 1), replace(call, how=0), replace(call, pick=2)):
            if (call.how, call.pick) > (plain.how, plain.pick):
                yield replace(case, script=(*case.script[:n], plain, *case.script[n + 1 :]))


def _smaller_documents(case: Case) -> Iterator[Case]:
    for document in _documents(case.document):
        yield replace(case, document=document)
    for n, child in enumerate(case.children):
        for document in _documents(child):
            children = (*case.children[:n], document, *case.children[n + 1 :])
            yield replace(case, children=children)


def _documents(document: Document) -> Iterator[Document]:
    """Yield the definition without a list, a step, or what may be left out of one."""
    for n in range(sum(1 for _ in _lists(document))):
        for change in _changes(list(_lists(document))[n]):
            made = copy.deepcopy(document)
            change(list(_lists(made))[n])
            yield _mended(made)
    for key in ("deadline", "output", "signals", "on_failed"):
        if key in document:
            yield {name: part for name, part in document.items() if name != key}
    for policy in ("compensate", "suspend"):
        if document["on_failure"] not in (policy, "compensate"):
            yield {**document, "on_failure": policy}


def _changes(steps: list[Document]) -> Iterator[Callable[[list[Document]], object]]:
    """Yield what makes a list of steps less."""
    for n, step in enumerate(steps):
        if len(steps) > 1:
            yield lambda made, n=n: made.pop(n)
        for inner in range(len(_own_lists(step))):
            yield lambda made, n=n, inner=inner: _hoist(made, n, inner)
        if any(kind in step for kind in (*FANS, *CHAINS)):
            yield lambda made, n=n: _put(made, n, {"id": made[n]["id"], "task": "work"})
    for n, step in enumerate(steps):
        for option in OPTIONS:
            if option in step:
                yield lambda made, n=n, option=option: made[n].pop(option)
        for kind in ("switch", "parallel", "race"):
            names = step.get(kind, ())
            for at in range(len(names) if len(names) > 1 else 0):
                yield lambda made, n=n, kind=kind, at=at: _drop(made[n][kind], at)
        if step.get("for_each", [1, 2]) not in ([1, 2], [1]):
            yield lambda made, n=n: made[n].update(for_each=[1, 2])
        if step.get("for_each") == [1, 2]:
            yield lambda made, n=n: made[n].update(for_each=[1])
        if step.get("with", {}) != {}:
            yield lambda made, n=n: made[n].pop("with")
        if step.get("set", 1) != 1:
            yield lambda made, n=n: made[n].update(set=1)
        if step.get("compensate", {"task": "undo"}) != {"task": "undo"}:
            yield lambda made, n=n: made[n].update(compensate={"task": "undo"})
        if step.get("needs"):
            yield lambda made, n=n: made[n].update(needs=made[n]["needs"][1:])
    if steps and all("needs" in step for step in steps):
        yield lambda made: [step.pop("needs") for step in made]


def _put(steps: list[Document], n: int, step: Document) -> None:
    steps[n] = step if "needs" not in steps[n] else {**step, "needs": steps[n]["needs"]}


def _hoist(steps: list[Document], n: int, inner: int) -> None:
    """Put one of a block's lists in its place."""
    lifted = _own_lists(steps[n])[inner]
    by_needs = "needs" in steps[n]
    needs = steps[n].get("needs", [])
    for step in lifted:
        own = step.pop("needs", [])
        if by_needs:
            step["needs"] = own or needs
    steps[n : n + 1] = lifted


def _drop(branches: Json, at: int) -> None:
    if isinstance(branches, list):
        del branches[at]
    else:
        del branches[list(branches)[at]]


def _own_lists(step: Document) -> list[list[Document]]:
    """Return the lists of a block, branches that are steps as lists of one."""
    found: list[list[Document]] = []
    for key in ("steps", "try", "repeat", "else"):
        found += [step[key]] if step.get(key) else []
    found += [part["steps"] for key in ("switch", "catch") for part in step.get(key, [])]
    for key in ("parallel", "race"):
        branches: Json = step.get(key, {})
        if isinstance(branches, dict):
            found += cast("dict[str, list[Document]]", branches).values()
        else:
            found += [[one] for one in branches]
    return [part for part in found if part]


def _lists(part: Document) -> Iterator[list[Document]]:
    """Yield the lists of a definition, the outer first."""
    for steps in _own_lists(part):
        yield steps
        for step in steps:
            yield from _lists(step)


def _mended(document: Document) -> Document:
    """Return a definition without what names steps that are gone."""
    ids = {step["id"] for steps in _lists(document) for step in steps}

    def mend(tree: Json, key: str = "") -> Json:
        if isinstance(tree, dict):
            members = cast("dict[str, Json]", tree)
            return {name: mend(part, name) for name, part in members.items()}
        if isinstance(tree, list):
            items = cast("list[Json]", tree)
            if key == "needs":
                return [name for name in items if name in ids]
            return [mend(part, key) for part in items]
        if key == "goto":
            return tree if tree in ids else "end"
        if isinstance(tree, str) and tree.startswith("$.steps."):
            return tree if tree.split(".")[2] in ids else CONSTANTS.get(key, 1)
        return tree

    return mend(document)
