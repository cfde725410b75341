"""From a document to the rows of a workflow version: steps, edges, trees for expressions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from .endless import check_endless
from .expressions.trees import Compiled
from .inputs.checks import compile_checks
from .jumps import check_jumps
from .layout import Layout, StepList
from .order import Order, order_steps
from .seeing import check_heard, check_labels, check_references
from .shapes import Shapes
from .signals import check_awaited, compile_signals
from .source.document import Document, Faults
from .steps.step import Edge, Lowered, Place, reads, told
from .triggers.trigger import Trigger
from .workflow import Workflow, read_workflow


class Checked(NamedTuple):
    """A definition in which nothing is wrong, read but not yet lowered."""

    document: Document
    workflow: Workflow
    layout: Layout
    orders: Mapping[StepList, Order]

    def needs(self) -> list[tuple[str, str]]:
        """Return what it needs of its deployment: (config or secret, name)."""
        needs: set[tuple[str, str]] = set()
        for compiled in self._expressions():
            needs |= {("config", of.names[0]) for _, of in compiled.references if of.config}
            needs |= {
                ("secret", part["secret"])
                for text in compiled.filled
                for part in text.parts
                if isinstance(part, dict)
            }
        for trigger in self.workflow.triggers:
            needs |= {("secret", name) for name in trigger.secrets()}
        return sorted(needs)

    def _expressions(self) -> Iterator[Compiled]:
        for step, _ in self.layout.steps:
            yield from step.expressions()
            yield from step.round_expressions()
            yield from step.undo_expressions()
        if self.workflow.on_failed is not None:
            yield self.workflow.on_failed.input


def check_definition(source: Document | Mapping[str, Any]) -> Checked:
    """Read a definition; raises DefinitionError with every fault and its place."""
    document = source if isinstance(source, Document) else Document.of(source)
    faults = Faults(document)
    workflow = read_workflow(document, faults)
    layout = Layout(workflow.steps, faults)
    orders = order_steps(layout, faults)
    check_jumps(layout, faults)
    check_endless(workflow.name, layout, faults)
    check_awaited(workflow.signals, (step for step, _ in layout.steps), faults)
    shapes = Shapes(workflow.input, layout, workflow.signals)
    notice = workflow.on_failed and workflow.on_failed.input
    check_references(layout, orders, shapes, workflow.output, notice, faults)
    check_heard(workflow.triggers, faults)
    check_labels(workflow.labels, shapes, faults)
    faults.raise_any()
    return Checked(document, workflow, layout, orders)


def compile_definition(source: Document | Mapping[str, Any] | Checked) -> dict[str, Any]:
    """Compile a definition to what register_workflow takes; the same source gives the same result.

    Durations become seconds, expressions trees; a retry that is given gets its missing members.
    Raises DefinitionError with every fault and its place.
    """
    checked = source if isinstance(source, Checked) else check_definition(source)
    document, workflow, layout, orders = checked
    positions = {step: n for n, step in enumerate(layout.homes)}
    lowered = [*_lower(layout, orders, positions)]
    rows = [row for each in lowered for row in each.rows]
    if workflow.on_failed is not None:
        rows.append(workflow.on_failed.row(positions))
    checks = compile_checks(workflow.input)
    return {
        "name": workflow.name,
        "definition": document.value,
        "input_schema": workflow.input,
        "input_checks": checks.checks,
        "input_unchecked": checks.unchecked,
        "signals": compile_signals(workflow.signals),
        "output": workflow.output.tree if workflow.output else None,
        "output_reads": reads(positions, workflow.output),
        "output_told": told(workflow.output),
        "on_failure": workflow.on_failure,
        "deadline": workflow.deadline,
        "search": workflow.search,
        "labels": workflow.labels.tree if workflow.labels else None,
        "steps": [row._asdict() for row in rows],
        "edges": _edges(orders, lowered),
        "triggers": [_trigger(each) for each in workflow.triggers],
    }


def _trigger(trigger: Trigger) -> dict[str, Any]:
    kind = trigger.__struct_config__.tag
    return {"trigger": trigger.id, "kind": kind, "spec": trigger.spec()}


def _lower(
    layout: Layout, orders: Mapping[StepList, Order], positions: Mapping[str, int]
) -> Iterable[Lowered]:
    """Yield what each step becomes, those of a block behind it."""
    for step, home in layout.steps:
        joins = len(orders[home].graph.needs[step.id])
        block = home.block.id if home.block else None
        yield step.lower(Place(joins, positions, block, home.number, home.end))


def _edges(orders: Mapping[StepList, Order], lowered: Iterable[Lowered]) -> list[dict[str, Any]]:
    edges = [
        Edge(need, step, "next", home.jumps)
        for home, order in orders.items()
        for need, step in order.graph.edges()
    ]
    edges += [edge for each in lowered for edge in each.edges]
    return [
        {"from": edge.begin, "to": edge.end, "kind": edge.kind}
        | ({"again": True} if edge.again else {})
        for edge in edges
    ]
