"""Every key of a definition: what it may hold, and what it means.

The tables at the end are the language. The compiler reads definitions by them, and the published
JSON Schema is made of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from ...json_text import Json
from ..common.mends import did_you_mean
from ..source.document import Faults, child
from . import checks
from .checks import ON_FAILURE, Check
from .durations import PATTERN as DURATION

Schema = dict[str, Any]

NAME = r"^[A-Za-z][A-Za-z0-9_.-]{0,127}$"
STEP_ID = r"^[A-Za-z][A-Za-z0-9_-]{0,62}$"
QUEUE = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
ERROR_CODE = r"^(?=.)[A-Za-z0-9_.:-]{0,127}\*?$"
MAX_STEPS = 10_000
RETRY_DEFAULTS: dict[str, Json] = {
    "attempts": 5,
    "backoff": 1,
    "factor": 2,
    "max": 300,
    "jitter": 0.2,
}


@dataclass(frozen=True, slots=True)
class Key:
    """One key: how its value is checked, the value's JSON Schema, and what it means.

    Where one of the keys ``unless`` is there, a required key is not missed.
    """

    check: Check
    schema: Schema
    meaning: str
    required: bool = False
    unless: frozenset[str] = frozenset()

    def published(self) -> Schema:
        """Return the JSON Schema of the value, with its meaning."""
        return {"description": self.meaning, **self.schema}


@dataclass(frozen=True, slots=True)
class Members:
    """The keys of one kind of object; ``refused`` gives reasons for some of those it lacks."""

    name: str
    keys: Mapping[str, Key]
    refused: Mapping[str, str]

    def read(self, value: Json, pointer: str, faults: Faults) -> dict[str, Any] | None:
        """Return the members that are sound; None where the value is no object."""
        if not isinstance(value, dict):
            faults.add(pointer, f"{self.name} is an object with the keys {', '.join(self.keys)}")
            return None
        read: dict[str, Any] = {}
        members = cast(dict[str, Json], value)
        for name, item in members.items():
            place = child(pointer, name)
            key = self.keys.get(name)
            if key is None:
                reason = self.refused.get(name) or (
                    f"{self.name} has no key {name!r}{did_you_mean(name, self.keys)}"
                )
                faults.add(place, reason, key=True)
                continue
            sound = key.check(item, place, faults)
            if sound is not None:
                read[name] = sound
        for name, key in self.keys.items():
            if key.required and name not in members and not members.keys() & key.unless:
                faults.add(pointer, f"{self.name} needs the key {name!r}")
        return read

    def schema(self) -> Schema:
        """Return the JSON Schema of such an object."""
        return {
            "type": "object",
            "additionalProperties": False,
            "required": [name for name, key in self.keys.items() if key.required],
            "properties": {name: key.published() for name, key in self.keys.items()},
        }


# Objects in objects


def _retry(value: Json, pointer: str, faults: Faults) -> dict[str, Json] | None:
    read = RETRY.read(value, pointer, faults)
    if read is None:
        return None
    policy = {**RETRY_DEFAULTS, **read}
    if policy["max"] < policy["backoff"]:
        faults.add(
            pointer,
            f"waits {policy['backoff']} s at first, which is more than max, {policy['max']} s; "
            "give a larger max",
        )
    return policy


def _compensate(value: Json, pointer: str, faults: Faults) -> dict[str, Any] | None:
    return COMPENSATION.read(value, pointer, faults)


def _steps(value: Json, pointer: str, faults: Faults) -> list[dict[str, Any] | None] | None:
    if not isinstance(value, list) or not value:
        faults.add(pointer, "must be a list of at least one step")
        return None
    items = cast(list[Json], value)
    if len(items) > MAX_STEPS:
        faults.add(pointer, f"has more than {MAX_STEPS} steps; split the workflow")
        return None
    return [STEP.read(item, child(pointer, n), faults) for n, item in enumerate(items)]


# The language

_LATER = "{!r} is not available in this release"
_DURATION = {
    "anyOf": [{"type": "number", "exclusiveMinimum": 0}, {"type": "string", "pattern": DURATION}]
}
_TEXT = {"type": "string"}
_STEP_ID = checks.matching(STEP_ID, "an id: a letter, then up to 62 letters, digits, - or _")
_QUEUE = checks.matching(QUEUE, "the name of a queue, such as mail")
# What stands in a step of another kind where this release has `task`.
_OTHER_KINDS = (
    *("branch", "for_each", "loop", "map", "parallel", "schedule", "set", "signal", "sleep"),
    *("steps", "switch", "try", "wait", "while", "workflow"),
)
_TASK = Key(
    checks.matching(NAME, "the name of a task, such as http.request"),
    {"type": "string", "pattern": NAME},
    "The task that a worker carries out.",
    required=True,
    unless=frozenset(_OTHER_KINDS),
)
_WITH = Key(
    checks.task_input,
    {"anyOf": [{"type": "object"}, {"type": "string", "pattern": r"^\$[.{]"}]},
    "The input of the task; texts in it may be expressions.",
)
_TIMEOUT = Key(checks.duration, _DURATION, "How long one attempt may take.")
_ON_FAILURE = {"enum": list(ON_FAILURE)}


def _later(*names: str) -> dict[str, str]:
    return {name: _LATER.format(name) for name in names}


RETRY = Members(
    "a retry",
    {
        "attempts": Key(
            checks.number(1, 1000, whole=True),
            {"type": "integer", "minimum": 1, "maximum": 1000, "default": 5},
            "How often the task is tried, the first time included.",
        ),
        "backoff": Key(
            checks.duration,
            {**_DURATION, "default": 1},
            "The wait between the first try and the second.",
        ),
        "factor": Key(
            checks.number(1, 1000),
            {"type": "number", "minimum": 1, "maximum": 1000, "default": 2},
            "How much longer each wait is than the one before.",
        ),
        "max": Key(checks.duration, {**_DURATION, "default": 300}, "The longest wait."),
        "jitter": Key(
            checks.number(0, 1),
            {"type": "number", "minimum": 0, "maximum": 1, "default": 0.2},
            "The part of a wait by which it is spread at random, up and down.",
        ),
        "non_retryable": Key(
            checks.strings(
                checks.matching(
                    ERROR_CODE, "an error code such as http.404, or a prefix such as http.4*"
                ),
                "error codes",
            ),
            {
                "type": "array",
                "uniqueItems": True,
                "items": {"type": "string", "pattern": ERROR_CODE},
            },
            "Codes of errors after which the task is not tried again; * at the end stands for any.",
        ),
    },
    {},
)
_RETRY = Key(_retry, RETRY.schema(), "When the task is tried again after a failure.")

COMPENSATION = Members(
    "a compensation",
    {
        "task": _TASK,
        "with": _WITH,
        "queue": Key(
            _QUEUE,
            {"type": "string", "pattern": QUEUE},
            "The queue of the workers that carry it out; that of its step unless given.",
        ),
        "retry": _RETRY,
        "timeout": _TIMEOUT,
    },
    _later("when", "on_failure", "needs", "compensate"),
)

STEP = Members(
    "a step",
    {
        "id": Key(
            _STEP_ID,
            {"type": "string", "pattern": STEP_ID},
            "The name of the step, once in the workflow.",
            required=True,
        ),
        "description": Key(checks.text, _TEXT, "What the step is for, in words."),
        "task": _TASK,
        "with": _WITH,
        "needs": Key(
            checks.strings(_STEP_ID, "step ids"),
            {"type": "array", "uniqueItems": True, "items": {"type": "string", "pattern": STEP_ID}},
            "The steps that must have ended before; without any `needs`, steps run as written.",
        ),
        "when": Key(
            checks.condition,
            {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"^\$[.{]"}]},
            "A condition; where it is false, this step alone is skipped.",
        ),
        "queue": Key(
            _QUEUE,
            {"type": "string", "pattern": QUEUE, "default": "default"},
            "The queue of the workers that carry it out.",
        ),
        "retry": _RETRY,
        "timeout": _TIMEOUT,
        "compensate": Key(
            _compensate,
            COMPENSATION.schema(),
            "The task that undoes the step when the workflow fails.",
        ),
        "on_failure": Key(
            checks.on_failure,
            _ON_FAILURE,
            "What follows when the step fails for good; else as the workflow.",
        ),
    },
    _later(*_OTHER_KINDS, "catch", "goto", "jump", "limit"),
)

WORKFLOW = Members(
    "a workflow",
    {
        "name": Key(
            checks.matching(NAME, "a name: a letter, then up to 127 letters, digits, . - or _"),
            {"type": "string", "pattern": NAME},
            "The name under which versions of the workflow are kept and instances started.",
            required=True,
        ),
        "description": Key(checks.text, _TEXT, "What the workflow is for, in words."),
        "input": Key(
            checks.input_schema,
            {"type": "object"},
            "A JSON Schema (draft 2020-12) that the input of an instance must fit.",
        ),
        "steps": Key(
            _steps,
            {"type": "array", "minItems": 1, "items": STEP.schema()},
            "The steps, in order.",
            required=True,
        ),
        "output": Key(
            checks.expression, {}, "The output of an instance; texts in it may be expressions."
        ),
        "on_failure": Key(
            checks.on_failure,
            {**_ON_FAILURE, "default": "compensate"},
            "What follows when a step fails for good.",
        ),
        "deadline": Key(
            checks.duration, _DURATION, "How long an instance may take; then it fails."
        ),
    },
    {
        **_later("catch", "concurrency", "finally", "limit", "priority", "schedule", "schedules"),
        **_later("signals", "timeout", "triggers", "vars"),
        "version": "the engine numbers versions; leave `version` out",
    },
)
