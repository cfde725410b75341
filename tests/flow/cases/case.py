"""A case: a definition and a script of calls, told by a number from which it can be drawn again."""

import json
import re
import traceback
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from random import Random

from ..family import Family
from .actions import Action
from .drawing import definitions
from .drawn import ALL, Document
from .scripts import Call, choose, next_of, script
from .sending import is_sent_signals, too_late

MOST_CALLS = 400
"""Within so many calls every instance has ended."""


@dataclass(frozen=True)
class Case:
    """What is asked of an instance, and of those that it starts, of the workflows ``children``."""

    document: Document
    script: tuple[Call, ...]
    children: tuple[Document, ...] = ()


class CaseFailed(AssertionError):
    """A case failed, with these calls made; ``about`` is the same for what looks alike."""

    def __init__(self, case: Case, actions: Sequence[Action], error: BaseException) -> None:
        # Of a fault of the database what follows the first line differs from case to case.
        said = str(error).partition(" after ")[0].partition("\n")[0]
        words = re.sub(r"[0-9]+|'[^']*'", "…", said)
        self.about = f"{type(error).__name__}: {words}"
        where = "".join(traceback.format_tb(error.__traceback__)[-1:])
        calls = "\n".join(f"    {action}" for action in actions)
        document = "\n".join(json.dumps(part) for part in (case.document, *case.children))
        super().__init__(f"{document}\n{calls}\n{type(error).__name__}: {error}\n{where}")


def draw(seed: int, kinds: Sequence[str] = ALL, depth: int = 3, size: int = 24) -> Case:
    """Draw the case of this number."""
    rnd = Random(seed)
    document, *children = definitions(rnd, kinds, depth, size)
    return Case(document, tuple(script(rnd)), tuple(children))


def seeds(seed: int, cases: int) -> Iterable[int]:
    """Return the numbers of a run's cases: always the same ones by one seed."""
    rnd = Random(seed)
    return (rnd.getrandbits(48) for _ in range(cases))


def play(case: Case, family: Family, make: Callable[[Action], None]) -> None:
    """Have all calls of a script made, and then what brings the instance to its end.

    What an ended instance is sent goes into no wait.
    """
    for call in case.script:
        if family.ended():
            break
        for action in choose(family, call):
            make(action)
    for _ in range(MOST_CALLS):
        if family.ended():
            if is_sent_signals(family):
                make(too_late(len(case.script)))
            return
        make(next_of(family))
    raise AssertionError(f"it does not end: {family.rows()}")
