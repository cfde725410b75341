"""What definitions are drawn from, and what is drawn of one so far."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

Json = Any
Document = dict[str, Any]

INPUT = {
    "x": 2,
    "flag": True,
    "xs": [1, 2, 3],
    "xss": [[1, 2], [], [3]],
    "none": [],
    "nothing": None,
    "wait": "4s",
    "zero": 0,
}
"""What every instance is started with, and `times` and `keys`, which are of its own start."""
CODES = ("bad", "bad.worse", "other")
LEAVES = ("task", "set", "fail")
WAITS = ("sleep", "wait_for", "approve", "workflow")
JUMPS = ("return", "goto")
FANS = ("steps", "switch", "parallel", "race", "for_each")
CHAINS = ("try", "repeat")
FAN = (*LEAVES, *FANS)
"""The kinds of step without chains and jumps."""
MORE = ("event", "signals", "on_failed", "limits")
"""What may be waited for besides signals; which signals there are; who is told of a failure; until
when tasks are to be claimed and to have ended."""
ALL = (*FAN, *CHAINS, *JUMPS, *WAITS, *MORE)
ENGINE = ALL
"""What the engine knows: all of it."""

AGAIN = "again"
"""The output of a task by which a list or a round is gone through once more."""

SIGNALS = ("s", "t")
EVENTS = ("e", "f")
PEOPLE = ("ada", "bob")
KEYS = ("2", "true", "a", "1")
"""Some of the keys that events are waited for by."""


def input_of(began: datetime, apart: object = "") -> dict[str, Json]:
    """Return what an instance is started with that starts then, ``apart`` from all others.

    Several begin in one second, and what one has taken for a key another does not get.
    """
    times = {"past": -60, "soon": 5, "later": 9}
    told = {name: (began + timedelta(seconds=s)).isoformat() for name, s in times.items()}
    keys = {name: f"{name} of {apart}" for name in ("k", "l")}
    return {**INPUT, "times": told, "keys": keys}


@dataclass
class Drawing:
    """What is drawn so far: names, what may be drawn, and how large.

    ``kinds``: those that may stand; ``size``: from so many steps on, lists are as short as may be.
    """

    rnd: Random
    kinds: Sequence[str]
    depth: int
    size: int
    steps: dict[str, Document] = field(default_factory=dict[str, Document])
    around: list[Document] = field(default_factory=list[Document])
    """Each for_each around a step."""
    sees: list[tuple[str, ...]] = field(default_factory=list[tuple[str, ...]])
    """What the repeats and catches around a step let it see."""
    started: Sequence[str] = ()
    """The workflows of which steps may start instances."""
    most: int = 7
    """Steps of the outermost list."""
    straight: bool = True
    """Whether all lists around are sequences, none side by side with others."""

    def name(self) -> str:
        name = f"s{len(self.steps) + 1}"
        self.steps[name] = {}
        return name

    def one_of(self, *choices: Any) -> Any:
        return self.rnd.choice(choices)

    def chance(self, part: int) -> bool:
        """Be true one time in ``part``."""
        return self.rnd.randrange(part) == 0

    @property
    def full(self) -> bool:
        return len(self.steps) >= self.size
