"""The signals that a workflow declares: then it takes no others, and their payloads are checked."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from ..json_text import Json
from .common.mends import did_you_mean
from .inputs.checks import compile_checks
from .source.document import Faults, child
from .steps import checks
from .steps.members import Key
from .steps.step import Step
from .steps.waiting.wait_for import WaitFor
from .steps.work import NAME

MOST: Final = 100

_NAME = checks.matching(NAME, "a name: a letter, then up to 127 letters, digits, . - or _")


def _read(value: Json, pointer: str, faults: Faults) -> dict[str, Json] | None:
    if not isinstance(value, dict):
        faults.add(pointer, "must be an object of names, each with a JSON Schema or null")
        return None
    declared = cast("dict[str, Json]", value)
    if len(declared) > MOST:
        faults.add(pointer, f"declares more than {MOST} signals; tell them apart by their payloads")
        return None
    for name, schema in declared.items():
        place = child(pointer, name)
        _NAME(name, place, faults)
        if schema is not None:
            checks.input_schema(schema, place, faults)
    return declared


SIGNALS: Final = Key(
    _read,
    {
        "type": "object",
        "maxProperties": MOST,
        "propertyNames": {"pattern": NAME},
        "additionalProperties": {"type": ["object", "null"]},
    },
    "The signals that an instance takes, each with a JSON Schema (draft 2020-12) that its payload "
    "must fit, or null for any. Signals of all names and payloads unless given.",
    examples=({"paid": {"type": "object", "required": ["sum"]}, "stop": None},),
)


def check_awaited(
    declared: Mapping[str, Json] | None, steps: Iterable[Step], faults: Faults
) -> None:
    """Note every step that waits for a signal which is not declared, where any are."""
    if declared is None:
        return
    for step in steps:
        if isinstance(step, WaitFor) and step.signal is not None and step.signal not in declared:
            mend = did_you_mean(step.signal, declared)
            faults.add(
                child(step.pointer, "wait_for"),
                f"there is no {step.signal!r} among the `signals` of the workflow{mend}",
            )


def compile_signals(declared: Mapping[str, Json] | None) -> dict[str, Any] | None:
    """Return what the engine keeps of each: its schema, with what Postgres checks of it."""
    if declared is None:
        return None
    return {name: None if schema is None else _kept(schema) for name, schema in declared.items()}


def _kept(schema: Json) -> dict[str, Any]:
    compiled = compile_checks(schema)
    return {"schema": schema, "checks": compiled.checks, "unchecked": compiled.unchecked}
