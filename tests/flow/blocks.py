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
            _begin_rounds(instance, row, given if answered == "while" else None)
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


def _begin_rounds(instance: Instance, row: Row, goes_on: bool | None) -> None:
    """Begin the first round of a repeat, if its ``while`` lets it."""
    if row.step.first and not _goes_on(instance, row, goes_on):
        instance.end(row, "SUCCEEDED")
    else:
        resume(row)


def round_ended(instance: Instance, row: Row, answered: bool | None = None) -> None:
    """Ask after a round whether another follows. Raises Fails.

    ``answered`` is what the condition should have given.
    """
    step = row.step
    if step.first:
        is_enough = not _goes_on(instance, row, answered)
    elif answered is None:
        is_enough = condition_of(instance, row.scopes[-1], step.condition, "until")
    else:
        is_enough = answered
    if is_enough:
        return instance.end(row, "SUCCEEDED", row.scopes[-1].output)
    if len(row.scopes) >= step.limit:
        raise Fails("flow.limit", f"more than {step.limit} rounds", "limit")
    if not step.delay:
        return resume(row)
    row.resume_at = instance.now + step.delay
    return None


def _goes_on(instance: Instance, row: Row, answered: bool | None) -> bool:
    """Ask before a round whether it is to be: a ``while`` sees the round before, and its number.

    It does so as the round that it lets begin would, whose number and ``previous`` it is told.
    """
    if answered is not None:
        return answered
    return condition_of(instance, _round(row), row.step.condition, "while")


def _round(row: Row) -> Scope:
    """Return the round of a repeat that may follow."""
    last = row.scopes[-1] if row.scopes else None
    sees = {"round": len(row.scopes), "previous": None if last is None else last.output}
    return Scope(row, len(row.scopes), row.step.branches[0], sees)


def _attempt_ended(instance: Instance, row: Row) -> None:
    """Follow the plan of a try whose list, or whose catch, has ended."""
    last, plan = row.scopes[-1], row.plan
    if last.state == "SUCCEEDED":
        return instance.end(row, "SUCCEEDED", last.output)
    assert plan is not None
    if plan.catch is None:
        # From the end of its undoing, which is now.
        row.resume_at = instance.now + row.step.retry.pause(len(row.scopes))
        return resume(row) if row.resume_at <= instance.now else None
    row.plan, row.caught = None, plan.error["code"]
    if not plan.catch.steps:
        return instance.end(row, "SUCCEEDED")
    return _open(row, plan.catch, error=plan.error)


def resume(row: Row) -> None:
    """Begin the next attempt of a try, or the next round of a repeat."""
    row.plan, row.resume_at = None, None
    if row.step.kind == "try":
        return _open(row, row.step.branches[0])
    following = _round(row)
    following.state = "OPEN"
    return row.scopes.append(following)


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
