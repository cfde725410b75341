"""From a document to the rows of a workflow version: steps, edges, and trees for expressions."""

from collections.abc import Mapping
from typing import Any

from .document import Document, Faults, child
from .expressions import Compiled
from .graph import Ancestors, Graph
from .keys import WORKFLOW
from .mends import did_you_mean
from .references import Scope

Steps = dict[str, tuple[str, dict[str, Any]]]
"""By id, in the order written: pointer and sound members."""

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
            first, _ = steps[step["id"]]
            taken = f"{step['id']!r} is the id of {first} already; take another"
            faults.add(f"{pointer}/id", taken)
            continue
        steps[step["id"]] = (pointer, step)
    return steps


# Order


def _needs(steps: Steps, faults: Faults) -> dict[str, list[str]]:
    """Return what each step needs: as given, or where none is given, the step before it."""
    given = any("needs" in members for _, members in steps.values())
    needs: dict[str, list[str]] = {}
    previous: list[str] = []
    for step, (pointer, members) in steps.items():
        if not given:
            needs[step] = previous
            previous = [step]
            continue
        if "needs" not in members and needs:
            faults.add(
                pointer,
                "another step has `needs`, so all but the first must have it; "
                "give the steps that must end before this one, or [] to start at once",
            )
        needs[step] = []
        for n, need in enumerate(members.get("needs", [])):
            if need == step:
                faults.add(f"{pointer}/needs/{n}", f"{step!r} needs itself; take it out")
            elif need not in steps:
                mend = did_you_mean(need, steps)
                faults.add(f"{pointer}/needs/{n}", f"there is no step {need!r}{mend}")
            else:
                needs[step].append(need)
    return needs


def _ancestors(graph: Graph, steps: Steps, faults: Faults) -> Ancestors | None:
    """Return who has ended before whom; None where steps go in a circle, which is a fault."""
    cycles = graph.cycles()
    for cycle in cycles:
        pointer, _ = steps[cycle[0]]
        ring = " → ".join(cycle)
        faults.add(f"{pointer}/needs", f"the steps wait for each other: {ring}; break the circle")
    return None if cycles else Ancestors(graph)


# Expressions


def _check_references(
    steps: Steps, output: Compiled | None, ancestors: Ancestors | None, faults: Faults
) -> None:
    """Note every path that names what it cannot see."""
    for step, (_, members) in steps.items():
        forward = Scope(steps, lambda named, step=step: _not_before(named, step, ancestors))
        for key in ("when", "with"):
            _check(members.get(key), forward, faults)
        undo = Scope(
            steps, lambda named, step=step: _not_before(named, step, ancestors, undo=True), True
        )
        _check(members.get("compensate", {}).get("with"), undo, faults)
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
    return [step for step in steps if step in named]


# Rows


def _step_rows(steps: Steps, graph: Graph) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for position, (step, (_, members)) in enumerate(steps.items()):
        spec = _spec(steps, members, position, members.get("queue", "default"))
        joins = len(graph.needs[step])
        rows.append({"step": step, "kind": "task", "join_count": joins, "spec": spec})
        if undo := members.get("compensate"):
            # The workers that do a thing are taken for those that undo it.
            spec = _spec(steps, undo, position, undo.get("queue", spec["queue"]))
            rows.append(
                {"step": _undoing(step), "kind": "compensation", "join_count": 0, "spec": spec}
            )
    return rows


def _spec(steps: Steps, members: dict[str, Any], position: int, queue: str) -> dict[str, Any]:
    given: Compiled = members.get("with", _NO_INPUT)
    when: Compiled | None = members.get("when")
    spec: dict[str, Any] = {
        "task": members["task"],
        "queue": queue,
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
        {"from": step, "to": _undoing(step), "kind": "undo"}
        for step, (_, members) in steps.items()
        if "compensate" in members
    ]
    return rows


def _undoing(step: str) -> str:
    return f"{step}.compensate"
