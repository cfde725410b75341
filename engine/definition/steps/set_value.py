"""A step that has a value, made of expressions, and needs no worker."""

from collections.abc import Iterator
from typing import Any

from ..expressions.trees import Compiled
from . import checks
from .members import Key, Members, later
from .step import FAILURE, HEAD, NOT_YET, ORDER, Lowered, Row, Step, config, reads

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "set": Key(
            checks.expression,
            {},
            "The value that the step gives; texts in it may be expressions.",
            required=True,
        ),
        **ORDER,
        **FAILURE,
    },
    later(*NOT_YET),
)


class Set(Step, frozen=True, kw_only=True, tag="set"):
    """A step of the kind `set`."""

    value: Compiled

    @classmethod
    def own(cls, members: dict[str, Any]) -> dict[str, Any]:
        """Return its value."""
        return {"value": members.get("set", Compiled({"v": None}))}

    def expressions(self) -> Iterator[Compiled]:
        """Yield its condition and its value."""
        yield from super().expressions()
        yield self.value

    def lower(self, joins: int, positions: dict[str, int]) -> Lowered:
        """Return its row."""
        given = config(self.value, self.when)
        spec = {
            "with": self.value.tree,
            "reads": reads(positions, self.value, self.when),
            "position": self.position,
            **({"config": given} if given else {}),
            **self.policy(),
        }
        return Lowered([Row(self.id, "set", joins, spec)], [])
