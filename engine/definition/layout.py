"""Where every step of a definition stands: in which list, of which block."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from msgspec import structs

from .source.document import Faults, child
from .steps.block import Block
from .steps.goto import Goto
from .steps.step import Step

MAX_STEPS: Final = 10_000
MAX_DEPTH: Final = 16
"""Blocks around a step."""
OUTPUT: Final = "workflow.output"
"""The step that the workflow's own ``output`` is."""


@dataclass(frozen=True, eq=False)
class StepList:
    """A list of steps by id: that of the workflow, or one of a block, in the list ``outer``."""

    block: Block | None = None
    number: int | None = None
    outer: "StepList | None" = None
    steps: dict[str, Step] = field(default_factory=dict[str, Step])

    def around(self) -> Iterator[Block]:
        """Yield the blocks that it lies in, from the inside out."""
        here: StepList | None = self
        while here is not None and here.block is not None:
            yield here.block
            here = here.outer

    def own(self) -> dict[str, Block]:
        """Return the names of what its block gives its steps besides."""
        if self.block is None or self.number is None:
            return {}
        return dict.fromkeys(self.block.items(self.number), self.block)

    def items(self) -> dict[str, Block]:
        """Return the names of what the blocks around give its steps, and which block each is of."""
        return self.own() if self.outer is None else {**self.outer.items(), **self.own()}

    @cached_property
    def by_needs(self) -> bool:
        """Whether its steps run by what they need, not as they are written."""
        return any(step.needs is not None for step in self.steps.values())

    @cached_property
    def jumps(self) -> bool:
        """Whether there is a goto in it: its steps may be visited more than once, or never."""
        return any(isinstance(step, Goto) for step in self.steps.values())

    @property
    def end(self) -> str | None:
        """The step that is the list's output, where its block has one."""
        last = next(reversed(self.steps), None)
        return last if last is not None and last.endswith(".output") else None


class Layout:
    """All lists of a definition, and the one of each step; both in the order written.

    Notes ids that stand twice, and blocks in blocks without end. Raises DefinitionError at once
    where there are too many steps.
    """

    def __init__(self, steps: Sequence[Step], faults: Faults) -> None:
        self.lists: list[StepList] = []
        self.homes: dict[str, StepList] = {}
        self._first: dict[str, StepList] = {}
        self._faults = faults
        self._add(steps, StepList(), 0)

    @property
    def steps(self) -> Iterator[tuple[Step, StepList]]:
        """Yield every step with its list."""
        for name, home in self.homes.items():
            yield home.steps[name], home

    def inner(self, block: Block) -> StepList:
        """Return the first list of a block, which may be empty where it has a fault."""
        return self._first.get(block.id) or StepList(block, 0, self.homes[block.id])

    def path(self, step: str) -> Iterator[tuple[str, StepList]]:
        """Yield a step and the blocks around it, from the inside out, each with its list."""
        while True:
            home = self.homes[step]
            yield step, home
            if home.block is None:
                return
            step = home.block.id

    def _add(self, steps: Sequence[Step], into: StepList, depth: int) -> None:
        self.lists.append(into)
        for step in steps:
            if step.id in self.homes:
                taken = self.homes[step.id].steps[step.id].pointer
                message = f"{step.id!r} is the id of {taken} already; take another"
                self._faults.add(child(step.pointer, "id"), message)
                # Its other faults are told too.
                step = structs.replace(step, id=f"step.{step.pointer}")
            if step.id == OUTPUT:
                message = "what a block called 'workflow' gives is named as what the workflow gives"
                self._faults.add(step.pointer, f"{message}; call the block something else")
            self.homes[step.id] = into
            into.steps[step.id] = step
            if len(self.homes) > MAX_STEPS:
                message = f"has more than {MAX_STEPS} steps; split the workflow"
                self._faults.add("/steps", message)
                self._faults.raise_any()
            if isinstance(step, Block):
                self._enter(step, into, depth + 1)

    def _enter(self, block: Block, home: StepList, depth: int) -> None:
        if depth > MAX_DEPTH:
            message = f"has {MAX_DEPTH} blocks around it already; put its steps into one of them"
            self._faults.add(block.pointer, message)
            return
        for number, branch in enumerate(block.lists):
            inner = StepList(block, number, home)
            self._first.setdefault(block.id, inner)
            self._add(branch.steps, inner, depth)
