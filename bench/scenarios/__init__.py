"""The scenarios, by letter. Each module has a TITLE and a function run(bench)."""

from collections.abc import Mapping
from typing import Protocol

from ..bench import Bench
from . import sequence, single


class Scenario(Protocol):
    """A module of this package."""

    @property
    def TITLE(self) -> str: ...

    def run(self, bench: Bench) -> None: ...


SCENARIOS: Mapping[str, Scenario] = {"a": sequence, "b": single}
