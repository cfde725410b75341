"""The scenarios, by letter. Each module has a TITLE and a function run(bench)."""

from collections.abc import Mapping
from typing import Protocol

from ..bench import Bench
from . import (
    asleep,
    backlog,
    blocks,
    fan_out,
    history,
    invoice,
    relay,
    retries,
    schedules,
    sequence,
    single,
    sleeps,
    starts,
    statistics,
    topics,
    waiting,
    wide,
)


class Scenario(Protocol):
    """A module of this package."""

    @property
    def TITLE(self) -> str: ...

    def run(self, bench: Bench) -> None: ...


SCENARIOS: Mapping[str, Scenario] = {
    "a": sequence,
    "b": single,
    "c": fan_out,
    "d": starts,
    "e": relay,
    "f": retries,
    "g": backlog,
    "h": history,
    "i": invoice,
    "j": blocks,
    "k": wide,
    "l": schedules,
    "m": sleeps,
    "n": waiting,
    "o": topics,
    "p": asleep,
    "q": statistics,
}
