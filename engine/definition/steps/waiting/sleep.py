"""A step that waits for a time, and needs no worker for it."""

from ....json_text import Json
from ...expressions.trees import Compiled
from ...foreign.words import OF_A_STEP
from ...inputs.formats import is_date_time
from ...source.document import Faults
from .. import checks
from ..durations import WAIT
from ..members import Key, Members
from ..step import FAILURE, HEAD, ORDER, ValueStep


def _time(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = checks.expression(value, pointer, faults)
    literal = compiled.tree.get("v")
    if "v" not in compiled.tree or (isinstance(literal, str) and is_date_time(literal)):
        return compiled
    faults.add(
        pointer,
        "must be a time with its offset from UTC, such as 2026-12-24T18:00:00Z, or an expression "
        "that gives one",
    )
    return None


_EXPRESSION = {"type": "string", "pattern": r"\$"}
UNTIL = Members(
    "what is slept until",
    {
        "until": Key(
            _time,
            {"anyOf": [_EXPRESSION, {"type": "string", "format": "date-time"}]},
            "The time, with its offset from UTC; what is past is now.",
            required=True,
            examples=("2026-12-24T18:00:00Z", "$.input.pay_at"),
        )
    },
    {},
)


def time_value(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    """Compile a duration, an expression that gives one, or the time {until}."""
    if isinstance(value, dict):
        read = UNTIL.read(value, pointer, faults)
        if read is None or "until" not in read:
            return None
        until: Compiled = read["until"]
        literal = "v" in until.tree
        until.tree = {"v": {"until": until.tree["v"]}} if literal else {"o": {"until": until.tree}}
        return until
    if isinstance(value, str) and "$" in value:
        return checks.expression(value, pointer, faults)
    seconds = checks.wait(value, pointer, faults)
    return None if seconds is None else Compiled({"v": seconds})


TIME = {"anyOf": [*WAIT["anyOf"], _EXPRESSION, UNTIL.schema()]}
"""The JSON Schema of what `time_value` takes."""

MEMBERS = Members(
    "a step",
    {
        **HEAD,
        "sleep": Key(
            time_value,
            TIME,
            "How long it waits, or until when; an expression gives seconds or a duration. At most "
            "ten years.",
            required=True,
            examples=("5m", "$.input.days * 86400", {"until": "$.input.pay_at"}),
        ),
        **ORDER,
        **FAILURE,
    },
    OF_A_STEP,
)


class Sleep(ValueStep, frozen=True, kw_only=True, tag="sleep"):
    """A step of the kind `sleep`; it gives null."""
