"""Workflows of which every instance starts another of its own, and waits for it."""

from .layout import Layout, StepList
from .source.document import Faults, child
from .steps.group import Group
from .steps.parallel import Parallel
from .steps.return_value import Return
from .steps.waiting.workflow import Workflow

AROUND = (Group, Parallel)
"""Blocks all lists of which run, where they do."""


def check_endless(name: str, layout: Layout, faults: Faults) -> None:
    """Note steps that surely start the workflow anew; what stands under a condition may end."""
    if any(isinstance(step, Return) for step, _ in layout.steps):
        return
    for step, home in layout.steps:
        if not isinstance(step, Workflow) or step.workflow != name or step.version is not None:
            continue
        own = not step.detach
        if own and step.when is None and step.on_failure != "continue" and _surely_runs(home):
            faults.add(
                child(step.pointer, "workflow"),
                f"every instance of {name!r} would start another, and at the sixteenth below the "
                "first they would fail; give the step a `when`, or put it into a `switch`",
            )


def _surely_runs(home: StepList) -> bool:
    """Tell whether the steps of a list run in every instance, as far as nothing fails."""
    blocks = list(home.around())
    sure = all(type(block) in AROUND and block.when is None for block in blocks)
    own = all(block.on_failure != "continue" for block in blocks)
    return sure and own and not home.jumps
