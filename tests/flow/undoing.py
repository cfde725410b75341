"""Undoing: the way back of a scope, the last first, and of a block, its scopes side by side."""

from .children import begin_undoing
from .definition import CHAINS
from .model import BlockBack, Instance, Row, Scope, ScopeBack
from .seeing import Fails, value_of


def can_undo(row: Row) -> bool:
    """Tell whether there is something to undo in an ended row: once in its instance's life."""
    if row.step.is_block:
        return any(something_to_undo(scope) for scope in row.scopes)
    if row.step.kind == "workflow" and row.step.detach:
        return False
    return (
        row.undoes is None
        and (row.step.compensate is not None or row.step.kind == "workflow")
        and row.compensation is None
        and (row.state == "SUCCEEDED" or row.unknown)
    )


def something_to_undo(scope: Scope) -> bool:
    """Tell whether there is something to undo in a scope and beneath it."""
    return any(can_undo(row) for row in scope.rows)


def begin_scope(scope: Scope) -> ScopeBack:
    """Begin the way back of a scope: its own compensations are made, WAITING."""
    rows = [row for row in scope.rows if can_undo(row)]
    rows.sort(key=lambda row: (row.seq or 0, row.id, row.visit), reverse=True)
    for row in rows:
        if not row.step.is_block:
            row.compensation = Row(scope, row.step, row.visit, undoes=row)
            scope.rows.append(row.compensation)
    return ScopeBack(scope, rows)


def begin_block(row: Row) -> BlockBack:
    """Begin the way back of a block: a fan's scopes beside each other, a chain's one by one."""
    scopes = [scope for scope in row.scopes if something_to_undo(scope)]
    at_once = 1 if row.step.kind in CHAINS else row.step.max_parallel
    return BlockBack(row, sorted(scopes, key=lambda scope: -scope.ordinal), at_once)


def go_back(instance: Instance, back: ScopeBack) -> bool:
    """Undo what can be undone now; tell whether all is.

    A scope that ends with a block that is undone does so in the next wave, as it does with one that
    succeeds.
    """
    while True:
        if back.block is not None:
            if not go_back_block(instance, back.block):
                return False
            back.block = back.current = None
            if not back.left:
                instance.goes_on = True
                return False
        elif back.current is not None:
            assert back.current.compensation is not None
            if back.current.compensation.open:
                return False
            back.current = None
        if not back.left:
            for scope in back.scope.tree():
                scope.undone = True
            return True
        back.current = back.left.pop(0)
        if back.current.step.is_block:
            back.block = begin_block(back.current)
        else:
            _make_due(instance, back.current)


def go_back_block(instance: Instance, back: BlockBack) -> bool:
    """Undo so many scopes at a time as may be; tell whether all are undone."""
    while True:
        back.active = [scope for scope in back.active if not go_back(instance, scope)]
        if len(back.active) >= back.at_once or not back.left:
            return not back.active and not back.left
        back.active.append(begin_scope(back.left.pop(0)))


def _make_due(instance: Instance, undone: Row) -> None:
    row = undone.compensation
    assert row is not None
    row.made = True
    if undone.step.kind == "workflow":
        return begin_undoing(instance, row)
    assert undone.step.compensate is not None
    sees = {"output": undone.output, "task_input": undone.input}
    try:
        row.input = value_of(instance, undone.scope, undone.step.compensate.given, sees)
    except Fails as failed:
        row.state, row.error = "DEAD_LETTER", failed.error
        return None
    row.has_input = True
    row.come_due(instance.now, anew=True)
    return None
