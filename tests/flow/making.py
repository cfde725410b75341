"""What comes due is made: a task with its input, a block with its scopes; others end at once."""

from typing import Any

from .blocks import begin_block, resume, round_ended
from .definition import Step
from .model import PASSES, Instance, Row, Scope
from .seeing import Fails, condition_of, value_of

Json = Any


def due_steps(scope: Scope) -> list[Step]:
    """Return the steps of an OPEN scope into which every edge has passed, not made yet."""
    found: list[Step] = []
    for step in scope.branch.steps:
        row = scope.find(step.id)
        if (row is None or not row.made) and _passed(scope, step) == len(step.needs):
            found.append(step)
    return found


def _passed(scope: Scope, step: Step) -> int:
    rows = [scope.find(need) for need in step.needs]
    return sum(1 for row in rows if row is not None and not row.open and row.state in PASSES)


def count_joins(scope: Scope) -> None:
    """Make the rows of joins into which some edges have passed: they count, WAITING."""
    for step in scope.branch.steps:
        if scope.find(step.id) is None and 0 < _passed(scope, step) < len(step.needs):
            scope.rows.append(Row(scope, step))


def make(instance: Instance, scope: Scope, step: Step) -> None:
    """Make a step that is due."""
    row = scope.find(step.id)
    if row is None:
        row = Row(scope, step)
        scope.rows.append(row)
    row.made = True
    begin(instance, row)


def begin(instance: Instance, row: Row, given: Json = None, answered: str = "") -> None:
    """Evaluate a row and begin it; ``given`` is what the expression ``answered`` should give."""
    step = row.step
    row.state, row.error, row.wrong, row.asked = "WAITING", None, None, None
    try:
        if answered == "when":
            runs = bool(given)
        elif answered or step.when is True:
            runs = True
        else:
            runs = condition_of(instance, row.scope, step.when, "when")
        if runs:
            _run(instance, row, given, answered)
        else:
            instance.end(row, "SKIPPED")
    except Fails as failed:
        instance.fail(row, failed.error, failed.wrong)


def _run(instance: Instance, row: Row, given: Json, answered: str) -> None:
    step = row.step
    if step.is_block:
        if step.timeout is not None and row.timeout_at is None:
            row.timeout_at = instance.now + step.timeout
        if answered == "until":
            round_ended(instance, row, given)
        elif answered == "while" and row.scopes:
            _resume_with(instance, row, given)
        else:
            begin_block(instance, row, given, answered)
        return
    value = given if answered == "value" else value_of(instance, row.scope, step.value)
    if step.kind == "task":
        row.input, row.has_input, row.state = value, True, "QUEUED"
    elif step.kind == "set":
        instance.end(row, "SUCCEEDED", value)
    elif isinstance(value, dict) and isinstance(value.get("code"), str):  # pyright: ignore
        instance.fail(row, value, "value")  # pyright: ignore[reportUnknownArgumentType]
    else:
        raise Fails("expression", "fail takes an error with a code", "value")


def _resume_with(instance: Instance, row: Row, goes_on: Json) -> None:
    if goes_on:
        resume(instance, row)
    else:
        instance.end(row, "SUCCEEDED", row.scopes[-1].output)
