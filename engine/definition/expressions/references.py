"""Which values the expressions of a definition may name, and where."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ...secrets import NAME, NAME_RULE
from ..common.mends import did_you_mean, one_of
from .pieces import Reference

INSTANCE_FIELDS = (
    "id",
    "workflow",
    "version",
    "started_at",
    "trigger",
    "scheduled_at",
    "parent",
    "root",
)
STEP_FIELDS = ("output", "state", "error")
UNDONE = ("output", "task_input", "key")
"""What only a compensation sees: output, input and idempotency key of the step that it undoes."""

ITEMS = ("item", "index")
"""What the steps of a for_each see besides; by the name that its `as` gives too."""

_EVERYWHERE = ("input", "steps", "instance")
_IN_BLOCKS = {
    "item": "the steps of a `for_each`",
    "index": "the steps of a `for_each`",
    "round": "a `repeat` and its steps",
    "previous": "a `repeat` and its steps",
    "error": "the steps of a `catch`",
}
"""What blocks of one kind alone give to what stands in them."""
ROOTS = frozenset({*_EVERYWHERE, *UNDONE, *_IN_BLOCKS, "config", "secrets"})
"""Every word that a path may begin with, somewhere: none of them names an item."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What an expression sees.

    ``steps`` are all, with what may be asked of each; ``hidden`` tells why a step may not be named,
    or gives None. ``items`` are the roots that the blocks around give.
    """

    steps: Mapping[str, Sequence[str]]
    hidden: Callable[[str], str | None]
    compensation: bool = False
    items: Sequence[str] = ()

    def fault(self, reference: Reference) -> str | None:
        """Return what is wrong with a reference, or None."""
        fault = (_config_fault if reference.config else self._fault)(reference.names)
        return f"{reference.text}: {fault}" if fault else None

    def _fault(self, names: tuple[str, ...]) -> str | None:
        roots = (*_EVERYWHERE, *self.items, *(UNDONE if self.compensation else ()))
        if not names:
            return f"a path begins with {one_of([f'$.{root}' for root in roots])}"
        match names[0]:
            case "steps":
                return self._step_fault(names[1:])
            case "instance":
                return _field_fault("$.instance", INSTANCE_FIELDS, names[1:2])
            case root if root in roots:
                return None
            case root if root in _IN_BLOCKS:
                return f"only {_IN_BLOCKS[root]} see $.{root}"
            case "config" | "secrets" as root:
                return f"write ${{ ${root}.NAME }}, without a dot behind the dollar sign"
            case root if root in UNDONE:
                return f"only the `with` of a compensation sees $.{root}"
            case root:
                known = one_of([f"$.{known}" for known in roots])
                return f"there is no $.{root}; there is {known}{did_you_mean(root, roots)}"

    def _step_fault(self, names: tuple[str, ...]) -> str | None:
        if not names:
            return "name a step and its output: $.steps.<id>.output"
        step = names[0]
        if step not in self.steps:
            return f"there is no step {step!r}{did_you_mean(step, self.steps)}"
        if fault := self.hidden(step):
            return fault
        if len(names) == 1:
            return f"name what you want of the step: $.steps.{step}.output or .state"
        return _field_fault(f"$.steps.{step}", self.steps[step], names[1:2])


@dataclass(frozen=True, slots=True)
class Heard:
    """What an expression sees that no instance has yet: what has come, by roots of its own.

    Of each root the members that it may be asked for, where these are known; ``where`` is where
    the expression stands, in words.
    """

    roots: Mapping[str, Sequence[str]]
    where: str

    def fault(self, reference: Reference) -> str | None:
        """Return what is wrong with a reference, or None."""
        fault = self._config() if reference.config else self._fault(reference.names)
        return f"{reference.text}: {fault}" if fault else None

    def _config(self) -> str:
        return f"{self.where} does not see $config; take it in a step"

    def _fault(self, names: tuple[str, ...]) -> str | None:
        known = one_of([f"$.{root}" for root in self.roots])
        if not names:
            return f"a path begins with {known}"
        root = names[0]
        if root not in self.roots:
            return f"{self.where} sees {known}, not $.{root}{did_you_mean(root, self.roots)}"
        fields = self.roots[root]
        return _field_fault(f"$.{root}", fields, names[1:2]) if fields else None


def _config_fault(names: tuple[str, ...]) -> str | None:
    if names and NAME.fullmatch(names[0]):
        return None
    return f"name one value of the configuration, $config.NAME: {NAME_RULE}"


def _field_fault(what: str, fields: Sequence[str], names: tuple[str, ...]) -> str | None:
    if not names or names[0] in fields:
        return None
    return f"{what} has {one_of(fields)}, not {names[0]!r}{did_you_mean(names[0], fields)}"
