"""The order of each list of steps: as they were written, or by what they need."""

from typing import NamedTuple

from .common.graph import Ancestors, Graph
from .common.mends import did_you_mean
from .layout import Layout, StepList
from .source.document import Faults, child


class Order(NamedTuple):
    """What each step of a list needs, and who has ended before whom.

    ``ancestors`` is None where the steps go in a circle.
    """

    graph: Graph
    ancestors: Ancestors | None


def order_steps(layout: Layout, faults: Faults) -> dict[StepList, Order]:
    """Return the order of every list; needs that cannot be met are noted."""
    return {each: _order(each, layout, faults) for each in layout.lists}


def _order(home: StepList, layout: Layout, faults: Faults) -> Order:
    graph = Graph(_needs(home, layout, faults))
    cycles = graph.cycles()
    for cycle in cycles:
        ring = " → ".join(cycle)
        place = child(home.steps[cycle[0]].pointer, "needs")
        faults.add(place, f"the steps wait for each other: {ring}; break the circle")
    return Order(graph, None if cycles else Ancestors(graph))


def _needs(home: StepList, layout: Layout, faults: Faults) -> dict[str, list[str]]:
    """Return what each step needs: as given, or where none is given, the step before it."""
    needs: dict[str, list[str]] = {}
    previous: list[str] = []
    for name, step in home.steps.items():
        if not home.by_needs:
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
            if need in home.steps and need != name:
                needs[name].append(need)
            else:
                place = child(child(step.pointer, "needs"), n)
                faults.add(place, _need_fault(need, name, home, layout))
    return needs


def _need_fault(need: str, step: str, home: StepList, layout: Layout) -> str:
    """Return why a step cannot need another."""
    if need == step:
        return f"{step!r} needs itself; take it out"
    if need not in layout.homes:
        return f"there is no step {need!r}{did_you_mean(need, home.steps)}"
    around = {block.id for block in home.around()}
    if need in around:
        return f"{need!r} is the block that {step!r} stands in; take it out"
    for name, place in layout.path(need):
        if place is home:
            return f"{need!r} stands in the block {name!r}; let {step!r} need {name!r}"
    for name, place in layout.path(step):
        if need in place.steps:
            return f"{need!r} stands outside of the block {name!r}; let {name!r} need it"
    return f"{need!r} stands in another list; a step needs steps of its own list alone"
