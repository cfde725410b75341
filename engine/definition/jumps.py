"""Steps that leave the order of their list: where a `goto` may lead, and a `return` may stand."""

from .common.mends import did_you_mean
from .layout import Layout, StepList
from .source.document import Faults, child
from .steps.block import Chain
from .steps.goto import END, Goto
from .steps.group import Group
from .steps.return_value import Return
from .steps.switch import Switch

_ONE_BY_ONE = (Chain, Group, Switch)
"""Blocks in which nothing else is under way beside a step."""


def check_jumps(layout: Layout, faults: Faults) -> None:
    """Note jumps out of their list, or out of what runs side by side."""
    for step, home in layout.steps:
        if isinstance(step, Goto):
            fault = _goto_fault(step, home, layout)
            if fault is not None:
                faults.add(child(step.pointer, "goto"), fault)
        elif isinstance(step, Return):
            fault = _return_fault(step, layout)
            if fault is not None:
                faults.add(step.pointer, fault)
        if step.id == END:
            faults.add(child(step.pointer, "id"), "`goto: end` ends a list; take another")


def _goto_fault(step: Goto, home: StepList, layout: Layout) -> str | None:
    if home.by_needs:
        return "the steps around it have `needs`; a goto stands in a list that runs as written"
    target = step.target
    if target == END or (target in home.steps and target != step.id):
        return None
    if target == step.id:
        return f"{target!r} is the goto itself; name another step of its list"
    if target in layout.homes:
        return f"{target!r} stands in another list; a goto leads to a step of its own list, or end"
    return f"there is no step {target!r}{did_you_mean(target, [*home.steps, END])}"


def _return_fault(step: Return, layout: Layout) -> str | None:
    for name, home in layout.path(step.id):
        if home.by_needs:
            what = "it" if name == step.id else repr(name)
            return f"the steps beside {what} have `needs` and may still run; end the list otherwise"
        if home.block is not None and not isinstance(home.block, _ONE_BY_ONE):
            block = home.block
            return (
                f"stands in {block.id!r}, a {block.kind()}, of which others may still run; "
                "return behind it"
            )
    return None
