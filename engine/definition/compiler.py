"""From a document to the rows of a workflow version: steps, edges, and trees for expressions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from .common.graph import Ancestors, Graph
from .common.mends import did_you_mean
from .expressions.references import Scope
from .expressions.trees import Compiled
from .source.document import Document, Faults, child
from .steps.keys import WORKFLOW


@dataclass(frozen=True, slots=True)
class Step:
    """A step as it was written: where, which one of them, and its sound members."""

    pointer: str
    position: int
    members: dict[str, Any]


Steps = dict[str, Step]
"""By id, in the order written."""

_NO_INPUT = Compiled({"v": {}})


def compile_definition(source: Document | Mapping[str, Any]) -> dict[str, Any]:
    """Compile a definition to what register_workflow takes; the same source gives the same result.

    Durations become seconds, expressions trees; a retry that is given gets its missing members.
    Raises DefinitionError with every fault and its place.
    """
    document = source if isinstance(source, Document) else Document.of(source)
    faults = Faults(document)
    workflow = WORKFLOW.read(document.value, "", faults) or {}
    output: Compiled | None = workflow.get("output")
    steps = _steps_by_id(workflow.get("steps") or [], faults)
    graph = Graph(_needs(steps, faults))
    ancestors = _ancestors(graph, steps, faults)
    _check_references(steps, output, ancestors, faults)
    faults.raise_any()
    return {
        "name": workflow["name"],
        "definition": document.value,
        "input_schema": workflow.get("input"),
        "output": output.tree if output else None,
        "output_reads": _reads(steps, output) if output else [],
        "on_failure": workflow.get("on_failure", "compensate"),
        "deadline": workflow.get("deadline"),
        "steps": _step_rows(steps, graph),
        "edges": _edge_rows(steps, graph),
    }


def _steps_by_id(found: list[dict[str, Any] | None], faults: Faults) -> Steps:
    steps: Steps = {}
    for n, step in enumerate(found):
        pointer = child("/steps", n)
        if step is None or "id" not in step:
            continue
        if step["id"] in steps:
            taken = f"{step['id']!r} is the id of {steps[step['id']].pointer} already; take another"
            faults.add(f"{pointer}/id", taken)
            continue
        steps[step["id"]] = Step(pointer, len(steps), step)
    return steps


# Order


def _needs(steps: Steps, faults: Faults) -> dict[str, list[str]]:
    """Return what each step needs: as given, or where none is given, the step before it."""
    given = any("needs" in step.members for step in steps.values())
    needs: dict[str, list[str]] = {}
    previous: list[str] = []
    for name, step in steps.items():
        if not given:
            needs[name] = previous
            previous = [name]
            continue
        if "needs" not in step.members and needs:
            faults.add(
                step.pointer,
                "another step has `needs`, so all but the first must have it; "
                "give the steps that must end before this one, or [] to start at once",
            )
        needs[name] = []
        for n, need in enumerate(step.members.get("needs", [])):
            if need == name:
                faults.add(f"{step.pointer}/needs/{n}", f"{name!r} needs itself; take it out")
            elif need not in steps:
                mend = did_you_mean(need, steps)
                faults.add(f"{step.pointer}/needs/{n}", f"there is no step {need!r}{mend}")
            else:
                needs[name].append(need)
    return needs


def _ancestors(graph: Graph, steps: Steps, faults: Faults) -> Ancestors | None:
    """Return who has ended before whom; None where steps go in a circle, which is a fault."""
    cycles = graph.cycles()
    for cycle in cycles:
        ring = " → ".join(cycle)
        place = f"{steps[cycle[0]].pointer}/needs"
        faults.add(place, f"the steps wait for each other: {ring}; break the circle")
    return None if cycles else Ancestors(graph)


# Expressions


def _check_references(
    steps: Steps, output: Compiled | None, ancestors: Ancestors | None, faults: Faults
) -> None:
    """Note every path that names what it cannot see."""
    for name, step in steps.items():
        forward = Scope(steps, lambda named, name=name: _not_before(named, name, ancestors))
        for key in ("when", "with"):
            _check(step.members.get(key), forward, faults)
        undo = Scope(
            steps, lambda named, name=name: _not_before(named, name, ancestors, undo=True), True
        )
        _check(step.members.get("compensate", {}).get("with"), undo, faults)
    _check(output, Scope(steps, lambda _: None), faults)


def _check(compiled: Compiled | None, scope: Scope, faults: Faults) -> None:
    for pointer, reference in compiled.references if compiled else []:
        if fault := scope.fault(reference):
            faults.add(pointer, fault)


def _not_before(
    named: str, step: str, ancestors: Ancestors | None, *, undo: bool = False
) -> str | None:
    """Tell why an expression of ``step`` may not name another; None where it may."""
    if named == step:
        mend = "$.output is what the step gave" if undo else "name a step before it"
        return f"this is of step {step!r} itself; {mend}"
    if ancestors is None or (named, step) in ancestors:
        return None
    return f"{named!r} may not have ended when {step!r} begins; let {step!r} need it"


def _reads(steps: Steps, *compiled: Compiled | None) -> list[str]:
    """Return the steps that expressions name, in the order of the definition."""
    named = {
        reference.names[1]
        for each in compiled
        if each
        for _, reference in each.references
        if reference.names[0] == "steps"
    }
    return sorted(named, key=lambda name: steps[name].position)


# Rows


def _step_rows(steps: Steps, graph: Graph) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for name, step in steps.items():
        queue = step.members.get("queue", "default")
        spec = _spec(steps, step.members, step.position, queue)
        joins = len(graph.needs[name])
        rows.append({"step": name, "kind": "task", "join_count": joins, "spec": spec})
        if undo := step.members.get("compensate"):
            # The workers that do a thing are taken for those that undo it.
            spec = _spec(steps, undo, step.position, queue)
            rows.append(
                {"step": _undoing(name), "kind": "compensation", "join_count": 0, "spec": spec}
            )
    return rows


def _spec(steps: Steps, members: dict[str, Any], position: int, queue: str) -> dict[str, Any]:
    """Return what a worker and the engine need of a step; ``queue`` is for one that names none."""
    given: Compiled = members.get("with", _NO_INPUT)
    when: Compiled | None = members.get("when")
    spec: dict[str, Any] = {
        "task": members["task"],
        "queue": members.get("queue", queue),
        "with": given.tree,
        "reads": _reads(steps, given, when),
        "position": position,
    }
    if when:
        spec["when"] = when.tree
    for key in ("retry", "timeout", "on_failure"):
        if key in members:
            spec[key] = members[key]
    return spec


def _edge_rows(steps: Steps, graph: Graph) -> list[dict[str, str]]:
    rows = [{"from": need, "to": step, "kind": "next"} for need, step in graph.edges()]
    rows += [
        {"from": name, "to": _undoing(name), "kind": "undo"}
        for name, step in steps.items()
        if "compensate" in step.members
    ]
    return rows


def _undoing(step: str) -> str:
    return f"{step}.compensate"
