"""A step that waits for something that has a name, such as a signal, and gives what comes."""

from typing import Any

from ....json_text import Json
from ...expressions.trees import Compiled
from ...foreign.words import OF_A_STEP
from ...source.document import Faults
from .. import checks
from ..durations import EXAMPLES
from ..durations import SCHEMA as DURATION
from ..members import Key, Members
from ..step import FAILURE, HEAD, ORDER, ValueStep
from ..work import NAME

_SIGNAL = checks.matching(NAME, "the name of a signal, such as paid")
TIMEOUT = Key(
    checks.duration,
    DURATION,
    "How long it waits; then it fails, with the code timeout. No limit unless given.",
    examples=EXAMPLES,
)


def _what(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    name = _SIGNAL(value, pointer, faults)
    return None if name is None else Compiled({"v": {"signal": name}})


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "wait_for": Key(
            _what,
            {"type": "string", "pattern": NAME},
            "The name of a signal, which is sent to this instance; its payload is the output.",
            required=True,
            examples=("paid",),
        ),
        **ORDER,
        "timeout": TIMEOUT,
        **FAILURE,
    },
    OF_A_STEP,
)


class WaitFor(ValueStep, frozen=True, kw_only=True, tag="wait_for"):
    """A step of the kind `wait_for`; its value says what it waits for."""

    timeout: float | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return what it waits for, and for how long."""
        return {**super().own(members, pointer), "timeout": members.get("timeout")}

    def policy(self) -> dict[str, Any]:
        """Return what the engine keeps of it besides."""
        timeout = {} if self.timeout is None else {"timeout": self.timeout}
        return {**super().policy(), **timeout}
