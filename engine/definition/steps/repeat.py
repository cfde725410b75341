"""A block of the kind `repeat`: its steps run round by round, until or while a condition holds."""

from collections.abc import Collection, Iterator
from typing import Any, Literal

from ..expressions.trees import Compiled
from ..foreign.words import OF_A_STEP
from ..source.document import Faults, child
from . import checks
from .block import BLOCK, LIST, OUTPUT, Branch, Chain, Readers, with_output
from .durations import SCHEMA as DURATION
from .members import Key, Members
from .step import HEAD, ORDER, Place, names

ROUND = ("round", "previous")
"""What the steps of a round see besides: its number, from 0, and the output of the round before."""
ROUNDS = 1000
"""How many rounds there may be, unless the step says."""
MOST_ROUNDS = 100_000
_CONDITION = ORDER["when"]


def members(readers: Readers) -> Members:
    """Return the keys that it may have."""
    return Members(
        "a step",
        {
            **HEAD,
            "repeat": Key(
                readers.steps,
                LIST,
                "The steps of a round.",
                required=True,
                examples=([{"id": "poll", "task": "job.ask"}],),
            ),
            "until": Key(
                _CONDITION.check,
                _CONDITION.schema,
                "Asked after each round, of which it sees the steps: true ends the block.",
                examples=('$.steps.poll.output.state == "done"',),
            ),
            "while": Key(
                _CONDITION.check,
                _CONDITION.schema,
                "Asked before each round, with $.round, $.previous and the steps of the round "
                "before: false ends the block.",
                examples=("$.round < 10",),
            ),
            "delay": Key(
                checks.duration, DURATION, "The wait between two rounds.", examples=("30s",)
            ),
            "limit": Key(
                checks.number(1, MOST_ROUNDS, whole=True),
                {"type": "integer", "minimum": 1, "maximum": MOST_ROUNDS, "default": ROUNDS},
                "How many rounds there may be; where one more is to begin the block fails with "
                "flow.limit.",
                examples=(200,),
            ),
            "output": OUTPUT,
            **ORDER,
            **BLOCK,
        },
        OF_A_STEP,
    )


class Repeat(Chain, frozen=True, kw_only=True, tag="repeat"):
    """A step of the kind `repeat`. ``asks`` is its condition, ``asked`` the key it stands under."""

    asks: Compiled
    asked: Literal["until", "while"]
    delay: float | None = None
    limit: int = ROUNDS

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return its list, its condition, and what else it has."""
        asked = "while" if "while" in members else "until"
        return {
            **super().own(members, pointer),
            "asks": members.get(asked, Compiled({"v": True})),
            "asked": asked,
            "delay": members.get("delay"),
            "limit": members.get("limit", ROUNDS),
        }

    @classmethod
    def branches(cls, members: dict[str, Any], pointer: str) -> list[Branch]:
        """Return its one list."""
        return [Branch(steps=with_output(members, pointer, members.get("repeat", [])))]

    @classmethod
    def check(cls, members: dict[str, Any], pointer: str, faults: Faults) -> None:
        """Note where there are two conditions."""
        super().check(members, pointer, faults)
        if "until" in members and "while" in members:
            message = "`until` beside it ends the block already; keep one of the two"
            faults.add(child(pointer, "while"), message, key=True)

    @classmethod
    def lacks(cls, written: Collection[str]) -> str | None:
        """Tell where there is no condition."""
        if "until" in written or "while" in written:
            return None
        return "a repeat needs `until: …`, asked after each round, or `while: …`, asked before"

    def items(self, number: int) -> tuple[str, ...]:
        """Return what its steps see of their round."""
        return ROUND

    def round_expressions(self) -> Iterator[Compiled]:
        """Yield its condition, which sees its steps."""
        yield self.asks

    def rounds(self, place: Place) -> dict[str, Any]:
        """Return what the engine keeps of its condition."""
        return {
            self.asked: self.asks.tree,
            "asks": names(place.positions, self.asks),
            "limit": self.limit,
            **({} if self.delay is None else {"delay": self.delay}),
        }
