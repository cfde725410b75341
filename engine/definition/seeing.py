"""What the expressions of each step see: its own list, and what the blocks around it see."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import NamedTuple

from .expressions.references import ITEMS, STEP_FIELDS, Scope
from .expressions.trees import Compiled
from .labels import SEES
from .layout import Layout, StepList
from .order import Order
from .shapes import Shapes
from .source.document import Faults, child
from .steps.block import Block
from .steps.for_each import ForEach
from .steps.step import Step
from .steps.try_catch import Try
from .triggers.trigger import Trigger


def check_references(
    layout: Layout,
    orders: Mapping[StepList, Order],
    shapes: Shapes,
    output: Compiled | None,
    notice: Compiled | None,
    faults: Faults,
) -> None:
    """Note every path of the workflow that names what it cannot see, or what cannot be there."""
    for home in layout.lists:
        _check_alias(home, faults)
    # The id of a block's own `output` has a dot: nobody names it.
    fields = {step.id: _fields(step) for step, _ in layout.steps if "." not in step.id}
    sight = Sight(layout, orders, fields)
    for step, home in layout.steps:
        items = tuple(home.items())
        if isinstance(step, Block):
            inner = layout.inner(step)
            hidden = sight.hidden_after(inner)
            sees = Scope(sight.fields, hidden, items=tuple(inner.items()))
            _check(step.round_expressions(), sees, shapes, faults)
        for undo, given in ((False, step.expressions()), (True, step.undo_expressions())):
            compiled = [each for each in given if each.references]
            if not compiled:
                continue
            sees = Scope(
                sight.fields,
                lambda named, step=step.id, undo=undo: sight.hidden(named, step, undo=undo),
                undo,
                items,
            )
            _check(compiled, sees, shapes, faults)
    at_the_end = Scope(sight.fields, sight.hidden_at_the_end)
    _check([output] if output else [], at_the_end, shapes, faults)
    told = Scope(sight.fields, lambda _: _UNSEEN, items=("error",))
    _check([notice] if notice else [], told, shapes, faults)


def check_heard(triggers: Iterable[Trigger], faults: Faults) -> None:
    """Note every path of a trigger that names what it does not hear of."""
    for trigger in triggers:
        for compiled in trigger.expressions():
            for pointer, reference in compiled.references:
                if fault := trigger.sees.fault(reference):
                    faults.add(pointer, fault)


def check_labels(labels: Compiled | None, shapes: Shapes, faults: Faults) -> None:
    """Note every path of a label that names what it does not see, or what cannot be there."""
    for pointer, reference in labels.references if labels else ():
        if fault := SEES.fault(reference) or shapes.fault(reference):
            faults.add(pointer, fault)


_UNSEEN = "a notice sees no step, for none may have run; $.error names the one that failed"


def _check(expressions: Iterable[Compiled], scope: Scope, shapes: Shapes, faults: Faults) -> None:
    for compiled in expressions:
        for pointer, reference in compiled.references:
            if fault := scope.fault(reference) or shapes.fault(reference):
                faults.add(pointer, fault)


def _check_alias(home: StepList, faults: Faults) -> None:
    """Note names for items that a block further out has given already."""
    block = home.block
    if not isinstance(block, ForEach) or home.outer is None:
        return
    taken = home.outer.items()
    clash = next((name for name in home.own() if name in taken and name not in ITEMS), None)
    if clash is not None:
        message = f"{taken[clash].id!r} around it gives $.{clash} already; take another name"
        faults.add(child(block.pointer, "as"), message)


_MORE: dict[type[Step], str] = {ForEach: "errors", Try: "caught"}


def _fields(step: Step) -> tuple[str, ...]:
    more = _MORE.get(type(step))
    return STEP_FIELDS if more is None else (*STEP_FIELDS, more)


class Sight(NamedTuple):
    """Who sees whom. ``fields`` are what may be asked of each step that can be named."""

    layout: Layout
    orders: Mapping[StepList, Order]
    fields: Mapping[str, tuple[str, ...]]

    def hidden(self, named: str, step: str, *, undo: bool = False) -> str | None:
        """Tell why an expression of ``step`` may not name another; None where it may."""
        if named == step:
            mend = "$.output is what the step gave" if undo else "name a step before it"
            return f"this is of step {step!r} itself; {mend}"
        for number, (name, home) in enumerate(self.layout.path(step)):
            if named == name and number:
                return f"{named!r} is the block that {step!r} stands in, and has no output yet"
            if named in home.steps:
                ancestors = self.orders[home].ancestors
                if ancestors is None or home.jumps or (named, name) in ancestors:
                    return None
                return f"{named!r} may not have ended when {name!r} begins; let {name!r} need it"
            if isinstance(home.block, Try) and named in self.layout.inner(home.block).steps:
                return None
        (_, own), *around = self.layout.path(step)
        blocks = dict(around)
        return self._inside(named, {own, *blocks.values()}, blocks)

    def hidden_after(self, home: StepList) -> Callable[[str], str | None]:
        """Return what tells why what is asked behind a list may not name a step."""

        def hidden(named: str) -> str | None:
            if named in home.steps:
                return None
            block = home.block
            if block is None or named == block.id:
                return f"{named!r} has no output yet; name its steps"
            if self.layout.homes[named] is not home and any(
                place is home for _, place in self.layout.path(named)
            ):
                return self._inside(named, {home})
            return self.hidden(named, block.id)

        return hidden

    def hidden_at_the_end(self, named: str) -> str | None:
        """Tell why the output of the workflow may not name a step; None where it may."""
        (top, *_) = self.layout.lists
        return None if named in top.steps else self._inside(named, {top})

    def _inside(self, named: str, lists: set[StepList], around: Collection[str] = ()) -> str:
        """Tell what to name instead of a step in a block that stands in one of the lists."""
        block = next(name for name, home in self.layout.path(named) if home in lists)
        if block in around:
            return f"{named!r} stands in another list of {block!r}; its lists do not see each other"
        only = f"of which only the output is seen: $.steps.{block}.output"
        return f"{named!r} stands in the block {block!r}, {only}"
