"""A block of the kind `parallel`: branches that run side by side."""

import re
from typing import Any, cast

from ...json_text import Json
from ..common.mends import count_of
from ..foreign.words import OF_A_STEP
from ..source.document import Faults, child
from .block import BLOCK, LIST, STEP_REF, Branch, Readers
from .checks import Check
from .members import Key, Members, Schema
from .step import HEAD, ORDER, STEP_ID
from .tolerance import JOIN, TOLERATE_BRANCHES, Tolerant

SCHEMA: Schema = {
    "anyOf": [
        {
            "type": "object",
            "minProperties": 1,
            "propertyNames": {"pattern": STEP_ID},
            "additionalProperties": LIST,
        },
        {"type": "array", "minItems": 1, "items": STEP_REF},
    ]
}


def branches_check(readers: Readers) -> Check:
    """Return what reads branches: lists by name, or steps, each a branch of its own."""

    def check(value: Json, pointer: str, faults: Faults) -> list[Branch] | None:
        if not isinstance(value, dict | list) or not value:
            faults.add(pointer, "must be branches, {name: [steps], …}, or a list of steps")
            return None
        if isinstance(value, list):
            items = enumerate(cast(list[Json], value))
            steps = [readers.step(item, child(pointer, n), faults) for n, item in items]
            return [
                Branch(steps=[step], name=step.id) if step else Branch(steps=[]) for step in steps
            ]
        found: list[Branch] = []
        for name, steps in cast(dict[str, Json], value).items():
            place = child(pointer, name)
            if not re.fullmatch(STEP_ID, name):
                message = "the name of a branch is a letter, then up to 62 letters, digits, - or _"
                faults.add(place, message, key=True)
            found.append(Branch(steps=readers.steps(steps, place, faults) or [], name=name))
        return found

    return check


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    return Members(
        "a step",
        {
            **HEAD,
            "parallel": Key(
                branches_check(readers),
                SCHEMA,
                "The branches: lists of steps by name, or steps that are a branch each.",
                required=True,
            ),
            "join": JOIN,
            "tolerate": TOLERATE_BRANCHES,
            **ORDER,
            **BLOCK,
        },
        OF_A_STEP,
    )


class Parallel(Tolerant, frozen=True, kw_only=True, tag="parallel"):
    """A step of the kind `parallel`."""

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its branches."""
        return members.get("parallel", [])

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note numbers that are more than there are branches."""
        super().check(members, pointer, faults)
        branches = members.get("parallel")
        for key in ("join", "tolerate"):
            if branches is not None and members.get(key, 0) > len(branches):
                there = count_of(len(branches), "branch", "branches")
                faults.add(child(pointer, key), f"is more than there are: it has {there}")
