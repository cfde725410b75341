"""Checks of single values in a definition.

Each takes a value and its JSON pointer; it returns the value as the compiler wants it (a duration
in seconds, expressions as trees), or notes a fault and returns None.
"""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, cast

from ...json_text import Json
from ..common.mends import did_you_mean, one_of
from ..expressions.trees import Compiled, compile_value
from ..source.document import Faults, child
from .durations import seconds

Check = Callable[[Json, str, Faults], Any]

MOST_FIELDS = 16
ON_FAILURE = ("compensate", "fail", "suspend")
"""What a workflow may do when a step fails for good."""
STEP_ON_FAILURE = ("continue", *ON_FAILURE)
"""What a step may have done; `continue` lets the instance go on."""
BLOCK_ON_FAILURE = ("continue", "suspend")
"""What a block may have done; else the blocks around it are asked, then the workflow."""


def text(value: Json, pointer: str, faults: Faults) -> str | None:
    if isinstance(value, str):
        return value
    faults.add(pointer, "must be a string")
    return None


def matching(pattern: str, what: str) -> Check:
    compiled = re.compile(pattern)

    def check(value: Json, pointer: str, faults: Faults) -> str | None:
        if isinstance(value, str) and compiled.fullmatch(value):
            return value
        faults.add(pointer, f"must be {what}")
        return None

    return check


def on_failure(known: tuple[str, ...]) -> Check:
    def check(value: Json, pointer: str, faults: Faults) -> str | None:
        if isinstance(value, str) and value in known:
            return value
        mend = did_you_mean(value, known) if isinstance(value, str) else ""
        faults.add(pointer, f"must be {one_of(known)}{mend}")
        return None

    return check


def duration(value: Json, pointer: str, faults: Faults) -> int | float | None:
    found = seconds(value)
    if found is not None and found > 0:
        return found
    faults.add(
        pointer,
        "must be a duration above 0 such as 30s, 1h30m or 500ms, or a number of seconds; "
        "at most ten years",
    )
    return None


def wait(value: Json, pointer: str, faults: Faults) -> int | float | None:
    found = seconds(value)
    if found is None:
        faults.add(pointer, "must be a duration such as 30s, or 0 for none; at most ten years")
    return found


def number(least: int, most: int, *, whole: bool = False) -> Check:
    what = "a whole number" if whole else "a number"

    def check(value: Json, pointer: str, faults: Faults) -> int | float | None:
        number = _plain_number(value)
        if number is None or (whole and number != int(number)):
            faults.add(pointer, f"must be {what}")
        elif not least <= number <= most:
            faults.add(pointer, f"must be {what} from {least} to {most}")
        else:
            return number
        return None

    return check


def _plain_number(value: Json) -> int | float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    return int(value) if value == int(value) else float(value)


def strings(item: Check, what: str) -> Check:
    def check(value: Json, pointer: str, faults: Faults) -> list[str]:
        if not isinstance(value, list):
            faults.add(pointer, f"must be a list of {what}, such as [a, b]")
            return []
        found: dict[str, None] = {}
        for n, text in enumerate(cast(list[Json], value)):
            sound = item(text, child(pointer, n), faults)
            if sound in found:
                faults.add(child(pointer, n), f"names {sound!r} twice; keep one")
            elif sound is not None:
                found[sound] = None
        return list(found)

    return check


INPUT_FIELD = r"\$\.input((?:\.[A-Za-z_][A-Za-z0-9_-]{0,99}){1,8})"


def input_field(value: Json, pointer: str, faults: Faults) -> str | None:
    found = re.fullmatch(INPUT_FIELD, value) if isinstance(value, str) else None
    if found is None:
        faults.add(
            pointer,
            "must be the path of one field of the input, such as $.input.order or "
            "$.input.customer.email",
        )
        return None
    return found[1][1:]


def search(value: Json, pointer: str, faults: Faults) -> list[str]:
    fields = strings(input_field, "paths")(value, pointer, faults)
    if len(fields) > MOST_FIELDS:
        faults.add(pointer, f"has more than {MOST_FIELDS} fields; keep those that are looked for")
    return fields


def input_schema(value: Json, pointer: str, faults: Faults) -> Json:
    # Only a definition with a schema waits for what reads schemas.
    from ..inputs.input_schema import check_schema

    check_schema(value, pointer, faults)
    return value


# Values with expressions in them


def expression(value: Json, pointer: str, faults: Faults) -> Compiled:
    return without_secrets(compile_value(value, pointer, faults), faults)


def output(value: Json, pointer: str, faults: Faults) -> Compiled:
    compiled = expression(value, pointer, faults)
    for where, reference in compiled.references:
        if reference.config:
            faults.add(
                where, "an output does not see $config; take it from a step that was given it"
            )
    return compiled


def without_secrets(compiled: Compiled, faults: Faults) -> Compiled:
    """Note each secret of an expression that no worker evaluates."""
    for text in compiled.filled:
        faults.add(text.pointer, "secrets are for the `with` of steps and compensations alone")
    return compiled


def task_input(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = compile_value(value, pointer, faults)
    if isinstance(value, dict) or "p" in compiled.tree or "f" in compiled.tree:
        return compiled
    faults.add(pointer, "must be an object, or one expression that gives one")
    return None


def started_input(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = task_input(value, pointer, faults)
    return without_secrets(compiled, faults) if compiled else None


def condition(value: Json, pointer: str, faults: Faults) -> Compiled | None:
    compiled = expression(value, pointer, faults)
    tree = compiled.tree
    if compiled.filled:
        return None
    if isinstance(value, bool) or "b" in tree:
        return compiled
    if "m" in tree or not ("p" in tree or "f" in tree):
        faults.add(pointer, "must be true, false, or one expression that gives one of them")
        return None
    compiled.tree = {"f": "boolean", "x": tree, "a": [], "t": tree["t"], "k": ["boolean"]}
    return compiled
