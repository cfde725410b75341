"""What comes due is made: a task with its input, a block with its scopes; others end at once."""

from typing import Any

from .blocks import begin_block, round_ended
from .children import begin_child, begin_undoing
from .definition import WAITS, Step
from .model import PASSES, Instance, Row, Scope
from .seeing import Fails, condition_of, value_of
from .waiting import begin_wait, check_value, key_of, take_kept, wait_value

Json = Any

MOST_VISITS = 1000
"""Of one step, in one scope."""


def due_steps(scope: Scope) -> list[Step]:
    """Return the steps of an OPEN scope into which every edge has passed, not made yet."""
    if scope.branch.sequence:
        following = None if scope.returned or not scope.passed else scope.next_step
        return [] if following is None else [following]
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
    if scope.branch.sequence:
        return
    for step in scope.branch.steps:
        if scope.find(step.id) is None and 0 < _passed(scope, step) < len(step.needs):
            scope.rows.append(Row(scope, step))


def make(instance: Instance, scope: Scope, step: Step) -> None:
    """Make a step that is due: in a sequence its next visit, in a DAG the row that counted."""
    row = scope.find(step.id)
    if row is None or scope.branch.sequence:
        row = Row(scope, step, visit=0 if row is None else row.visit + 1)
        scope.rows.append(row)
    row.made = True
    if row.visit >= MOST_VISITS:
        # It is not asked whether it runs: it has no more visits.
        return instance.fail(row, {"code": "flow.limit"}, "limit")
    return begin(instance, row)


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
        if answered == "until" or (answered == "while" and row.scopes):
            round_ended(instance, row, given)
        else:
            begin_block(instance, row, given, answered)
        return None
    if step.kind in WAITS:
        known = answered == "value"
        tree = None if known or step.kind != "workflow" else step.key
        key = value_of(instance, row.scope, tree)
        row.input, row.has_input = wait_value(instance, row, given, answered), True
        row.child_key = None if key is None else key_of(key)
        if instance.held:
            row.state, row.rests = "READY", True
            return None
        return begin_to_wait(instance, row)
    # Where a goto goes is no expression.
    tree = None if step.kind == "goto" else step.value
    value = given if answered == "value" else value_of(instance, row.scope, tree)
    if step.kind == "task":
        row.input, row.has_input = value, True
        row.come_due(instance.now, anew=True)
    elif step.kind in ("set", "return"):
        instance.end(row, "SUCCEEDED", value)
        if step.kind == "return":
            _return(instance, row.scope, value)
    elif step.kind == "goto":
        instance.end(row, "SUCCEEDED")
    elif isinstance(value, dict) and isinstance(value.get("code"), str):  # pyright: ignore
        instance.fail(row, value, "value")  # pyright: ignore[reportUnknownArgumentType]
    else:
        raise Fails("expression", "fail takes an error with a code", "value")
    return None


def begin_to_wait(instance: Instance, row: Row) -> None:
    """Begin a wait of which all is evaluated: at once, or as a hold is lifted."""
    row.state, row.rests = "WAITING", False
    begins = begin_child if row.step.kind == "workflow" else begin_wait
    begins(instance, row)


def begin_resting(instance: Instance) -> None:
    """Begin what came due under a hold, and needs no worker."""
    for row in [row for row in instance.rows() if row.rests and row.open]:
        if row.undoes is not None:
            begin_undoing(instance, row)
        else:
            begin_to_wait(instance, row)
    take_kept(instance)


def _return(instance: Instance, scope: Scope, value: Json) -> None:
    """End the scopes and blocks around a return; the instance ends with its value once drained."""
    scope.returned = True
    if scope.block is None:
        scope.output = value
        return
    scope.state = scope.ends_as = "SUCCEEDED"
    instance.end(scope.block, "SUCCEEDED")
    _return(instance, scope.block.scope, value)


def may_redrive(instance: Instance, row: Row, value: Json) -> bool:
    """Tell whether a dead letter can be tried again with this value."""
    wrong = row.wrong
    if wrong in ("timeout", "limit"):
        return False
    if row.step.kind == "workflow" and (row.undoes is not None or wrong is None):
        # An instance that has failed is followed by another, one that could not be undone is not.
        return row.undoes is None
    if row.step.kind in ("task", "notice") or row.undoes is not None:
        return row.has_input or value is not None
    if wrong is None:
        return False
    if row.step.kind in ("approve", "workflow") and wrong == "value":
        return value is not None
    if row.step.kind in WAITS and wrong == "value":
        try:
            check_value(instance, row, value)
        except Fails:
            return False
        return True
    if wrong != "value":
        return isinstance(value, bool)
    match row.step.kind:
        case "for_each":
            return isinstance(value, list)
        case "fail":
            return isinstance(value, dict) and isinstance(value.get("code"), str)  # pyright: ignore
        case _:
            return value is not None
