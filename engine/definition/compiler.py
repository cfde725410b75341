"""From a document to the rows of a workflow version: steps, edges, trees for expressions.

Here steps that wait for each other, and references that cannot hold, are refused.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from .common.graph import Ancestors, Graph
from .common.mends import did_you_mean
from .expressions.references import Scope
from .expressions.trees import Compiled
from .inputs.checks import compile_checks
from .source.document import Document, Faults
from .steps.step import Edge, Lowered, Step, reads
from .workflow import read_workflow

Steps = dict[str, Step]
"""By id, in the order written."""


def compile_definition(source: Document | Mapping[str, Any]) -> dict[str, Any]:
    """Compile a definition to what register_workflow takes; the same source gives the same result.

    Durations become seconds, expressions trees; a retry that is given gets its missing members.
    Raises DefinitionError with every fault and its place.
    """
    document = source if isinstance(source, Document) else Document.of(source)
    faults = Faults(document)
    workflow = read_workflow(document, faults)
    steps = {step.id: step for step in workflow.steps}
    graph = Graph(_needs(steps, faults))
    _check_references(steps, workflow.output, _ancestors(graph, steps, faults), faults)
    faults.raise_any()
    positions = {step.id: step.position for step in workflow.steps}
    lowered = [step.lower(len(graph.needs[name]), positions) for name, step in steps.items()]
    checks = compile_checks(workflow.input)
    return {
        "name": workflow.name,
        "definition": document.value,
        "input_schema": workflow.input,
        "input_checks": checks.checks,
        "input_unchecked": checks.unchecked,
        "output": workflow.output.tree if workflow.output else None,
        "output_reads": reads(positions, workflow.output),
        "on_failure": workflow.on_failure,
        "deadline": workflow.deadline,
        "search": workflow.search,
        "steps": [row._asdict() for each in lowered for row in each.rows],
        "edges": _edges(graph, lowered),
    }


def needs_of(compiled: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what a compiled definition needs of its deployment: (config or secret, name)."""
    needs: set[tuple[str, str]] = set()
    for step in compiled["steps"]:
        needs |= {("config", name) for name in step["spec"].get("config", ())}
        for text in step["spec"].get("extra", {}).get("secrets", ()):
            needs |= {
                ("secret", part["secret"]) for part in text["parts"] if isinstance(part, dict)
            }
    return sorted(needs)


# Order


def _needs(steps: Steps, faults: Faults) -> dict[str, list[str]]:
    """Return what each step needs: as given, or where none is given, the step before it."""
    given = any(step.needs is not None for step in steps.values())
    needs: dict[str, list[str]] = {}
    previous: list[str] = []
    for name, step in steps.items():
        if not given:
            needs[name] = previous
            previous = [name]
            continue
        if step.needs is None and needs:
            faults.add(
                step.pointer,
                "another step has `needs`, so all but the first must have it; "
                "give the steps that must end before this one, or [] to start at once",
            )
        needs[name] = []
        for n, need in enumerate(step.needs or []):
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


def _edges(graph: Graph, lowered: Iterable[Lowered]) -> list[dict[str, str]]:
    edges = [Edge(need, step, "next") for need, step in graph.edges()]
    edges += [edge for each in lowered for edge in each.edges]
    return [{"from": edge.begin, "to": edge.end, "kind": edge.kind} for edge in edges]


# Expressions


def _check_references(
    steps: Steps, output: Compiled | None, ancestors: Ancestors | None, faults: Faults
) -> None:
    """Note every path that names what it cannot see."""
    for name, step in steps.items():
        forward = Scope(steps, lambda named, name=name: _not_before(named, name, ancestors))
        _check(step.expressions(), forward, faults)
        undo = Scope(
            steps, lambda named, name=name: _not_before(named, name, ancestors, undo=True), True
        )
        _check(step.undo_expressions(), undo, faults)
    _check([output] if output else [], Scope(steps, lambda _: None), faults)


def _check(expressions: Iterable[Compiled], scope: Scope, faults: Faults) -> None:
    for compiled in expressions:
        for pointer, reference in compiled.references:
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
