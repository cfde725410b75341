"""A step that waits for something that has a name, such as a signal, and gives what comes."""

from typing import Any, Final, NamedTuple

from ....json_text import Json
from ...expressions.trees import Compiled
from ...foreign.words import OF_A_STEP
from ...source.document import Faults
from .. import checks
from ..durations import EXAMPLES, WAIT
from ..durations import SCHEMA as DURATION
from ..members import Key, Members
from ..step import FAILURE, HEAD, ORDER, ValueStep
from ..work import NAME

KEEP: Final = 86_400
"""Seconds: how far back a step that begins to wait looks for an event, unless it says."""
_NAME = checks.matching(NAME, "a name, such as paid")
TIMEOUT = Key(
    checks.duration,
    DURATION,
    "How long it waits; then it fails, with the code timeout. No limit unless given.",
    examples=EXAMPLES,
)


def _key(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = checks.expression(value, pointer, faults)
    literal = compiled.tree.get("v")
    if "v" not in compiled.tree or (isinstance(literal, str) and 0 < len(literal) < 256):
        return compiled
    faults.add(pointer, "must be a text of 1 to 255 characters, or an expression that gives one")
    return None


EVENT = Members(
    "an event",
    {
        "event": Key(
            _NAME,
            {"type": "string", "pattern": NAME},
            "The name of the event.",
            required=True,
            examples=("payment.received",),
        ),
        "key": Key(
            _key,
            {"type": "string", "minLength": 1},
            "What tells it from others of its name: a text, often an expression.",
            required=True,
            examples=("$.input.order",),
        ),
        "keep": Key(
            checks.wait,
            {**WAIT, "default": "1d"},
            "How long ago it may have been sent when the step begins to wait; 0: not before.",
            examples=("1h", 0),
        ),
    },
    {},
)


class What(NamedTuple):
    """What is waited for: a signal, or an event with how far back is looked for it."""

    compiled: Compiled
    signal: str | None = None
    event: str | None = None
    keep: float | None = None


def _what(value: Json, pointer: str, faults: Faults) -> What | None:
    if not isinstance(value, dict):
        name = _NAME(value, pointer, faults)
        return None if name is None else What(Compiled({"v": {"signal": name}}), name)
    read = EVENT.read(value, pointer, faults)
    if read is None or not {"event", "key"} <= read.keys():
        return None
    key: Compiled = read["key"]
    members = {"event": {"v": read["event"]}, "key": key.tree}
    literal = {name: tree["v"] for name, tree in members.items() if "v" in tree}
    key.tree = {"v": literal} if len(literal) == len(members) else {"o": members}
    return What(key, event=read["event"], keep=read.get("keep", KEEP))


MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "wait_for": Key(
            _what,
            {"anyOf": [{"type": "string", "pattern": NAME}, EVENT.schema()]},
            "The name of a signal, which is sent to this instance, or an event, which is sent to "
            "whoever waits for it; its payload is the output.",
            required=True,
            examples=("paid", {"event": "payment.received", "key": "$.input.order"}),
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
    signal: str | None = None
    event: str | None = None
    keep: float | None = None

    @classmethod
    def own(cls, members: dict[str, Any], pointer: str) -> dict[str, Any]:
        """Return what it waits for, and for how long."""
        what: What = members.get("wait_for", What(Compiled({"v": None})))
        return {
            "value": what.compiled,
            "timeout": members.get("timeout"),
            "signal": what.signal,
            "event": what.event,
            "keep": what.keep,
        }

    def policy(self) -> dict[str, Any]:
        """Return what the engine keeps of it besides."""
        own = {"timeout": self.timeout, "event": self.event, "keep": self.keep}
        given = {name: value for name, value in own.items() if value is not None}
        return {**super().policy(), **given}
