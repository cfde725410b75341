"""From a document to the rows of a workflow version: steps, edges, trees for expressions."""

from collections.abc import Iterable, Mapping
from typing import Any

from .inputs.checks import compile_checks
from .layout import Layout, StepList
from .order import Order, order_steps
from .seeing import check_references
from .source.document import Document, Faults
from .steps.step import Edge, Lowered, Place, reads
from .workflow import read_workflow


def compile_definition(source: Document | Mapping[str, Any]) -> dict[str, Any]:
    """Compile a definition to what register_workflow takes; the same source gives the same result.

    Durations become seconds, expressions trees; a retry that is given gets its missing members.
    Raises DefinitionError with every fault and its place.
    """
    document = source if isinstance(source, Document) else Document.of(source)
    faults = Faults(document)
    workflow = read_workflow(document, faults)
    layout = Layout(workflow.steps, faults)
    orders = order_steps(layout, faults)
    check_references(layout, orders, workflow.output, faults)
    faults.raise_any()
    positions = {step: n for n, step in enumerate(layout.homes)}
    lowered = [*_lower(layout, orders, positions)]
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
        "edges": _edges(orders, lowered),
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


def _lower(
    layout: Layout, orders: Mapping[StepList, Order], positions: Mapping[str, int]
) -> Iterable[Lowered]:
    """Yield what each step becomes, those of a block behind it."""
    for step, home in layout.steps:
        joins = len(orders[home].graph.needs[step.id])
        block = home.block.id if home.block else None
        yield step.lower(Place(joins, positions, block, home.number))


def _edges(orders: Mapping[StepList, Order], lowered: Iterable[Lowered]) -> list[dict[str, str]]:
    graphs = [order.graph for order in orders.values()]
    edges = [Edge(need, step, "next") for graph in graphs for need, step in graph.edges()]
    edges += [edge for each in lowered for edge in each.edges]
    return [{"from": edge.begin, "to": edge.end, "kind": edge.kind} for edge in edges]
