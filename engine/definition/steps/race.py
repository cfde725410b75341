"""A block of the kind `race`: branches side by side, of which the first to succeed is enough."""

from typing import Any

from ..foreign.words import OF_A_STEP
from .block import BLOCK, Block, Branch, Readers
from .members import Key, Members
from .parallel import SCHEMA, branches_check
from .step import HEAD, ORDER


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    one = "a race ends with the first success; for more write `parallel` with `join: N`"
    return Members(
        "a step",
        {
            **HEAD,
            "race": Key(
                branches_check(readers),
                SCHEMA,
                "The branches: lists of steps by name, or steps that are a branch each.",
                required=True,
            ),
            **ORDER,
            **BLOCK,
        },
        {**OF_A_STEP, "join": one, "tolerate": one},
    )


class Race(Block, frozen=True, kw_only=True, tag="race"):
    """A step of the kind `race`."""

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its branches."""
        return members.get("race", [])

    def bounds(self) -> dict[str, Any]:
        """Return that one success is enough."""
        return {"join": 1}
