"""The key `retry`: when a task is tried again."""

from dataclasses import replace
from typing import Any

import msgspec

from ...json_text import Json
from ..foreign.words import OF_A_RETRY
from ..source.document import Faults
from . import checks
from .durations import SCHEMA as DURATION
from .durations import WAIT
from .members import Key, Members

ERROR_CODE = r"^(?=.)[A-Za-z0-9_.:-]{0,127}$"
ERROR_CODES = ERROR_CODE.replace("$", r"\*?$")
"""A code, or a prefix that stands for all that begin so."""


class Retry(msgspec.Struct, frozen=True):
    """When a task is tried again; waits are seconds."""

    attempts: int = 5
    backoff: float = 1
    factor: float = 2
    max: float = 300
    jitter: float = 0.2
    non_retryable: list[str] | None = None

    def spec(self) -> dict[str, Any]:
        """Return what the engine keeps of it."""
        return {k: v for k, v in msgspec.structs.asdict(self).items() if v is not None}


_DEFAULT = Retry()
CODES = Key(
    checks.strings(
        checks.matching(ERROR_CODES, "an error code such as http.404, or a prefix such as http.4*"),
        "error codes",
    ),
    {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": ERROR_CODES}},
    "Codes of errors; * at the end stands for any.",
)

MEMBERS = Members(
    "a retry",
    {
        "attempts": Key(
            checks.number(1, 1000, whole=True),
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": _DEFAULT.attempts},
            "How often the task is tried, the first time included.",
        ),
        "backoff": Key(
            checks.wait,
            {**WAIT, "default": _DEFAULT.backoff},
            "The wait between the first try and the second; 0 for none.",
        ),
        "factor": Key(
            checks.number(1, 1000),
            {"type": "number", "minimum": 1, "maximum": 1000, "default": _DEFAULT.factor},
            "How much longer each wait is than the one before.",
        ),
        "max": Key(checks.duration, {**DURATION, "default": _DEFAULT.max}, "The longest wait."),
        "jitter": Key(
            checks.number(0, 1),
            {"type": "number", "minimum": 0, "maximum": 1, "default": _DEFAULT.jitter},
            "The part of a wait by which it is spread at random, up and down.",
        ),
        "non_retryable": replace(
            CODES,
            meaning="Codes of errors after which it is not tried again; * at the end stands for "
            "any.",
            examples=(["http.4*", "order.too_large"],),
        ),
    },
    OF_A_RETRY,
)


def _read(value: Json, pointer: str, faults: Faults) -> Retry | None:
    members = MEMBERS.read(value, pointer, faults)
    if members is None:
        return None
    retry = Retry(**members)
    if retry.max < retry.backoff:
        faults.add(
            pointer,
            f"waits {retry.backoff} s at first, which is more than max, {retry.max} s; "
            "give a larger max",
        )
    return retry


RETRY = Key(
    _read,
    MEMBERS.schema(),
    "When the task is tried again after a failure; as its handler says unless given.",
    examples=({"attempts": 5, "backoff": "1s", "max": "1m"},),
)
