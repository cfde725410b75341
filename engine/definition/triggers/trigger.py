"""What all kinds of triggers have in common.

A kind is a module with a struct under this one, which says which expressions stand in it, what
these see, and what the engine keeps of it; `MEMBERS` beside it are the keys that stand under the
key of the kind. `kinds.py` lists the kinds.
"""

from collections.abc import Iterator
from typing import Any, ClassVar, Self

import msgspec

from ..expressions.references import Heard
from ..expressions.trees import Compiled
from ..source.document import Faults
from ..steps.step import STEP_ID

TRIGGER_ID = STEP_ID


class Trigger(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind"):
    """An entry of `on` as it was written."""

    sees: ClassVar[Heard]
    """The roots that its expressions see."""

    pointer: str
    id: str

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note what is wrong with members that are sound each by itself."""

    @classmethod
    def of(cls, name: str, members: dict[str, Any], pointer: str) -> Self:
        """Make it of members that were read."""
        return cls(pointer=pointer, id=name, **members)

    def expressions(self) -> Iterator[Compiled]:
        """Yield what is evaluated when it has heard of something."""
        yield from ()

    def secrets(self) -> tuple[str, ...]:
        """Return the names of the secrets that who hears of it needs."""
        return ()

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it; trees under `input`, `key` and `when`."""
        raise NotImplementedError
