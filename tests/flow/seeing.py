"""What an expression sees: its own list, and what the blocks around it see."""

from typing import Any

from .definition import Step
from .expressions import ExpressionFailed, evaluate
from .model import Error, Instance, Row, Scope

Json = Any


class Fails(Exception):
    """An expression of a step fails, or gives what cannot be used."""

    def __init__(self, code: str, message: str, wrong: str) -> None:
        super().__init__(message)
        self.error: Error = {"code": code, "message": message}
        self.wrong = wrong


def context_of(instance: Instance, scope: Scope) -> dict[str, Json]:
    """Return what a step of this scope sees."""
    around: list[Scope] = []
    inner: Scope | None = scope
    while inner is not None:
        around.insert(0, inner)
        inner = None if inner.block is None else inner.block.scope
    context: dict[str, Json] = {"input": instance.input}
    steps: dict[str, Json] = {}
    for seen in around:
        for part in _beside(seen):
            for step in part.branch.steps:
                steps[step.id] = _told(step, part.find(step.id))
        context |= seen.sees
    return {**context, "steps": steps}


def _beside(scope: Scope) -> list[Scope]:
    """Return whose steps are seen: of a catch its try's too, of a round to come the last's."""
    block = scope.block
    if block is None:
        return [scope]
    if block.step.kind == "try" and scope.branch not in block.step.branches:
        return [block.scopes[scope.ordinal - 1], scope]
    if block.step.kind == "repeat" and scope.ordinal == len(block.scopes) > 0:
        return [block.scopes[-1]]
    return [scope]


def _told(step: Step, row: Row | None) -> dict[str, Json]:
    """Return what is seen of a step; one that has no row is null in all."""
    own = {"for_each": ["errors"], "try": ["caught"]}.get(step.kind, [])
    told: dict[str, Json] = dict.fromkeys(["output", "state", "error", *own])
    if row is None:
        return told
    told |= {"output": row.output, "state": row.state}
    if row.state == "FAILED":
        told["error"] = row.error
    if row.step.kind == "for_each":
        told["errors"] = [
            {"index": scope.ordinal, "error": scope.error}
            for scope in row.scopes
            if scope.error is not None
        ]
    if row.step.kind == "try":
        told["caught"] = row.caught
    return told


def value_of(
    instance: Instance, scope: Scope, tree: Json, more: dict[str, Json] | None = None
) -> Json:
    """Evaluate a step's value. Raises Fails."""
    try:
        return evaluate(tree, {**context_of(instance, scope), **(more or {})})
    except ExpressionFailed as failed:
        raise Fails("expression", str(failed), "value") from None


def condition_of(instance: Instance, scope: Scope, tree: Json, wrong: str) -> bool:
    """Evaluate a condition, which is a boolean. Raises Fails, with ``wrong``."""
    try:
        found = evaluate(tree, context_of(instance, scope))
    except ExpressionFailed as failed:
        raise Fails("expression", str(failed), wrong) from None
    if isinstance(found, bool):
        return found
    raise Fails("expression", "a condition is true or false", wrong)


def error_seen(row: Row) -> Error:
    """Return the error of a row as a catch and an operator are told it."""
    assert row.error is not None
    known = {"message": None, "detail": None, **row.error}
    return {**known, "task": row.path, "attempts": row.attempt}
