"""Blocks: what each kind opens, and what it decides when one of its scopes has ended.

A fan has lists, each in a scope of its own, so many at a time. A chain has one scope at a time.
"""

from typing import Any, cast

from .closing import close
from .definition import Branch
from .model import Instance, Row, Scope
from .seeing import Fails, condition_of, value_of

Json = Any

MOST_ITEMS = 100_000


def begin_block(instance: Instance, row: Row, given: Json = None, answered: str = "") -> None:
    """Open what a block begins with. Raises Fails.

    ``given`` is the value that the expression ``answered`` should have given.
    """
    step = row.step
    match step.kind:
        case "switch":
            _switch(instance, row, given, answered)
        case "for_each":
            _for_each(instance, row, given, answered)
        case "repeat":
            _next_round(instance, row, given if answered == "while" else None)
        case "try":
            _open(row, step.branches[0])
        case _:
            for branch in step.branches:
                _wait(row, branch)
            open_slots(row)


def _wait(row: Row, branch: Branch, **sees: Json) -> Scope:
    scope = Scope(row, len(row.scopes), branch, sees)
    row.scopes.append(scope)
    return scope


def _open(row: Row, branch: Branch, **sees: Json) -> None:
    _wait(row, branch, **sees).state = "OPEN"


def open_slots(row: Row) -> None:
    """Open what waits, by ordinal, while fewer are under way than may be."""
    for scope in row.scopes:
        under_way = sum(1 for s in row.scopes if not s.ended and s.state != "WAITING")
        if under_way < row.step.max_parallel and scope.state == "WAITING":
            scope.state = "OPEN"


# Fans


def _switch(instance: Instance, row: Row, given: Json, answered: str) -> None:
    """Take the first case that holds; those before the one that is answered did not."""
    at = int(answered.removeprefix("case ")) if answered.startswith("case ") else None
    for n, case in enumerate(row.step.branches):
        if at is not None and n <= at:
            holds = n == at and given
        else:
            holds = condition_of(instance, row.scope, case.when, f"case {n}")
        if holds:
            if case.steps:
                return _open(row, case)
            break
    return instance.end(row, "SUCCEEDED")


def _for_each(instance: Instance, row: Row, given: Json, answered: str) -> None:
    step = row.step
    found = given if answered == "value" else value_of(instance, row.scope, step.value)
    if not isinstance(found, list):
        raise Fails("expression", "for_each takes an array", "value")
    items = cast("list[Json]", found)
    count = len(items)
    if count > MOST_ITEMS:
        raise Fails("flow.limit", f"for_each of {count} items", "value")
    if step.join is not None and count < step.join:
        raise Fails("flow.join", f"{count} items, of which {step.join} are to succeed", "value")
    for index, item in enumerate(items):
        sees: dict[str, Json] = {"item": item, "index": index}
        if step.names is not None:
            sees |= {step.names: item, f"{step.names}_index": index}
        _wait(row, step.branches[0], **sees)
    if not items:
        instance.end(row, "SUCCEEDED", [])
    open_slots(row)


def output_of(row: Row) -> Json:
    """Return what a fan gives of its scopes' outputs."""
    done = {s.ordinal: s for s in row.scopes if s.state == "SUCCEEDED"}
    match row.step.kind:
        case "parallel":
            return {s.branch.name: s.output for s in done.values()}
        case "race":
            (first,) = done.values()
            return {"winner": first.branch.name, "output": first.output}
        case "for_each":
            return [done[n].output if n in done else None for n in range(len(row.scopes))]
        case _:
            return next((s.output for s in done.values()), None)


def _decide_fan(instance: Instance, row: Row) -> None:
    done = sum(1 for scope in row.scopes if scope.state == "SUCCEEDED")
    join = row.step.join
    if done >= join if join is not None else all(scope.ended for scope in row.scopes):
        instance.end(row, "SUCCEEDED", output_of(row))
        for scope in row.scopes:
            lose(instance, scope)
    else:
        open_slots(row)


def lose(instance: Instance, scope: Scope) -> None:
    """Close what a decided fan leaves behind; it drains and is undone behind it."""
    if scope.state in ("WAITING", "OPEN"):
        assert scope.block is not None
        undoes = scope.block.step.undo and instance.workflow.on_failure != "fail"
        close(instance, scope, outermost=True, undoes=undoes)


# Chains


def _next_round(instance: Instance, row: Row, goes_on: bool | None = None) -> None:
    """Begin the next round of a repeat, or end it."""
    step = row.step
    last = row.scopes[-1] if row.scopes else None
    output = None if last is None else last.output
    if step.first:
        if goes_on is None:
            goes_on = condition_of(instance, last or row.scope, step.condition, "while")
        if not goes_on:
            return instance.end(row, "SUCCEEDED", output)
    if len(row.scopes) >= step.limit:
        raise Fails("flow.limit", f"more than {step.limit} rounds", "limit")
    return _open(row, step.branches[0], round=len(row.scopes), previous=output)


def round_ended(instance: Instance, row: Row, is_enough: bool | None = None) -> None:
    """Ask after a round whether it was the last. Raises Fails."""
    step = row.step
    if not step.first:
        if is_enough is None:
            is_enough = condition_of(instance, row.scopes[-1], step.condition, "until")
        if is_enough:
            return instance.end(row, "SUCCEEDED", row.scopes[-1].output)
    if step.delay:
        row.resume_at = instance.now + step.delay
        return None
    return _next_round(instance, row)


def _attempt_ended(instance: Instance, row: Row) -> None:
    """Follow the plan of a try whose list, or whose catch, has ended."""
    last, plan = row.scopes[-1], row.plan
    if last.state == "SUCCEEDED":
        return instance.end(row, "SUCCEEDED", last.output)
    assert plan is not None
    if plan.catch is None:
        row.resume_at = instance.now + row.step.retry.delay
        return resume(instance, row) if row.resume_at <= instance.now else None
    row.plan, row.caught = None, plan.error["code"]
    if not plan.catch.steps:
        return instance.end(row, "SUCCEEDED")
    return _open(row, plan.catch, error=plan.error)


def resume(instance: Instance, row: Row) -> None:
    """Go on after a delay: the next attempt of a try, the next round of a repeat. Raises Fails."""
    row.plan, row.resume_at = None, None
    if row.step.kind == "try":
        _open(row, row.step.branches[0])
    else:
        _next_round(instance, row)


def decide(instance: Instance, row: Row) -> None:
    """Decide what follows for a block of which a scope has ended in this wave."""
    try:
        match row.step.kind:
            case "try":
                _attempt_ended(instance, row)
            case "repeat":
                round_ended(instance, row)
            case _:
                _decide_fan(instance, row)
    except Fails as failed:
        instance.fail(row, failed.error, failed.wrong)
