"""The key `labels` of a workflow: names and values by which its instances are found and told apart.

Each value is an expression over the input and `$.instance`, evaluated as an instance starts. They
steer nothing.
"""

from typing import Any, Final, cast

from ..json_text import Json
from ..labels import MOST, NAME, NAME_RULE, value_fault
from .expressions.references import INSTANCE_FIELDS, Heard
from .expressions.trees import Compiled, compile_value
from .source.document import Faults, child
from .steps import checks
from .steps.members import Key

SEES: Final = Heard({"input": (), "instance": INSTANCE_FIELDS}, "a label")


def _read(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    if not isinstance(value, dict):
        message = "must be an object of names and values, such as {customer: $.input.customer}"
        faults.add(pointer, message)
        return None
    labels = cast(dict[str, Json], value)
    if len(labels) > MOST:
        faults.add(pointer, f"has more than {MOST} labels; keep those that are looked for")
    for name, given in labels.items():
        if not NAME.fullmatch(name):
            faults.add(child(pointer, name), f"the name of a label is {NAME_RULE}", key=True)
        elif fault := _fault(given):
            faults.add(child(pointer, name), fault)
    return checks.without_secrets(compile_value(labels, pointer, faults), faults)


def _fault(given: Json) -> str | None:
    """Return what is wrong with a value as it was written; what an expression gives shows later."""
    return None if isinstance(given, str) and "$" in given else value_fault(given)


_VALUE: Final[dict[str, Any]] = {"type": ["string", "number", "boolean", "null"]}

LABELS = Key(
    _read,
    {
        "type": "object",
        "maxProperties": MOST,
        "propertyNames": {"pattern": f"^{NAME.pattern}$"},
        "additionalProperties": _VALUE,
    },
    "Names and values by which instances are found; texts may be expressions over $.input and "
    "$.instance, evaluated as an instance starts. Null gives no label.",
    examples=({"customer": "$.input.customer", "team": "billing"},),
)
