"""A block of the kind `steps`: a group, which one `when`, `timeout` or `on_failure` is about."""

from typing import Any

from ..foreign.words import OF_A_STEP
from .block import BLOCK, LIST, OUTPUT, Block, Branch, Readers, with_output
from .members import Key, Members
from .step import HEAD, ORDER


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    return Members(
        "a step",
        {
            **HEAD,
            "steps": Key(readers.steps, LIST, "The steps of the group.", required=True),
            "output": OUTPUT,
            **ORDER,
            **BLOCK,
        },
        OF_A_STEP,
    )


class Group(Block, frozen=True, kw_only=True, tag="steps"):
    """A step of the kind `steps`."""

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its one list."""
        return [Branch(steps=with_output(members, pointer, members.get("steps", [])))]
